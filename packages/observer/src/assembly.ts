// The parts of a replica put together: client, copy, live queries and what is told of them. Who feeds it and where it is kept may change while it
// lives (tabs of one origin hand both on to each other); composition roots say so, here it is carried out. `open-replica.ts` is the plain one.
import type { KeyRange, KeyValue } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { RangeInput } from '@raftkv/wire';
import type { Codec, ConnectOptions, ReplicaStatus, UserKey } from '@raftkv/client';
import { LiveValue, pendingStatus } from '@raftkv/client/live';
import { Client, checkedRange, json, settle, viewOf } from '@raftkv/client/parts';
import type { Feed, Settings } from '@raftkv/client/parts';
import type { CopyStore } from './journal.ts';
import type { KeepWrites } from './keep-writes.ts';
import { Observer } from './observer.ts';
import type { ObserverOptions, OpenFeed } from './observer.ts';
import type { CopyIdentity } from './open-journal.ts';
import { ReplicaKv } from './replica-kv.ts';

export interface ReplicaOptions<Value = unknown> extends ConnectOptions<Value> {
  /** Copy these keys only; reads of others go to the cluster. Default: all. */
  readonly ranges?: readonly RangeInput[];
  /** What `keptWrites` of `raftkv/outbox` answers: writes are kept on this device until they are settled. Default: in memory. */
  readonly outbox?: KeepWrites;
  /** Lends the copy to whoever feeds others from it, as `raftkv/feeders` does. Told once. Default: to nobody. */
  readonly lend?: (lender: CopyLender) => void;
}

export interface CopyLender {
  /** As it is now; undefined: there is none that is whole. */
  readonly copy: LentCopy | undefined;
}

/** A copy that others are fed from; another object once it was fetched anew. */
export interface LentCopy {
  readonly revision: number;
  /** Visits the entries of a range in key order, until told `false`; the copy must not be changed meanwhile. */
  walk(range: KeyRange, visit: (entry: KeyValue) => boolean | void): void;
}

export interface AssemblyHooks extends Pick<ObserverOptions, 'inflate' | 'onStorageFailed' | 'onTaken'> {
  /** What `setOnline` means here besides cutting the client off. */
  readonly onOnline?: (isOnline: boolean) => void;
  /** Runs before the parts are closed. */
  readonly onClose?: () => Promise<void>;
  /** What is shown of the status, where another thread knows more of it. */
  readonly show?: ((status: ReplicaStatus) => ReplicaStatus) | undefined;
}

/** What a feed says of whoever feeds. */
type FeedSource = Pick<Feed, 'leader' | 'clusterId'>;

export class ReplicaAssembly<Value, K extends UserKey> {
  readonly client: Client<Value, K>;
  readonly observer: Observer;
  readonly settings: Settings;
  readonly ranges: readonly KeyRange[];
  readonly #kv: ReplicaKv<Value, K>;
  readonly #hooks: AssemblyHooks;
  readonly #status = new LiveValue<ReplicaStatus>(pendingStatus);
  /** Until a store says otherwise. */
  #replicaId: string;
  #clusterId: string | undefined;
  #tenancy: ReplicaStatus['tenancy'] = 'alone';
  #storage: ReplicaStatus['storage'] = 'memory';
  #feed: FeedSource | undefined;
  #nodeError: RaftkvError | undefined;
  /** The store that is used, or is being read. */
  #keeping: object | undefined;
  #opening: Promise<unknown> | undefined;
  #isLoading = false;
  #isOnline = true;
  #wasOnline = false;
  #isClosed = false;
  #whenFed: (() => void)[] = [];

  /** Throws `invalid_argument` for options that make no sense. */
  constructor(options: ReplicaOptions<Value>, hooks: AssemblyHooks = {}) {
    this.#hooks = hooks;
    this.#replicaId = drawId(options.random);
    this.settings = { ...settle(options as ConnectOptions<never>), isLazy: true };
    const codec = options.codec ?? (json as Codec<unknown> as Codec<Value>);
    const view = viewOf<Value, K>(codec, options.keys ?? 'text');
    this.ranges = (options.ranges ?? []).map((range) => checkedRange(range, this.settings.limits));
    this.client = new Client(this.settings, view);
    this.client.onNodeFailed((error) => this.feedFailed(error));
    this.observer = new Observer({
      ranges: this.ranges,
      clock: this.settings.clock,
      inflate: hooks.inflate,
      onTaken: hooks.onTaken,
      onStatus: () => this.changed(),
      onStorageFailed: (error) => {
        this.#storage = 'memory';
        this.changed();
        hooks.onStorageFailed?.(error);
      },
    });
    this.#kv = new ReplicaKv<Value, K>({
      client: this.client,
      observer: this.observer,
      view,
      settings: this.settings,
      status: this.#status,
      onWrites: () => this.changed(),
      setOnline: (isOnline) => this.setOnline(isOnline),
      close: () => this.#close(),
    });
    options.lend?.(this.observer);
    this.changed();
  }

  get kv(): ReplicaKv<Value, K> {
    return this.#kv;
  }
  get status(): ReplicaStatus {
    return this.#status.getSnapshot();
  }
  get isOnline(): boolean {
    return this.#isOnline;
  }
  /** Of the node that feeds: who leads, as it sees it. */
  get leader(): string | undefined {
    return this.#feed?.leader;
  }
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** `replica`: what the tab that holds it says of the replica. */
  setTenancy(
    tenancy: ReplicaStatus['tenancy'],
    replica?: { readonly replicaId: string; readonly storage: ReplicaStatus['storage'] },
  ): void {
    this.#tenancy = tenancy;
    this.#replicaId = replica?.replicaId ?? this.#replicaId;
    this.#storage = replica?.storage ?? this.#storage;
    this.changed();
  }

  /** Follows the cluster itself. */
  followCluster(): void {
    this.follow((ranges, handlers) => this.client.openFeed(ranges, handlers));
  }

  /** Follows another feed. */
  follow(openFeed: (...parameters: Parameters<OpenFeed>) => ReturnType<OpenFeed> & FeedSource): void {
    this.observer.follow((ranges, handlers) => {
      const feed = openFeed(ranges, handlers);
      this.#feed = feed;
      return feed;
    });
  }

  /** Whoever feeds, or would, cannot be reached: shown until there is a feed. */
  feedFailed(error: RaftkvError): void {
    this.#nodeError = error;
    this.changed();
  }

  unfollow(): void {
    this.observer.unfollow();
    this.#feed = undefined;
    this.changed();
  }

  /**
   * Keeps the copy in this store and goes on from what it holds, if it holds anything; a new store is made once the cluster is known, so that it
   * belongs to one. Never rejects: what goes wrong is part of the status, and the copy goes on in memory. Follow afterwards.
   */
  async keep(store: CopyStore): Promise<void> {
    const keeping = {};
    this.#keeping = keeping;
    this.#isLoading = true;
    this.changed();
    const found = await this.#useStore(store, keeping);
    this.#isLoading = false;
    if (found === undefined && this.#keeping === keeping) void this.#createStore(store, keeping);
    this.changed();
  }

  /** Keeps the copy no longer: another tab does. Also while it is being read. */
  dropStore(): Promise<void> {
    this.#keeping = undefined;
    return this.observer.dropStore();
  }

  setOnline(isOnline: boolean): void {
    if (this.#isClosed || isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    this.client.setOnline(isOnline);
    this.#hooks.onOnline?.(isOnline);
    this.changed();
  }

  async #createStore(store: CopyStore, keeping: object): Promise<void> {
    await this.#fed();
    const clusterId = this.#clusterId;
    if (this.#isClosed || clusterId === undefined || this.#keeping !== keeping) return;
    await this.#useStore(store, keeping, { clusterId, replicaId: this.#replicaId });
  }

  /** Answers whether there is one, or was trouble with it. */
  async #useStore(store: CopyStore, keeping: object, identity?: CopyIdentity): Promise<CopyIdentity | undefined> {
    try {
      const opening = this.observer.useStore(store, identity, this.#clusterId ?? this.settings.clusterId);
      this.#opening = opening;
      const kept = await opening;
      if (this.#keeping !== keeping) await this.observer.dropStore();
      else if (kept !== undefined) {
        this.#storage = store.mode;
        this.#replicaId = kept.replicaId;
        this.#clusterId = kept.clusterId;
        this.client.expectCluster(kept.clusterId);
        this.changed();
      }
      return kept;
    } catch (error) {
      if (this.#keeping !== keeping) return undefined;
      this.#keeping = undefined;
      this.#storage = 'memory';
      this.observer.reportStorage(RaftkvError.from(error, 'storage_failed'));
      return undefined;
    }
  }

  /** Resolves when a node has answered. */
  #fed(): Promise<void> {
    if (this.#clusterId !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#whenFed.push(resolve));
  }

  /** Whoever feeds, calls go to the same cluster. */
  #learnCluster(clusterId: string | undefined): void {
    if (clusterId !== undefined && clusterId !== this.#clusterId) {
      this.#clusterId = clusterId;
      this.client.expectCluster(clusterId);
    }
    if (this.#clusterId !== undefined) for (const resolve of this.#whenFed.splice(0)) resolve();
  }

  /** Something of the status changed. */
  changed(): void {
    this.#learnCluster(this.#feed?.clusterId);
    const { observer } = this;
    if (observer.feedState !== 'paused') {
      this.#wasOnline = true;
      this.#nodeError = undefined;
    }
    const { copy } = observer;
    const error = observer.error ?? this.#nodeError;
    const status: ReplicaStatus = {
      replicaId: this.#replicaId,
      role: 'observer',
      tenancy: this.#tenancy,
      phase: this.#phase(error),
      connection: this.#connection(),
      storage: this.#storage,
      error,
      clusterId: this.#clusterId,
      leader: this.leader,
      revision: copy?.revision ?? 0,
      index: copy?.index ?? 0,
      hash: copy?.hash,
      keys: copy?.size ?? 0,
      unsentWrites: this.#kv?.openWrites ?? 0,
      snapshots: observer.snapshots,
      divergences: observer.divergences,
    };
    this.#status.set(this.#hooks.show?.(status) ?? status);
  }

  #phase(error: RaftkvError | undefined): ReplicaStatus['phase'] {
    if (this.#isClosed) return 'closed';
    if (this.observer.copy !== undefined) return 'ready';
    if (this.#isLoading) return 'loading';
    return error === undefined || !hopeless.includes(error.code) ? 'syncing' : 'failed';
  }

  #connection(): ReplicaStatus['connection'] {
    if (!this.#isOnline) return 'offline';
    if (this.observer.feedState !== 'paused') return 'online';
    return this.#wasOnline || this.#nodeError !== undefined ? 'offline' : 'connecting';
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#whenFed.splice(0)) resolve();
    await this.#hooks.onClose?.();
    // What is here already goes into a store that is being made.
    await this.#opening?.catch(() => {});
    await this.observer.close();
    await this.client.close();
    this.changed();
  }
}

/** Trying again will not help. */
const hopeless: readonly string[] = ['wrong_cluster', 'unsupported_version', 'invalid_argument'];

/** 64 random bits: of the platform, unless dice are given. */
export function drawId(random?: () => number): string {
  const words = random === undefined ? crypto.getRandomValues(new Uint32Array(2)) : [word(random), word(random)];
  const [high, low] = words;
  return high!.toString(16).padStart(8, '0') + low!.toString(16).padStart(8, '0');
}

function word(random: () => number): number {
  return Math.floor(random() * 2 ** 32);
}
