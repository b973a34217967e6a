// Where one observer stands and what it is sent next: changes as long as they are retained, else a snapshot of the present state in pages, with
// the changes to keys already sent in between. It holds no data: however slow the observer and however fast the writes, it costs a few numbers.
import type { Key } from '@raftkv/kv';
import type { FeedRanges } from './feed-ranges.ts';
import type { EncodedChanges, FeedSource } from './feed-source.ts';
import type { Feed, FeedPiece } from './node-api.ts';

export interface FeedSessionOptions {
  readonly ranges: FeedRanges;
  /** The observer has everything up to and including this revision; 0 = it has nothing. */
  readonly from: number;
  readonly maxPayloadBytes: number;
}

/** What all feeds of a member share; implemented by `observers.ts`. */
export interface FeedTurns {
  /** Runs `work` if there is time left for feeds now, else sees to it that the feed is woken later. */
  spend(feed: FeedSession, work: () => FeedPiece | undefined): FeedPiece | undefined;
  /** The feed has come further and said nothing: it is to be woken soon, with `isMarkDue`. */
  markLater(feed: FeedSession): void;
  snapshotBegun(): void;
  snapshotEnded(): void;
  closed(feed: FeedSession): void;
}

export class FeedSession implements Feed {
  readonly ranges: FeedRanges;
  /** There may be something to take. */
  readonly wake: () => void;
  /** It is time to say how far the feed has come, even if there is nothing else to say. */
  isMarkDue = false;
  readonly #source: FeedSource;
  readonly #turns: FeedTurns;
  readonly #maxPayloadBytes: number;
  /** Everything up to this revision was delivered; while a snapshot is sent, of the keys already sent. */
  #position: number;
  #toldRevision: number;
  #toldIndex = 0;
  /** Set while a snapshot is sent: the keys below it were. */
  #next: Key | undefined;
  #sent: FeedRanges | undefined;
  #isFirst = false;
  /** It has been told something. */
  #isGreeted = false;
  #isClosed = false;

  constructor(source: FeedSource, turns: FeedTurns, options: FeedSessionOptions, wake: () => void) {
    this.#source = source;
    this.#turns = turns;
    this.ranges = options.ranges;
    this.#maxPayloadBytes = options.maxPayloadBytes;
    this.#position = options.from;
    this.#toldRevision = options.from;
    this.wake = wake;
    if (options.from === 0) this.#beginSnapshot();
  }

  take(): FeedPiece | undefined {
    if (this.#isClosed) return undefined;
    return this.#turns.spend(this, this.#take);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#next !== undefined) this.#turns.snapshotEnded();
    this.#turns.closed(this);
  }

  readonly #take = (): FeedPiece | undefined => {
    if (this.#next !== undefined) return this.#takeSnapshot(this.#next);
    // This member may stand behind the one that fed the observer before: it never goes back, so there is nothing until it has caught up.
    while (this.#position < this.#source.revision) {
      const batch = this.#source.changesAfter(this.#position, this.ranges, this.#maxPayloadBytes);
      if (batch === undefined) return this.#takeSnapshot(this.#beginSnapshot());
      this.#advance(batch);
      if (batch.payload.length > 0) return this.#changes(batch, batch.hash);
    }
    return this.#mark();
  };

  /**
   * So that an observer of a few keys learns how far the store has come, though nothing concerns it; and one that comes back, at once, that it has
   * missed nothing, with the hash that its copy must have.
   */
  #mark(): FeedPiece | undefined {
    if (!this.#isGreeted && this.#position === this.#source.revision) {
      this.#toldIndex = this.#source.index;
      const hash = this.ranges.isAll ? this.#source.contentHash() : undefined;
      return this.#changes({ payload: new Uint8Array(0), isDeflated: false }, hash);
    }
    if (this.#position <= this.#toldRevision) return undefined;
    if (!this.isMarkDue) {
      this.#turns.markLater(this);
      return undefined;
    }
    const payload = new Uint8Array(0);
    return this.#changes({ payload, isDeflated: false }, undefined);
  }

  #changes(
    { payload, isDeflated }: Pick<EncodedChanges, 'payload' | 'isDeflated'>,
    hash: string | undefined,
  ): FeedPiece {
    this.isMarkDue = false;
    this.#isGreeted = true;
    this.#toldRevision = this.#position;
    const [revision, index] = [this.#position, this.#toldIndex];
    return { type: 'feedChanges', isDeflated, revision, index, hash, payload };
  }

  #advance(batch: EncodedChanges): void {
    this.#position = batch.revision;
    this.#toldIndex = Math.max(this.#toldIndex, batch.index);
  }

  #beginSnapshot(): Key {
    if (this.#next === undefined) this.#turns.snapshotBegun();
    this.#isFirst = true;
    this.#sent = undefined;
    this.#next = '';
    return this.#next;
  }

  #takeSnapshot(begin: Key): FeedPiece {
    const source = this.#source;
    let next = begin;
    // A page is read from the present state, so what was sent before must be brought up to the present first.
    while (this.#position < source.revision && this.#sent !== undefined) {
      const batch = source.changesAfter(this.#position, this.#sent, this.#maxPayloadBytes);
      if (batch === undefined) {
        next = this.#beginSnapshot();
        break;
      }
      this.#advance(batch);
      if (batch.payload.length > 0) return this.#changes(batch, undefined);
    }
    const page = source.pageFrom(next, this.ranges, this.#maxPayloadBytes);
    // Asked for at each page: on a large store it is worked out bit by bit.
    const hash = this.ranges.isAll ? source.contentHash() : undefined;
    const isFirst = this.#isFirst;
    const isDone = page.next === undefined;
    this.#isFirst = false;
    this.#isGreeted = true;
    this.#position = source.revision;
    this.#toldRevision = source.revision;
    this.#toldIndex = source.index;
    this.#next = page.next;
    this.#sent = page.next === undefined ? undefined : this.ranges.below(page.next);
    if (isDone) this.#turns.snapshotEnded();
    return {
      type: 'feedSnapshot',
      isFirst,
      isDone,
      isDeflated: page.isDeflated,
      revision: this.#position,
      index: this.#toldIndex,
      hash: isDone ? hash : undefined,
      payload: page.payload,
    };
  }
}
