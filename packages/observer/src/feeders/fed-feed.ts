// One feed of a copy, wherever it comes from: another tab as long as what it brings agrees with the cluster, else a member. To the copy it is one feed that
// goes on: it learns nothing of who brings it. Which tab to ask is for `swarm.ts`, whether to believe it for `vetting.ts`.
import type { KeyRange } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import { RaftkvError, feedBytes } from '@raftkv/wire';
import type { DigestAnswer, DigestRequest, WatchCancelled } from '@raftkv/wire';
import type { Inflate } from '../inflate.ts';
import type { PeerFeed } from './peer-feed.ts';
import type { FeederClock } from './feeder-clock.ts';
import { Vetting } from './vetting.ts';
import type { Vetted } from './vetting.ts';

/** What a feed needs of the swarm that its tab is part of. */
export interface FeedHub {
  readonly clock: FeederClock;
  readonly inflate: Inflate;
  readonly markMilliseconds: number;
  readonly patienceMilliseconds: number;
  /** The copy asked for a feed; it takes the place of an earlier one. */
  begin(feed: object, ranges: readonly KeyRange[], from: number): void;
  end(feed: object): void;
  /** Who brings it: undefined = nobody, none = the cluster. */
  fed(feed: object, path: readonly string[] | undefined): void;
  /** What the copy is given. */
  give(feed: object, message: FeedMessage): void;
  counted(from: 'cluster' | 'tab', bytes: number): void;
  left(feederId: string, error: unknown): void;
  /** Whether who is fed along this path is fed by itself, or too far down. */
  isLoop(path: readonly string[]): boolean;
  /** The copy as it is was never compared with a member's hash: it comes out of a store. */
  isDoubtful(feed: object): boolean;
  compared(feed: object): void;
  /** Until a tab that the cluster feeds looks for another feeder, in milliseconds. */
  nextLook(): number;
  /** Somebody who feeds, with whom this tab has met; undefined: nobody does now. */
  seek(
    clusterId: string,
    wanted: { readonly ranges: readonly KeyRange[]; readonly isRoot: boolean },
  ): Promise<PeerFeed | undefined>;
}

/** The way to the member over which the feed was asked for. */
export interface FeedLink {
  readonly clusterId: string;
  ask(request: Omit<DigestRequest, 'type'>): Promise<DigestAnswer>;
  /** The member's own feed. */
  observe(
    from: number,
    ranges: readonly KeyRange[],
    onMessage: (message: FeedMessage | WatchCancelled) => void,
  ): { consumed(bytes: number): void; close(): void };
  /** To the copy. */
  emit(message: FeedMessage | WatchCancelled): void;
}

export interface FedFeedOptions {
  readonly id: number;
  readonly from: number;
  readonly ranges: readonly KeyRange[];
}

/** What the copy may have unconsumed before more is vetted for it. */
const windowBytes = 1024 * 1024;
/** Feeders that come to nothing, one after the other, before it is the member's turn. */
const maxMisfortunes = 3;
/** A member answers within 5 s, if only that there is nothing. */
const answerMilliseconds = 15_000;
/** One that fed for so long was a fortune. */
const fortuneMilliseconds = 30_000;
/** A member that is asked for a hash may be behind the copy; then the next time will do. */
const compareMilliseconds = 1_000;

export class FedFeed {
  readonly #hub: FeedHub;
  readonly #link: FeedLink;
  readonly #options: FedFeedOptions;
  /** What the copy has been given, whole. */
  #position: number;
  /** In the middle of a snapshot of the member's. */
  #isBuilding = false;
  #peer: PeerFeed | undefined;
  #member: ReturnType<FeedLink['observe']> | undefined;
  /** Of what was vetted. */
  #unconsumed = 0;
  #onConsumed: (() => void) | undefined;
  #wake: (() => void) | undefined;
  /** Set once the member cannot, or will not, vouch for anything. */
  #memberError: RaftkvError | undefined;
  #isClosed = false;

  constructor(hub: FeedHub, link: FeedLink, options: FedFeedOptions) {
    this.#hub = hub;
    this.#link = link;
    this.#options = options;
    this.#position = options.from;
    hub.begin(this, options.ranges, options.from);
  }

  /** Resolves when it is closed. */
  async run(): Promise<void> {
    let misfortunes = 0;
    while (!this.#isClosed) {
      this.#hub.fed(this, undefined);
      const peer = misfortunes < maxMisfortunes ? await this.#seek(false) : undefined;
      if (this.#isClosed) return peer?.close();
      if (peer === undefined) {
        misfortunes = 0;
        this.#peer = await this.#followMember();
      } else this.#peer = peer;
      if (this.#peer === undefined || this.#isClosed) continue;
      const since = this.#hub.clock.now();
      await this.#followPeer(this.#peer);
      this.#peer = undefined;
      misfortunes = this.#hub.clock.now() - since > fortuneMilliseconds ? 0 : misfortunes + 1;
    }
    return undefined;
  }

  /** The copy has consumed so much. */
  consumed(bytes: number): void {
    // In the order in which it was given: first what was vetted, then what the member sends.
    const vetted = Math.min(bytes, this.#unconsumed);
    this.#unconsumed -= vetted;
    this.#onConsumed?.();
    if (bytes > vetted) this.#member?.consumed(bytes - vetted);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#peer?.close();
    this.#member?.close();
    this.#onConsumed?.();
    this.#wake?.();
    this.#hub.end(this);
  }

  async #seek(isRoot: boolean): Promise<PeerFeed | undefined> {
    const { clusterId } = this.#link;
    if (this.#memberError !== undefined) return undefined;
    return this.#hub.seek(clusterId, { ranges: this.#options.ranges, isRoot });
  }

  /** Until a tab is found that can do it. */
  async #followMember(): Promise<PeerFeed | undefined> {
    const { ranges } = this.#options;
    this.#isBuilding = false;
    this.#member = this.#link.observe(this.#position, ranges, (message) => this.#fromMember(message));
    this.#hub.fed(this, []);
    for (;;) {
      await this.#sleep(this.#hub.nextLook());
      if (this.#isClosed) return undefined;
      // One that copies the whole state goes on with it.
      const peer = this.#isBuilding || this.#position === 0 ? undefined : await this.#seek(true);
      if (peer === undefined) continue;
      if (this.#isClosed || this.#isBuilding) {
        peer.close();
        continue;
      }
      this.#member.close();
      this.#member = undefined;
      return peer;
    }
  }

  #fromMember(message: FeedMessage | WatchCancelled): void {
    if (this.#isClosed) return;
    const { id } = this.#options;
    if (message.type === 'watchCancelled') {
      this.#link.emit({ ...message, id });
      return this.close();
    }
    this.#hub.counted('cluster', feedBytes(message));
    if (message.type === 'feedSnapshot') this.#isBuilding = !message.isDone;
    if (!this.#isBuilding) this.#position = Math.max(this.#position, message.revision);
    if (!this.#isBuilding || message.type === 'feedSnapshot') this.#hub.give(this, message);
    this.#link.emit({ ...message, id });
  }

  /** Until it is of no use any more. */
  async #followPeer(peer: PeerFeed): Promise<void> {
    const hub = this.#hub;
    peer.onPath = () => {
      // A loop is nobody's fault: someone above went below.
      if (hub.isLoop(peer.path)) peer.close();
      else hub.fed(this, peer.path);
    };
    peer.onPath();
    const { ranges } = this.#options;
    const { clock, inflate, markMilliseconds, patienceMilliseconds } = hub;
    const vetting = new Vetting({
      peer,
      ranges,
      ask: (about, from) => this.#ask({ about, from, ranges }),
      position: () => this.#position,
      emit: (piece) => this.#emit(piece),
      inflate,
      clock,
      markMilliseconds,
      patienceMilliseconds,
      onCaughtUp: () => this.#compare(),
    });
    try {
      await vetting.run();
    } catch (error) {
      peer.close();
      // What the member does not do is not the feeder's fault.
      if (!this.#isClosed && this.#memberError === undefined) hub.left(peer.feederId, error);
    }
  }

  /** A copy that was stored is what it was taken for if a member's hash says so: it greets one that has missed nothing with that, and nothing else. */
  async #compare(): Promise<void> {
    const { ranges, from } = this.#options;
    // Of a part of the keys there is no hash; and what began with nothing was vouched for from the beginning.
    if (from === 0 || ranges.length > 0 || !this.#hub.isDoubtful(this)) return;
    let isOver = false;
    const member = this.#link.observe(this.#position, ranges, (message) => {
      if (isOver) return;
      isOver = true;
      this.#wake?.();
      if (message.type !== 'feedChanges') return;
      this.#fromMember(message);
      if (message.hash !== undefined) this.#hub.compared(this);
    });
    await this.#sleep(isOver ? 0 : compareMilliseconds);
    isOver = true;
    member.close();
  }

  async #ask(request: Omit<DigestRequest, 'type'>): Promise<DigestAnswer> {
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new RaftkvError('timeout', 'the member does not vouch for anything');
      cancel = this.#hub.clock.schedule(() => reject(error), answerMilliseconds);
    });
    try {
      return await Promise.race([this.#link.ask(request), late]);
    } catch (error) {
      this.#memberError = RaftkvError.from(error);
      throw error;
    } finally {
      cancel?.();
    }
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#hub.clock.schedule(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  async #emit(piece: Vetted): Promise<void> {
    if (this.#isClosed) throw new RaftkvError('closed', 'the feed was closed');
    const message: FeedMessage = { ...piece, id: this.#options.id, isDeflated: false, hash: undefined };
    if (piece.type === 'feedChanges' || piece.isDone) this.#position = piece.revision;
    this.#unconsumed += feedBytes(message);
    this.#hub.give(this, message);
    this.#link.emit(message);
    while (this.#unconsumed > windowBytes && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#onConsumed = resolve));
    }
  }
}
