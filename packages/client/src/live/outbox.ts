// Own writes on their way: each is shown at once, sent when those before it on the same keys are settled, and followed to its end. It never
// repeats a write: that is the session's business below `send`, which carries it out exactly once however long the way there is closed.
import type { Key } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { Live, MutateOptions, Write, WriteState } from '../live.ts';
import type { UserKey } from '../entry.ts';
import type { BatchOp, BatchResult } from '../requests.ts';
import { LiveValue } from './live-value.ts';
import type { PendingOp, PendingWrite } from './overlay.ts';

/** How whoever carries a write out tells of it. */
export interface WriteTeller {
  readonly write: Write<unknown>;
  /** Those on which it passes no other write; what it only depends on may be added while it is prepared. The empty key stands for all. */
  readonly keys: Key[];
  tell(change: Partial<WriteState>): void;
  /** It will not be sent, which is told at once, whatever is open before it. Not in the turn in which it is prepared. */
  fail(error: RaftkvError): void;
}

/** Encodes the batch as of now; what it answers carries it out exactly once, when its turn comes. Throws for what can never be sent. */
export type PrepareWrite<Value, K extends UserKey> = (
  ops: readonly BatchOp<Value>[],
  options: MutateOptions<Value>,
  teller: WriteTeller,
) => () => Promise<BatchResult<Value, K>>;

export interface OutboxOptions<Value, K extends UserKey> {
  readonly prepare: PrepareWrite<Value, K>;
  /** What an own write does, key by key, as of now. Throws for keys that are none. */
  readonly effects: (ops: readonly BatchOp<Value>[]) => readonly PendingOp<Value>[];
  readonly show: (write: PendingWrite<Value>) => void;
  readonly committed: (write: PendingWrite<Value>, revision: number) => void;
  readonly hide: (write: PendingWrite<Value>) => void;
  readonly toUserKey: (key: Key) => K;
  /** Writes that are not settled; further ones are refused with `busy`. Default 10,000. */
  readonly maxWrites?: number;
}

/** Refused writes that are not kept stay in the list until so many newer ones came, so that an app can show them. */
const keptFailures = 20;

interface OpenWrite<Value, K extends UserKey> extends WriteTeller {
  readonly state: LiveValue<WriteState>;
  readonly pending: PendingWrite<Value> | undefined;
  /** How many earlier ones it must not overtake are open, and which later ones wait for it. */
  blockers: number;
  readonly followers: OpenWrite<Value, K>[];
  readonly resolve: (result: BatchResult<Value, K>) => void;
  readonly reject: (error: RaftkvError) => void;
  send: () => Promise<BatchResult<Value, K>>;
}

const localState: WriteState = { status: 'local', error: undefined, revision: undefined };

export class Outbox<Value, K extends UserKey> {
  readonly #options: OutboxOptions<Value, K>;
  /** Not settled, oldest first. */
  readonly #open = new Set<OpenWrite<Value, K>>();
  #failed: Write<unknown>[] = [];
  readonly #writes = new LiveValue<readonly Write<unknown>[]>([]);
  readonly #lastByKey = new Map<Key, OpenWrite<Value, K>>();
  #lastId = 0;
  #isTelling = false;

  constructor(options: OutboxOptions<Value, K>) {
    this.#options = options;
  }

  get writes(): Live<readonly Write<unknown>[]> {
    return this.#writes;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Throws for what can never be sent; `busy` when too many are open. `prepare`: for one that was made in an earlier life of the page; there is always
   * room for it.
   */
  mutate(
    ops: readonly BatchOp<Value>[],
    options: MutateOptions<Value>,
    prepare?: PrepareWrite<Value, K>,
  ): Write<BatchResult<Value, K>> {
    const { effects, show, toUserKey, maxWrites = 10_000 } = this.#options;
    if (prepare === undefined && this.#open.size >= maxWrites)
      throw new RaftkvError('busy', `${maxWrites} writes are waiting to be committed`);
    const pendingOps = effects(ops);
    const keys = pendingOps.map((op) => op.key);
    let settle!: Pick<OpenWrite<Value, K>, 'resolve' | 'reject'>;
    const committed = new Promise<BatchResult<Value, K>>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // Whoever does not wait for it need not catch it: its state says the same.
    committed.catch(() => {});
    const state = new LiveValue<WriteState>(localState);
    const write = { id: ++this.#lastId, keys: keys.map(toUserKey), state, committed };
    const open: OpenWrite<Value, K> = {
      write,
      state,
      // It is ordered against keys that it does not name too.
      keys: ops.some((op) => op.type === 'deleteRange') ? [...keys, ''] : keys,
      pending: options.optimistic === false ? undefined : { ops: pendingOps, revision: 0 },
      blockers: 0,
      followers: [],
      ...settle,
      tell: (change) => state.set({ ...state.getSnapshot(), ...change }),
      fail: (error) => this.#failedWith(open, error),
      send: undefined as never,
    };
    // It may wait for a long time, and what it was made of is the caller's.
    open.send = (prepare ?? this.#options.prepare)(ops, options, open);
    for (const blocker of this.#blockersOf(open)) {
      open.blockers += 1;
      blocker.followers.push(open);
    }
    this.#open.add(open);
    for (const key of open.keys) this.#lastByKey.set(key, open);
    if (open.pending !== undefined) show(open.pending);
    if (open.blockers === 0) this.#send(open);
    this.#tell();
    return write;
  }

  /** It is not in the list of those that ended badly any more. */
  forget(write: Write<unknown>): void {
    this.#failed = this.#failed.filter((each) => each !== write);
    this.#tell();
  }

  #blockersOf({ keys }: OpenWrite<Value, K>): Set<OpenWrite<Value, K>> {
    if (keys.includes('')) return new Set(this.#open);
    const blockers = new Set<OpenWrite<Value, K>>();
    for (const key of ['', ...keys]) {
      const last = this.#lastByKey.get(key);
      if (last !== undefined) blockers.add(last);
    }
    return blockers;
  }

  #send(open: OpenWrite<Value, K>): void {
    if (!this.#open.has(open)) return this.#leave(open);
    open.send().then(
      (result) => this.#committed(open, result),
      (error: unknown) => this.#failedWith(open, RaftkvError.from(error)),
    );
  }

  #committed(open: OpenWrite<Value, K>, result: BatchResult<Value, K>): void {
    const { revision } = result;
    this.#settle(open, { status: 'committed', error: undefined, revision });
    if (open.pending !== undefined) this.#options.committed(open.pending, revision);
    open.resolve(result);
  }

  #failedWith(open: OpenWrite<Value, K>, error: RaftkvError): void {
    if (!this.#open.has(open)) return;
    const { kept } = open.state.getSnapshot();
    this.#settle(open, { status: error.definite ? 'refused' : 'unknown', error, revision: undefined, kept });
    const isLasting = (write: Write<unknown>, i: number): boolean =>
      i > this.#failed.length - keptFailures || write.state.getSnapshot().kept === true;
    this.#failed = [...this.#failed.filter(isLasting), open.write];
    if (open.pending !== undefined) this.#options.hide(open.pending);
    open.reject(error);
  }

  #settle(open: OpenWrite<Value, K>, state: WriteState): void {
    this.#open.delete(open);
    open.state.set(state);
    // Those that wait for it must not pass what it waits for itself.
    if (open.blockers === 0) this.#leave(open);
    this.#tell();
  }

  /** It is settled, and those before it: those that waited for it alone go now, in their order. */
  #leave(open: OpenWrite<Value, K>): void {
    for (const key of open.keys) if (this.#lastByKey.get(key) === open) this.#lastByKey.delete(key);
    for (const follower of open.followers) {
      follower.blockers -= 1;
      if (follower.blockers === 0) this.#send(follower);
    }
  }

  /** Once for all that happens in one turn. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      const open = [...this.#open].map(({ write }) => write as Write<unknown>);
      this.#writes.set([...this.#failed, ...open]);
    });
  }
}
