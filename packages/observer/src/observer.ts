// The loop of a copy: what is stored is read, then the feed is followed from there, each message taken in whole and in order, told to whoever listens,
// and kept. It never goes back to an older state, and a copy that does not agree with its source is thrown away, not shown.
import type { Change, Key, KeyRange } from '@raftkv/kv';
import { RaftkvError, decodeFeedChanges, decodeFeedEntries } from '@raftkv/wire';
import type { Feed, FeedHandlers, FeedMessage } from '@raftkv/client/parts';
import type { CopyClock } from './breathe.ts';
import { Copy } from './copy.ts';
import { platformInflate } from './inflate.ts';
import type { Inflate } from './inflate.ts';
import { Intake } from './intake.ts';
import type { CopyStore, Journal } from './journal.ts';
import { openJournal } from './open-journal.ts';
import type { CopyIdentity } from './open-journal.ts';
import { Waiters } from './waiters.ts';

export type OpenFeed = (
  ranges: readonly KeyRange[],
  handlers: FeedHandlers,
) => Pick<Feed, 'consumed' | 'restart' | 'close'>;

export interface ObserverOptions {
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
  readonly clock: CopyClock;
  /** Default: the platform's DecompressionStream. */
  readonly inflate?: Inflate;
  /** Something of `status` changed; for each batch `subscribe` tells more. */
  readonly onStatus: () => void;
  /** The copy has taken this message of the feed in: for whoever feeds others. */
  readonly onTaken?: (message: FeedMessage, changes: readonly Change[]) => void;
  /** Nothing is kept any more; the copy goes on in memory. */
  readonly onStorageFailed?: (error: RaftkvError) => void;
}

/** `undefined`: everything may have changed. None: only the state of the copy. */
export type CopyListener = (changed: readonly Key[] | undefined) => void;

/** A feed that only tells how far it has come is written down in steps of so many revisions. */
const keptProgress = 1_000;

export class Observer {
  readonly #options: ObserverOptions;
  readonly #inflate: Inflate;
  readonly #isOfAllKeys: boolean;
  readonly #listeners = new Set<CopyListener>();
  readonly #waiters: Waiters;
  readonly #intake: Intake;
  /** Whole; what is older than something that was shown before is not shown. */
  #copy: Copy | undefined;
  #shownRevision = 0;
  /** A copy that is being fetched as a whole, beside the present one. */
  #building: Copy | undefined;
  #journal: Journal | undefined;
  #storedRevision = 0;
  #feed: ReturnType<OpenFeed> | undefined;
  /** Where the last message of the present attachment led to, or what was asked for. */
  #heardRevision = 0;
  #isLive = false;
  #isHeard = false;
  #feedError: RaftkvError | undefined;
  #storageError: RaftkvError | undefined;
  #isClosed = false;
  snapshots = 0;
  divergences = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#inflate = options.inflate ?? platformInflate;
    this.#waiters = new Waiters(options.clock);
    this.#intake = new Intake(this.#inflate, options.clock, {
      take: (message, payload) => this.#take(message, payload),
      onFailed: (error) => this.#startOver(error),
    });
    this.#isOfAllKeys = options.ranges.length === 0;
  }

  /** The copy, once it is whole. It is another object after it was fetched anew: do not keep it. */
  get copy(): Copy | undefined {
    const copy = this.#copy;
    return copy !== undefined && copy.revision >= this.#shownRevision ? copy : undefined;
  }
  get revision(): number {
    return this.copy?.revision ?? 0;
  }
  /** The highest revision that the copy, or one before it, has shown. */
  get shownRevision(): number {
    return this.#shownRevision;
  }
  /** `paused`: no node feeds, or none that hears a leader; `fetching`: nothing has come from the present one yet. */
  get feedState(): 'paused' | 'fetching' | 'idle' {
    if (!this.#isLive) return 'paused';
    return this.#isHeard ? 'idle' : 'fetching';
  }
  get isBuilding(): boolean {
    return this.#building !== undefined;
  }
  /** What went wrong last and still matters. */
  get error(): RaftkvError | undefined {
    return this.#storageError ?? this.#feedError;
  }
  get isStored(): boolean {
    return this.#journal !== undefined;
  }

  /** Called after each batch, when everything is up to date. Answers the function that ends it. */
  subscribe(listener: CopyListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether all keys of this range are among those that are copied. */
  covers({ from, to }: KeyRange): boolean {
    const { ranges } = this.#options;
    if (ranges.length === 0) return true;
    for (let at = from; ;) {
      const mine = ranges.find((range) => range.from <= at && (range.to === undefined || at < range.to));
      if (mine === undefined) return false;
      if (mine.to === undefined || (to !== undefined && to <= mine.to)) return true;
      at = mine.to;
    }
  }

  /**
   * Reads what a store holds and keeps there what comes from now on. Damage, or keys of another choice: it is emptied, and the error stays to be seen
   * while the feed brings everything anew. Without an identity only a store that is there is used. Answers the identity of the store; undefined: there
   * is none. Rejects with what emptying cannot mend, and with `wrong_cluster` for a copy of another cluster than `known`, which stays as it is: neither what is
   * shown here nor the writes that wait are of that one. The feed must be followed (again) afterwards, since the store may lag behind the copy.
   */
  async useStore(store: CopyStore, identity?: CopyIdentity, known?: string): Promise<CopyIdentity | undefined> {
    const loaded = await openJournal(store, identity, {
      scope: JSON.stringify(this.#options.ranges),
      isOfAllKeys: this.#isOfAllKeys,
      inflate: this.#inflate,
      clock: this.#options.clock,
      onFailure: (error) => this.#storageFailed(error),
      onEmptied: (error) => this.reportStorage(error),
    });
    if (loaded === undefined) return undefined;
    const { journal, copy } = loaded;
    const { clusterId } = journal.owner;
    const isOther = clusterId !== (known ?? clusterId);
    if (this.#isClosed || isOther) {
      await journal.close();
      if (isOther) throw new RaftkvError('wrong_cluster', `a copy of ${clusterId} is stored`);
      return undefined;
    }
    this.#journal = journal;
    this.#storedRevision = copy?.revision ?? 0;
    if (copy !== undefined && copy.revision > (this.#copy?.revision ?? 0)) this.#adopt(copy);
    else if (copy === undefined && this.#copy !== undefined) this.#keepWhole(this.#copy);
    this.#tellState();
    return journal.owner;
  }

  #keepWhole(copy: Copy): Promise<void> | undefined {
    this.#storedRevision = copy.revision;
    return this.#journal?.replace(copy);
  }

  /** Something about storage that its owner found: shown until the observer ends. */
  reportStorage(error: RaftkvError): void {
    this.#storageError = error;
    this.#tellState();
  }

  /** Lets the store go without closing the observer: another one keeps it now. */
  async dropStore(): Promise<void> {
    const journal = this.#journal;
    this.#journal = undefined;
    this.#storageError = undefined;
    this.#options.onStatus();
    await journal?.close();
  }

  /** Follows this feed from now on, instead of an earlier one. */
  follow(openFeed: OpenFeed): void {
    this.#feed?.close();
    this.#feed = openFeed(this.#options.ranges, {
      // A store that lags behind the copy must not miss what lies between; the copy passes over what it has.
      position: () => this.#position,
      onAttach: () => this.#attached(),
      onMessage: (message) => this.#intake.receive(message),
      onState: (isLive) => this.#feedStateChanged({ isLive }),
      onEnd: (error) => {
        this.#feedError = error;
        this.#feedStateChanged({ isLive: false });
        this.#tellState();
      },
    });
  }

  unfollow(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#feedStateChanged({ isLive: false });
  }

  /** Resolves once the copy is whole and has come to `revision`. Rejects with `timeout`, `closed` or the signal's reason. */
  whenAt(
    revision: number,
    options: { readonly timeoutMilliseconds: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    if (this.copy !== undefined && this.revision >= revision) return Promise.resolve();
    return this.#waiters.wait(Math.max(1, revision), options, () => this.revision);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#feed?.close();
    this.#intake.reset();
    this.#waiters.close(new RaftkvError('closed', 'the replica was closed'));
    await this.#journal?.close();
  }

  /** What the feed may go on from. */
  get #position(): number {
    const revision = this.#copy?.revision ?? 0;
    return this.#journal === undefined ? revision : Math.min(revision, this.#storedRevision);
  }

  #attached(): void {
    this.#intake.reset();
    this.#building = undefined;
    this.#heardRevision = this.#position;
    this.#feedStateChanged({ isHeard: false });
  }

  #take(message: FeedMessage, payload: Uint8Array): void {
    if (message.revision < this.#heardRevision) {
      // What it said of revisions is worth nothing, and neither is what was shown by its word.
      this.#shownRevision = 0;
      throw new RaftkvError('bad_frame', `the feed goes back from ${this.#heardRevision} to ${message.revision}`);
    }
    this.#heardRevision = message.revision;
    if (message.type === 'feedSnapshot') this.#takeSnapshot(message, payload);
    else if (this.#building === undefined) this.#takeChanges(message, payload);
    else this.#building.applyWhileBuilding(decodeFeedChanges(payload));
    if (this.#building !== undefined) this.#consumed(message);
  }

  #takeSnapshot(message: Extract<FeedMessage, { type: 'feedSnapshot' }>, payload: Uint8Array): void {
    if (message.isFirst) this.#building = new Copy({ isOfAllKeys: this.#isOfAllKeys });
    const building = this.#building;
    if (building === undefined) throw new RaftkvError('bad_frame', 'a snapshot that has no beginning');
    building.addEntries(decodeFeedEntries(payload));
    if (!message.isDone) return;
    building.moveTo(message);
    checkHash(building, message.hash);
    this.#building = undefined;
    this.snapshots += 1;
    this.#feedError = undefined;
    this.#consumedAfter(this.#keepWhole(building), message);
    // The node may be behind what this copy has seen already (T44): then it was the store that needed it.
    if (building.revision >= (this.#copy?.revision ?? 0)) this.#adopt(building);
    this.#feedStateChanged({ isHeard: true });
  }

  #takeChanges(message: Extract<FeedMessage, { type: 'feedChanges' }>, payload: Uint8Array): void {
    const copy = this.#copy;
    if (copy === undefined) throw new RaftkvError('bad_frame', 'changes, and nothing that they could change');
    const changes = decodeFeedChanges(payload);
    this.#checkNoGap(changes, message.revision);
    this.#keep(message);
    if (message.revision > copy.revision) this.#advance(copy, changes, message);
    else if (message.revision === copy.revision) checkHash(copy, message.hash);
    this.#feedStateChanged({ isHeard: true });
  }

  #advance(copy: Copy, changes: readonly Change[], message: Extract<FeedMessage, { type: 'feedChanges' }>): void {
    const wasShown = this.copy !== undefined;
    const changed = copy.applyChanges(changes);
    copy.moveTo(message);
    checkHash(copy, message.hash);
    this.#tell(wasShown ? changed : undefined);
    if (this.copy !== undefined) this.#options.onTaken?.(message, changes);
    this.#journal?.consider(copy);
  }

  /** A feed of all keys brings each revision: one that is missing would be missed for ever. */
  #checkNoGap(changes: readonly Change[], end: number): void {
    if (!this.#isOfAllKeys) {
      if ((changes.at(-1)?.revision ?? 0) > end) throw new RaftkvError('bad_frame', `changes after revision ${end}`);
      return;
    }
    let position = this.#position;
    for (const { revision } of changes) {
      if (revision > position + 1) throw gap(position, revision);
      position = Math.max(position, revision);
    }
    if (position !== Math.max(end, this.#position)) throw gap(position, end);
  }

  #keep(message: Extract<FeedMessage, { type: 'feedChanges' }>): void {
    const { revision, index, isDeflated, payload } = message;
    const isNews =
      revision > this.#storedRevision && (payload.length > 0 || revision - this.#storedRevision > keptProgress);
    if (this.#journal === undefined || !isNews) return this.#consumed(message);
    this.#storedRevision = revision;
    this.#consumedAfter(this.#journal.append({ revision, index, isDeflated, payload }), message);
  }

  /** A disk that is slow slows the feed down, not the page: it has seen the change already. */
  #consumedAfter(kept: Promise<void> | undefined, message: FeedMessage): void {
    const { attachment } = this.#intake;
    void kept?.then(() => {
      if (attachment === this.#intake.attachment) this.#consumed(message);
    });
    if (kept === undefined) this.#consumed(message);
  }

  #consumed(message: FeedMessage): void {
    this.#feed?.consumed(message);
  }

  #adopt(copy: Copy): void {
    this.#copy = copy;
    this.#tell(undefined);
  }

  #tell(changed: readonly Key[] | undefined): void {
    this.#shownRevision = Math.max(this.#shownRevision, this.revision);
    for (const listener of [...this.#listeners]) listener(changed);
    this.#waiters.reached(this.revision);
    this.#options.onStatus();
  }

  /** What came cannot be right, or the copy is not: it is not shown any more, and everything is fetched anew. */
  #startOver(error: RaftkvError): void {
    this.divergences += 1;
    this.#feedError = new RaftkvError(error.code, `${error.message}; the copy is fetched anew`, { cause: error });
    this.#intake.reset();
    this.#building = undefined;
    this.#copy = undefined;
    void this.#keepWhole(new Copy({ isOfAllKeys: this.#isOfAllKeys }));
    this.#tell(undefined);
    this.#feed?.restart();
  }

  #storageFailed(error: RaftkvError): void {
    const journal = this.#journal;
    this.#journal = undefined;
    this.#storageError = error;
    this.#tellState();
    void journal?.close();
    this.#options.onStorageFailed?.(error);
  }

  #feedStateChanged(change: { readonly isLive?: boolean; readonly isHeard?: boolean }): void {
    const before = this.feedState;
    this.#isLive = change.isLive ?? this.#isLive;
    this.#isHeard = change.isHeard ?? this.#isHeard;
    if (this.feedState !== before) this.#tellState();
  }

  #tellState(): void {
    for (const listener of [...this.#listeners]) listener([]);
    this.#options.onStatus();
  }
}

function checkHash(copy: Copy, expected: string | undefined): void {
  const own = copy.hash;
  if (own === undefined || expected === undefined || own === expected) return;
  throw new RaftkvError('diverged', `content hash ${own} at revision ${copy.revision}, the members have ${expected}`);
}

function gap(position: number, revision: number): RaftkvError {
  return new RaftkvError('diverged', `the feed goes on at revision ${revision}, the copy stands at ${position}`);
}
