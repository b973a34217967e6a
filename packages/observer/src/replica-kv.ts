// A Kv with its copy beside it: reads from the copy at the level asked, writes to the cluster, live queries over both. What the copy cannot answer
// (the past, keys that it does not hold, anything before it is whole) the cluster is asked for, so that every call has the same meaning as a client's.
import type { Key, KeyRange } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { KeyInput, NodeStatus, RangeInput } from '@raftkv/wire';
import type {
  BatchOp,
  BatchResult,
  DeleteOptions,
  DeleteRangeResult,
  DeleteResult,
  EndpointStatus,
  Entry,
  Live,
  LiveEntry,
  LiveKv,
  LiveScanOptions,
  MutateOptions,
  PutOptions,
  PutResult,
  ReadOptions,
  ReadState,
  ReplicaStatus,
  RequestOptions,
  Scan,
  ScanOptions,
  Txn,
  UserKey,
  Watch,
  WatchOptions,
  Write,
} from '@raftkv/client';
import { LiveCore, Outbox, effectsOf } from '@raftkv/client/live';
import { checkedKey, checkedLevel, checkedNumber, checkedRange } from '@raftkv/client/parts';
import type { Client, Settings, View } from '@raftkv/client/parts';
import type { Copy } from './copy.ts';
import { CopySource } from './copy-source.ts';
import type { KeepWrites, WriteKeeper } from './keep-writes.ts';
import type { Observer } from './observer.ts';

export interface ReplicaKvParts<Value, K extends UserKey> {
  readonly client: Client<Value, K>;
  readonly observer: Observer;
  readonly view: View<Value, K>;
  readonly settings: Settings;
  readonly status: Live<ReplicaStatus>;
  /** Something of the status changed: own writes that are waiting. */
  readonly onWrites: () => void;
  readonly setOnline: (isOnline: boolean) => void;
  readonly close: () => Promise<void>;
}

type ReadPlan = Pick<ReadOptions, 'revision' | 'signal' | 'timeoutMilliseconds' | 'level'>;

export class ReplicaKv<Value, K extends UserKey> implements LiveKv<Value, K> {
  readonly #parts: ReplicaKvParts<Value, K>;
  readonly #source: CopySource<Value, K>;
  readonly #core: LiveCore<Value, K>;
  readonly #outbox: Outbox<Value, K>;
  /** The linearizable reads that begin in one turn ask together. */
  #asking: Promise<number> | undefined;
  #closing: Promise<void> | undefined;
  readonly live: LiveKv<Value, K>['live'];
  outbox?: WriteKeeper<Value, K>;

  constructor(parts: ReplicaKvParts<Value, K>) {
    this.#parts = parts;
    const { client, observer, view, settings } = parts;
    this.#source = new CopySource(observer, view);
    const core = new LiveCore<Value, K>(this.#source, { clock: settings.clock, toUserKey: view.key });
    this.#core = core;
    this.#outbox = new Outbox<Value, K>({
      prepare: (...write) => this.outbox?.prepare(...write) ?? client.prepare(...write),
      effects: (ops) => effectsOf(ops, { limits: settings.limits, keysIn: (range) => core.keysIn(range) }),
      show: (write) => core.show(write),
      committed: (write, revision) => core.committed(write, revision),
      hide: (write) => core.hide(write),
      toUserKey: view.key,
    });
    this.#outbox.writes.subscribe(parts.onWrites);
    this.live = {
      get: <T extends Value>(key: KeyInput) =>
        core.get(this.#copied(oneKey(checkedKey(key, settings.limits))).from) as Live<
          ReadState<LiveEntry<T, K> | null>
        >,
      scan: <T extends Value>(range: RangeInput, options: LiveScanOptions = {}) =>
        core.scan(this.#copied(checkedRange(range, settings.limits)), {
          limit: checkedNumber('limit', options.limit, 1),
          isReverse: options.reverse === true,
        }) as Live<ReadState<readonly LiveEntry<T, K>[]>>,
    };
  }

  get replica(): Live<ReplicaStatus> {
    return this.#parts.status;
  }
  get writes(): Live<readonly Write<unknown>[]> {
    return this.#outbox.writes;
  }
  get openWrites(): number {
    return this.#outbox.openCount;
  }
  get revision(): number {
    return Math.max(this.#parts.client.revision, this.#parts.observer.revision);
  }

  async get<T extends Value = Value>(key: KeyInput, options: ReadOptions = {}): Promise<T | undefined> {
    return (await this.getEntry<T>(key, options))?.value;
  }

  async getEntry<T extends Value = Value>(key: KeyInput, options: ReadOptions = {}): Promise<Entry<T, K> | undefined> {
    const { client, settings } = this.#parts;
    const found = checkedKey(key, settings.limits);
    const copy = await this.#reach(oneKey(found), options);
    if (copy === undefined) return client.getEntry<T>(key, options);
    return this.#source.entryOf(copy.get(found)) as Entry<T, K> | undefined;
  }

  scan<T extends Value = Value>(range: RangeInput & ScanOptions): Scan<T, K> {
    return this.#parts.client.scanFrom<T>(range, (...asked) => this.#reach(...asked));
  }

  async count(range: RangeInput & ReadOptions): Promise<number> {
    const wanted = checkedRange(range, this.#parts.settings.limits);
    const copy = await this.#reach(wanted, range);
    return copy === undefined ? this.#parts.client.count(range) : copy.count(wanted);
  }

  put(key: KeyInput, value: Value, options?: PutOptions & { readonly returnPrevious?: false }): Promise<number>;
  put(
    key: KeyInput,
    value: Value,
    options: PutOptions & { readonly returnPrevious: true },
  ): Promise<PutResult<Value, K>>;
  put(key: KeyInput, value: Value, options?: PutOptions): Promise<number | PutResult<Value, K>> {
    return this.#parts.client.put(key, value, options as PutOptions & { readonly returnPrevious?: false });
  }

  delete(
    key: KeyInput,
    options?: DeleteOptions & { readonly returnPrevious?: boolean },
  ): Promise<DeleteResult<Value, K>> {
    return this.#parts.client.delete(key, options);
  }

  deleteRange(
    range: RangeInput,
    options?: RequestOptions & { readonly returnPrevious?: boolean },
  ): Promise<DeleteRangeResult<Value, K>> {
    return this.#parts.client.deleteRange(range, options);
  }

  batch(ops: readonly BatchOp<Value>[], options?: RequestOptions): Promise<BatchResult<Value, K>> {
    return this.#parts.client.batch(ops, options);
  }

  txn(): Txn<Value, K> {
    return this.#parts.client.txn();
  }

  watch<T extends Value = Value>(range: RangeInput, options?: WatchOptions): Watch<T, K> {
    return this.#parts.client.watch<T>(range, options);
  }

  compact(revision: number, options?: RequestOptions): Promise<void> {
    return this.#parts.client.compact(revision, options);
  }

  status(options?: RequestOptions & { readonly endpoint?: string }): Promise<NodeStatus> {
    return this.#parts.client.status(options);
  }

  statusOfAll(options?: RequestOptions): Promise<readonly EndpointStatus[]> {
    return this.#parts.client.statusOfAll(options);
  }

  mutate(ops: readonly BatchOp<Value>[], options: MutateOptions<Value> = {}): Write<BatchResult<Value, K>> {
    if (this.#closing !== undefined) throw new RaftkvError('closed', 'the replica was closed');
    const write = this.#outbox.mutate(ops, options);
    this.#parts.onWrites();
    return write;
  }

  /** Answers itself, with what was kept in it. */
  async keepWrites(keep: KeepWrites | undefined): Promise<this> {
    const { client, view, settings, onWrites } = this.#parts;
    this.outbox = await keep?.({ kv: this, sender: client, queue: this.#outbox, look: view, limits: settings.limits });
    this.outbox?.status.subscribe(onWrites);
    return this;
  }

  setOnline(isOnline: boolean): void {
    this.#parts.setOnline(isOnline);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#core.close();
    await this.outbox?.close();
    await this.#parts.close();
  }

  /** Throws `invalid_argument` for what is not copied: a live query would say that it is not there. */
  #copied(range: KeyRange): KeyRange {
    if (this.#parts.observer.covers(range)) return range;
    throw new RaftkvError('invalid_argument', 'a live query of keys that are not copied here');
  }

  /** The copy, once it may answer this read. It is the caller's for this turn only. Undefined: the cluster must be asked. */
  async #reach(range: KeyRange, options: ReadPlan): Promise<Copy | undefined> {
    const { client, observer, settings } = this.#parts;
    const level = checkedLevel(options.level);
    if (this.#closing !== undefined) throw new RaftkvError('closed', 'the replica was closed');
    // What was seen through the copy is seen through any node from now on.
    client.see(observer.shownRevision);
    if (observer.copy === undefined || !observer.covers(range)) return undefined;
    if (checkedNumber('revision', options.revision, 0) !== undefined && options.revision !== 0) return undefined;
    if (level === 'local') return observer.copy;
    const { timeoutMilliseconds = settings.requestTimeoutMilliseconds, signal } = options;
    const revision = level === 'session' ? client.revision : await this.#readRevision({ timeoutMilliseconds, signal });
    await observer.whenAt(revision, { timeoutMilliseconds, signal });
    client.see(observer.shownRevision);
    return observer.copy;
  }

  /** Asked after the call began, so whatever was committed before it is seen; those of one turn share a question unless they have a signal of their own. */
  #readRevision(options: RequestOptions): Promise<number> {
    const { client, settings } = this.#parts;
    const isPlain = options.signal === undefined && options.timeoutMilliseconds === settings.requestTimeoutMilliseconds;
    if (!isPlain) return client.readRevision(options);
    if (this.#asking === undefined) {
      this.#asking = client.readRevision(options);
      queueMicrotask(() => (this.#asking = undefined));
    }
    return this.#asking;
  }
}

function oneKey(key: Key): KeyRange {
  return { from: key, to: `${key}\0` };
}
