// Own writes on their way: each is shown at once, sent when those before it on the same keys are settled, and followed to its end. It never
// repeats a write: that is the session's business below `send`, which carries it out exactly once however long the way there is closed.
import type { Key } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { Live, MutateOptions, Write, WriteState } from '../live.ts';
import type { UserKey } from '../entry.ts';
import type { BatchOp, BatchResult } from '../requests.ts';
import { LiveValue } from './live-value.ts';
import type { PendingOp, PendingWrite } from './overlay.ts';

export interface SendOptions {
  /** undefined: for as long as it takes. */
  readonly timeoutMilliseconds: number | undefined;
  /** It is on its way. May be called again, with false when its connection was lost. */
  readonly onSent: (isSent: boolean) => void;
}

export interface OutboxOptions<Value, K extends UserKey> {
  /** Encodes the batch as of now; what it answers carries it out exactly once. Throws for what cannot be encoded. */
  readonly prepare: (ops: readonly BatchOp<Value>[]) => (options: SendOptions) => Promise<BatchResult<Value, K>>;
  /** What an own write does, key by key, as of now. Throws for keys that are none. */
  readonly effects: (ops: readonly BatchOp<Value>[]) => readonly PendingOp<Value>[];
  readonly show: (write: PendingWrite<Value>) => void;
  readonly committed: (write: PendingWrite<Value>, revision: number) => void;
  readonly hide: (write: PendingWrite<Value>) => void;
  readonly toUserKey: (key: Key) => K;
  /** Writes that are not settled; further ones are refused with `busy`. Default 10,000. */
  readonly maxWrites?: number;
}

/** Refused writes stay in the list until so many newer ones came, so that an app can show them. */
const keptFailures = 20;

interface OpenWrite<Value, K extends UserKey> {
  readonly write: Write<BatchResult<Value, K>>;
  readonly state: LiveValue<WriteState>;
  readonly send: (options: SendOptions) => Promise<BatchResult<Value, K>>;
  readonly options: MutateOptions;
  readonly keys: readonly Key[];
  /** Also of keys that it does not name: ordered against everything. */
  readonly isBarrier: boolean;
  readonly pending: PendingWrite<Value> | undefined;
  /** How many earlier ones it must not overtake are open, and which later ones wait for it. */
  blockers: number;
  readonly followers: OpenWrite<Value, K>[];
  readonly resolve: (result: BatchResult<Value, K>) => void;
  readonly reject: (error: RaftkvError) => void;
}

const localState: WriteState = { status: 'local', error: undefined, revision: undefined };
const sentState: WriteState = { status: 'sent', error: undefined, revision: undefined };

export class Outbox<Value, K extends UserKey> {
  readonly #options: OutboxOptions<Value, K>;
  /** Not settled, oldest first. */
  readonly #open = new Set<OpenWrite<Value, K>>();
  #failed: Write<unknown>[] = [];
  readonly #writes = new LiveValue<readonly Write<unknown>[]>([]);
  readonly #lastByKey = new Map<Key, OpenWrite<Value, K>>();
  #lastBarrier: OpenWrite<Value, K> | undefined;
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

  /** Throws for what can never be sent; `busy` when too many are open. */
  mutate(ops: readonly BatchOp<Value>[], options: MutateOptions): Write<BatchResult<Value, K>> {
    const { effects, prepare, show, toUserKey, maxWrites = 10_000 } = this.#options;
    if (this.#open.size >= maxWrites) throw new RaftkvError('busy', `${maxWrites} writes are waiting to be committed`);
    const pendingOps = effects(ops);
    // It may wait for a long time, and what it was made of is the caller's.
    const send = prepare(ops);
    const keys = pendingOps.map((op) => op.key);
    let settle!: Pick<OpenWrite<Value, K>, 'resolve' | 'reject'>;
    const committed = new Promise<BatchResult<Value, K>>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // Whoever does not wait for it need not catch it: its state says the same.
    committed.catch(() => {});
    const state = new LiveValue<WriteState>(localState);
    const isBarrier = ops.some((op) => op.type === 'deleteRange');
    const blockers = this.#blockersOf(keys, isBarrier);
    const open: OpenWrite<Value, K> = {
      write: { id: ++this.#lastId, keys: keys.map(toUserKey), state, committed },
      state,
      send,
      options,
      keys,
      isBarrier,
      pending: options.optimistic === false ? undefined : { ops: pendingOps, revision: 0 },
      blockers: blockers.size,
      followers: [],
      ...settle,
    };
    for (const blocker of blockers) blocker.followers.push(open);
    this.#enter(open);
    if (open.pending !== undefined) show(open.pending);
    if (open.blockers === 0) this.#send(open);
    this.#tell();
    return open.write;
  }

  #blockersOf(keys: readonly Key[], isBarrier: boolean): Set<OpenWrite<Value, K>> {
    if (isBarrier) return new Set(this.#open);
    const blockers = new Set<OpenWrite<Value, K>>();
    if (this.#lastBarrier !== undefined) blockers.add(this.#lastBarrier);
    for (const key of keys) {
      const last = this.#lastByKey.get(key);
      if (last !== undefined) blockers.add(last);
    }
    return blockers;
  }

  #enter(open: OpenWrite<Value, K>): void {
    this.#open.add(open);
    for (const key of open.keys) this.#lastByKey.set(key, open);
    if (open.isBarrier) this.#lastBarrier = open;
  }

  #send(open: OpenWrite<Value, K>): void {
    const { timeoutMilliseconds } = open.options;
    const onSent = (isSent: boolean): void => {
      if (this.#open.has(open)) open.state.set(isSent ? sentState : localState);
    };
    open.send({ timeoutMilliseconds, onSent }).then(
      (result) => this.#committed(open, result),
      (error: unknown) => this.#failedWith(open, RaftkvError.from(error)),
    );
  }

  #committed(open: OpenWrite<Value, K>, result: BatchResult<Value, K>): void {
    const { revision } = result;
    this.#leave(open, { status: 'committed', error: undefined, revision });
    if (open.pending !== undefined) this.#options.committed(open.pending, revision);
    open.resolve(result);
    this.#tell();
  }

  #failedWith(open: OpenWrite<Value, K>, error: RaftkvError): void {
    this.#leave(open, { status: error.definite ? 'refused' : 'unknown', error, revision: undefined });
    this.#failed = [...this.#failed.slice(1 - keptFailures), open.write];
    if (open.pending !== undefined) this.#options.hide(open.pending);
    open.reject(error);
    this.#tell();
  }

  /** It is settled: those that waited for it alone leave now, in their order. */
  #leave(open: OpenWrite<Value, K>, state: WriteState): void {
    this.#open.delete(open);
    for (const key of open.keys) if (this.#lastByKey.get(key) === open) this.#lastByKey.delete(key);
    if (this.#lastBarrier === open) this.#lastBarrier = undefined;
    open.state.set(state);
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
