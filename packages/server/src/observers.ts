// The observers of one member: told when something was applied, all from one source of encodings, and kept from taking the loop for
// themselves: feeds work in turns of a few milliseconds and let others go first in between, so a thousand of them slow each other down rather than the cluster.
import type { Clock } from '@raftkv/replica';
import { FeedRanges } from './feed-ranges.ts';
import { FeedSession } from './feed-session.ts';
import type { FeedTurns } from './feed-session.ts';
import { FeedSource } from './feed-source.ts';
import type { KvStateMachine } from './kv-state-machine.ts';
import type { Feed, FeedPiece, ObserveOptions } from './node-api.ts';

/** Time for reading, encoding and compressing in one turn. */
const turnMilliseconds = 5;
/** Feeds woken in one turn: each sends at least one frame, which costs some tens of microseconds. */
const wakesPerTurn = 128;
/** Between two turns the loop gets to everything else that waits, and a rest of this share of the turn. */
const restShare = 1 / 2;
const longestRestMilliseconds = 10;
/** A feed that nothing concerns says how far it has come at most this often. */
const markMilliseconds = 50;
/** So long after the last feed of all keys the content hash is kept up, for the next one. */
const hashKeptMilliseconds = 60_000;

export interface ObserversOptions {
  readonly clock: Pick<Clock, 'now' | 'schedule'>;
  /** Raw DEFLATE. */
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

export class Observers implements FeedTurns {
  readonly #source: FeedSource;
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  readonly #feeds = new Set<FeedSession>();
  /** To be woken in the next turns, in this order. */
  readonly #due = new Set<FeedSession>();
  /** All others are to be woken too, after them: something was applied. */
  #areAllDue = false;
  #owing = new Set<FeedSession>();
  #isTurn = false;
  #isTurnPlanned = false;
  #isMarkPlanned = false;
  #spentMilliseconds = 0;
  #restUntil = 0;
  #lastRevision: number;
  #snapshots = 0;
  #feedsOfAll = 0;
  #lastOfAllAt = 0;

  constructor(stateMachine: KvStateMachine, { clock, deflate }: ObserversOptions) {
    this.#source = new FeedSource(stateMachine, deflate);
    this.#clock = clock;
    this.#lastRevision = this.#source.revision;
    stateMachine.onApplied(() => this.#applied());
  }

  get count(): number {
    return this.#feeds.size;
  }

  /** Throws `invalid_argument` for ranges that make no sense. `onReady` is called when there may be something to take, at most once a turn. */
  open({ from, ranges, maxPayloadBytes }: ObserveOptions, onReady: () => void): Feed {
    const options = { from, ranges: FeedRanges.from(ranges), maxPayloadBytes };
    const feed = new FeedSession(this.#source, this, options, onReady);
    this.#feeds.add(feed);
    if (feed.ranges.isAll) this.#feedsOfAll++;
    return feed;
  }

  closed(feed: FeedSession): void {
    this.#feeds.delete(feed);
    this.#due.delete(feed);
    this.#owing.delete(feed);
    if (!feed.ranges.isAll) return;
    this.#feedsOfAll--;
    this.#lastOfAllAt = this.#clock.now();
  }

  snapshotBegun(): void {
    this.#snapshots++;
  }

  snapshotEnded(): void {
    this.#snapshots--;
    if (this.#snapshots === 0) this.#source.forgetPages();
  }

  spend(feed: FeedSession, work: () => FeedPiece | undefined): FeedPiece | undefined {
    if (this.#spentMilliseconds >= turnMilliseconds) {
      this.#due.add(feed);
      // In a turn, its end plans the next one.
      if (!this.#isTurn) this.#planTurn(Math.max(this.#restUntil - this.#clock.now(), this.#spentMilliseconds));
      return undefined;
    }
    const start = this.#clock.now();
    const piece = work();
    this.#spentMilliseconds += this.#clock.now() - start;
    return piece;
  }

  markLater(feed: FeedSession): void {
    this.#owing.add(feed);
    if (this.#isMarkPlanned) return;
    this.#isMarkPlanned = true;
    this.#clock.schedule(() => this.#tellMarks(), markMilliseconds);
  }

  #tellMarks(): void {
    this.#isMarkPlanned = false;
    const owing = this.#owing;
    this.#owing = new Set();
    for (const feed of owing) {
      feed.isMarkDue = true;
      this.#due.add(feed);
    }
    this.#wakeInTurn();
  }

  #applied(): void {
    const { revision } = this.#source;
    if (revision === this.#lastRevision) return;
    this.#lastRevision = revision;
    if (this.#feedsOfAll === 0 && this.#source.isHashing) this.#forgetHashAfterAWhile();
    if (this.#feeds.size === 0) return;
    this.#areAllDue = true;
    this.#wakeInTurn();
  }

  #forgetHashAfterAWhile(): void {
    if (this.#clock.now() - this.#lastOfAllAt > hashKeptMilliseconds) this.#source.forgetContentHash();
  }

  /** Now, in the same turn of the event loop, unless feeds have had their share of it. */
  #wakeInTurn(): void {
    if (this.#isTurn || this.#isTurnPlanned) return;
    const wait = this.#restUntil - this.#clock.now();
    if (wait <= 0) this.#turn();
    else this.#planTurn(wait);
  }

  #planTurn(milliseconds: number): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#clock.schedule(() => {
      this.#isTurnPlanned = false;
      this.#turn();
    }, milliseconds);
  }

  #turn(): void {
    const start = this.#clock.now();
    this.#isTurn = true;
    this.#spentMilliseconds = 0;
    // Those that wait longer stay in front, so that nobody is passed over.
    if (this.#areAllDue) for (const feed of this.#feeds) this.#due.add(feed);
    this.#areAllDue = false;
    let left = wakesPerTurn;
    for (const feed of this.#due) {
      if (left-- === 0) break;
      this.#due.delete(feed);
      feed.wake();
    }
    // Those who were woken work in microtasks that are queued by now: this one comes after them.
    queueMicrotask(() => this.#endTurn(start));
  }

  #endTurn(start: number): void {
    const now = this.#clock.now();
    const took = now - start;
    this.#isTurn = false;
    this.#restUntil = now + Math.min(took * restShare, longestRestMilliseconds);
    // While nothing is due, each change is sent as it comes, and small expenses do not add up to a debt.
    if (this.#due.size > 0 || this.#areAllDue) this.#planTurn(this.#restUntil - now);
  }
}
