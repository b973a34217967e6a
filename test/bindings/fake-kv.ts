// A LiveKv for the tests of the framework bindings: the real live queries and the real outbox over a copy in memory. Only the cluster is played:
// a test says when a write is committed or refused, and what watches give.
import type {
  BatchOp,
  BatchResult,
  Live,
  LiveKv,
  MutateOptions,
  ReplicaStatus,
  WatchChange,
  WriteOutbox,
} from '@raftkv/client';
import { RaftkvError } from '@raftkv/client';
import { LiveCore, LiveValue, Outbox, effectsOf } from '@raftkv/client/live';
import type { WriteTeller } from '@raftkv/client/live';
import { checkedKey, checkedRange } from '@raftkv/client/parts';
import { defaultLimits } from '@raftkv/wire';
import type { KeyInput, RangeInput } from '@raftkv/wire';
import { FakeCopy } from './fake-copy.ts';
import type { Changes } from './fake-copy.ts';

interface Sent {
  readonly ops: readonly BatchOp<unknown>[];
  readonly options: MutateOptions;
  readonly teller: WriteTeller;
  readonly resolve: (result: BatchResult<unknown, string>) => void;
  readonly reject: (error: RaftkvError) => void;
}

export class FakeKv {
  readonly copy = new FakeCopy();
  readonly watches: FakeWatch[] = [];
  readonly txns: FakeTxn[] = [];
  /** Not answered yet, oldest first. */
  readonly sent: Sent[] = [];
  readonly #core = new LiveCore<unknown, string>(this.copy, {
    clock: { schedule: () => () => {} },
    toUserKey: (key) => key,
  });
  readonly #outbox = new Outbox<unknown, string>({
    prepare: (ops, options, teller) => () =>
      new Promise((resolve, reject) => this.sent.push({ ops, options, teller, resolve, reject })),
    effects: (ops) => effectsOf(ops, { limits: defaultLimits, keysIn: (range) => this.#core.keysIn(range) }),
    show: (write) => this.#core.show(write),
    committed: (write, revision) => this.#core.committed(write, revision),
    hide: (write) => this.#core.hide(write),
    toUserKey: (key) => key,
  });
  readonly replica = new LiveValue<ReplicaStatus>({
    replicaId: 'fake',
    role: 'observer',
    tenancy: 'alone',
    phase: 'ready',
    connection: 'online',
    storage: 'memory',
    error: undefined,
    clusterId: 'c1',
    leader: 'n1',
    revision: 1,
    index: 1,
    hash: undefined,
    keys: 0,
    unsentWrites: 0,
    snapshots: 1,
    divergences: 0,
  });
  readonly writes = this.#outbox.writes;
  /** As of a replica that keeps its writes, where a test gives it one. */
  outbox: WriteOutbox | undefined;
  readonly live = {
    get: (key: KeyInput) => this.#core.get(checkedKey(key, defaultLimits)),
    scan: (range: RangeInput, { limit, reverse = false }: { limit?: number; reverse?: boolean } = {}) =>
      this.#core.scan(checkedRange(range, defaultLimits), { limit, isReverse: reverse }),
  };

  constructor(content: Changes = {}) {
    if (Object.keys(content).length > 0) this.copy.apply(content);
  }

  /** As the bindings see it. They use what is here and nothing else of a Kv. */
  get kv(): LiveKv {
    return this as unknown as LiveKv;
  }

  mutate(ops: readonly BatchOp<unknown>[], options = {}) {
    return this.#outbox.mutate(ops, options);
  }

  setOnline(isOnline: boolean): void {
    this.replica.set({ ...this.replica.getSnapshot(), connection: isOnline ? 'online' : 'offline' });
  }

  /** The oldest write is committed: the copy hears of it before the answer comes, or after. */
  async commit(order: 'copy first' | 'answer first' = 'copy first'): Promise<void> {
    const { ops, resolve } = this.sent.shift()!;
    const changes = Object.fromEntries(
      ops.flatMap((op) => (op.type === 'deleteRange' ? [] : [[op.key, op.type === 'put' ? op.value : undefined]])),
    ) as Changes;
    if (order === 'copy first') {
      resolve({ revision: this.copy.apply(changes), results: [] });
      await settle();
    } else {
      resolve({ revision: this.copy.revision + 1, results: [] });
      await settle();
      this.copy.apply(changes);
    }
  }

  async refuse(error = new RaftkvError('condition_failed', 'no')): Promise<void> {
    this.sent.shift()!.reject(error);
    await settle();
  }

  watch(range: RangeInput, options: { readonly from?: number }): FakeWatch {
    checkedRange(range, defaultLimits);
    const watch = new FakeWatch(range, options);
    this.watches.push(watch);
    return watch;
  }

  txn(): FakeTxn {
    const txn = new FakeTxn();
    this.txns.push(txn);
    return txn;
  }
}

/** How many listen to it: what must be none in the end. */
export function listenersOf(live: Live<unknown>): number {
  return (live as unknown as { listeners: ReadonlySet<unknown> }).listeners.size;
}

/** Promises that are settled have been heard of. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

class FakeWatch {
  readonly range: RangeInput;
  readonly options: { readonly from?: number };
  isClosed = false;
  readonly #arrived: (WatchChange | RaftkvError)[] = [];
  #wake = (): void => {};

  constructor(range: RangeInput, options: { readonly from?: number }) {
    this.range = range;
    this.options = options;
  }

  give(change: WatchChange | RaftkvError): void {
    this.#arrived.push(change);
    this.#wake();
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchChange, void> {
    while (!this.isClosed) {
      const next = this.#arrived.shift();
      if (next instanceof RaftkvError) throw next;
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

class FakeTxn {
  readonly parts: Record<'if' | 'then' | 'else', unknown[]> = { if: [], then: [], else: [] };
  resolve!: (result: { readonly succeeded: boolean; readonly revision: number }) => void;
  reject!: (error: RaftkvError) => void;

  if(...parts: unknown[]): this {
    this.parts.if.push(...parts);
    return this;
  }
  then(...parts: unknown[]): this {
    this.parts.then.push(...parts);
    return this;
  }
  else(...parts: unknown[]): this {
    this.parts.else.push(...parts);
    return this;
  }
  commit(): Promise<{ readonly succeeded: boolean; readonly revision: number }> {
    return new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
  }
}
