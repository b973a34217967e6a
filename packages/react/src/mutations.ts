// The hooks that write. A write is shown at once by every hook that reads (unless it is not to be), taken back if it was refused, and followed
// here to its end: the state of the last one that was begun through the hook.
import { useCallback, useMemo, useState, useSyncExternalStore } from 'react';
import { RaftkvError, validated } from '@raftkv/client';
import type {
  BatchOp,
  BatchResult,
  Condition,
  KeyInput,
  LiveKv,
  MutateOptions,
  StandardSchema,
  TxnOp,
  TxnResult,
  Write,
  WriteState,
} from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import { theKv, useOptionalKv } from './context.ts';
import type { RegisteredKey, RegisteredValue } from './register.ts';
import { useLive } from './status.ts';

/** What must hold when its turn comes, or it is refused with `condition_failed`. Those of a transaction are among its variables. */
export type Conditional = Pick<MutateOptions, 'if'>;

export interface Mutation<Variables, Result> {
  /** Begins a write. Never throws: what is off is in `error`. The same function at each render. */
  readonly mutate: (variables: Variables, options?: Conditional) => void;
  /** Begins a write; resolves once it is committed, rejects if it was refused or its outcome is unknown. */
  readonly mutateAsync: (variables: Variables, options?: Conditional) => Promise<Result>;
  /** The last write that was begun here is not settled. */
  readonly isPending: boolean;
  /** It is not, and waits for a connection. */
  readonly isPaused: boolean;
  readonly error: RaftkvError | undefined;
  /** Of the last write that was begun here. */
  readonly variables: Variables | undefined;
  /** Forgets the last write; it goes on. */
  readonly reset: () => void;
  /** The last write as a handle: its `state` says how far it is. */
  readonly last: Write<Result> | undefined;
}

export interface MutationOptions<Value> extends Omit<MutateOptions, 'if'> {
  /** Types and checks values at the call: what does not fit is refused with `invalid_argument`. Define it outside of the component. */
  readonly schema?: StandardSchema<Value, unknown> | undefined;
}

export interface PutVariables<Value> {
  readonly key: KeyInput;
  readonly value: Value;
}

export interface TxnVariables<Value> {
  readonly if?: readonly Condition<Value>[];
  readonly then?: readonly TxnOp<Value>[];
  readonly else?: readonly TxnOp<Value>[];
}

type Batched<Value> = BatchResult<Value, RegisteredKey>;

/** `mutate({ key, value })`, or `mutate({ key, value }, { if: [{ key, revision }] })` */
export function usePut<Value = RegisteredValue>(
  options: MutationOptions<Value> = {},
): Mutation<PutVariables<Value>, Batched<Value>> {
  const begin = useBatchBegin(options);
  return useMutation(
    useCallback(({ key, value }, conditional) => begin([{ type: 'put', key, value }], conditional), [begin]),
  );
}

/** `mutate(key)` */
export function useDelete(options: Omit<MutateOptions, 'if'> = {}): Mutation<KeyInput, Batched<RegisteredValue>> {
  const begin = useBatchBegin<RegisteredValue>(options);
  return useMutation(useCallback((key, conditional) => begin([{ type: 'delete', key }], conditional), [begin]));
}

/** `mutate([{ type: 'put', key, value }, { type: 'delete', key }])`: they take effect together. */
export function useBatch<Value = RegisteredValue>(
  options: MutationOptions<Value> = {},
): Mutation<readonly BatchOp<Value>[], Batched<Value>> {
  return useMutation(useBatchBegin(options));
}

/** `mutate({ if, then, else })`. What it will do is not known before it is agreed, so it is not shown before. */
export function useTxn<Value = RegisteredValue>({
  timeoutMilliseconds,
}: Pick<MutateOptions, 'timeoutMilliseconds'> = {}): Mutation<TxnVariables<Value>, TxnResult<Value, RegisteredKey>> {
  const kv = useOptionalKv() as LiveKv<Value, RegisteredKey> | undefined;
  const begin = useCallback(
    (parts: TxnVariables<Value>) => {
      const txn = theKv(kv as LiveKv | undefined).txn() as ReturnType<LiveKv<Value, RegisteredKey>['txn']>;
      txn
        .if(...(parts.if ?? []))
        .then(...(parts.then ?? []))
        .else(...(parts.else ?? []));
      return followed(txn.commit(timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds }));
    },
    [kv, timeoutMilliseconds],
  );
  return useMutation(begin);
}

function useBatchBegin<Value>({ schema, optimistic, timeoutMilliseconds }: MutationOptions<Value>) {
  const kv = useOptionalKv();
  return useCallback(
    (ops: readonly BatchOp<Value>[], options?: Conditional): Write<Batched<Value>> => {
      if (schema !== undefined) {
        for (const op of ops) if (op.type === 'put') validated(schema, op.value, 'invalid_argument');
      }
      const write = theKv(kv).mutate(ops, { optimistic, timeoutMilliseconds, if: options?.if } as MutateOptions);
      return write as unknown as Write<Batched<Value>>;
    },
    [kv, schema, optimistic, timeoutMilliseconds],
  );
}

interface Attempt<Variables, Result> {
  readonly variables: Variables;
  last?: Write<Result>;
  /** It could not even be begun. */
  error?: RaftkvError;
}

const settled = new LiveValue<WriteState>({ status: 'committed', error: undefined, revision: undefined });

/** `begin`: another function only when it does something else. */
function useMutation<Variables, Result>(
  begin: (variables: Variables, options?: Conditional) => Write<Result>,
): Mutation<Variables, Result> {
  const replica = useOptionalKv()?.replica;
  const [attempt, setAttempt] = useState<Attempt<Variables, Result>>();
  const calls = useMemo(() => {
    const mutateAsync = async (variables: Variables, options?: Conditional): Promise<Result> => {
      const made: Attempt<Variables, Result> = { variables };
      try {
        made.last = begin(variables, options);
      } catch (error) {
        throw (made.error = RaftkvError.from(error));
      } finally {
        setAttempt(made);
      }
      return made.last.committed;
    };
    return {
      mutateAsync,
      mutate: (variables: Variables, options?: Conditional): void =>
        void mutateAsync(variables, options).catch(() => {}),
      reset: (): void => setAttempt(undefined),
    };
  }, [begin]);
  const { status, error } = useLive(attempt?.last?.state ?? settled);
  const isPending = status === 'local' || status === 'sent';
  const isPaused = useSyncExternalStore(
    replica?.subscribe ?? settled.subscribe,
    () => isPending && replica?.getSnapshot().connection !== 'online',
    () => false,
  );
  const { variables, last } = attempt ?? {};
  return { ...calls, isPending, isPaused, error: attempt?.error ?? error, variables, last };
}

/** A call that is no own write of the outbox, as a handle like those. */
function followed<Result extends { readonly revision: number }>(committed: Promise<Result>): Write<Result> {
  const state = new LiveValue<WriteState>({ status: 'sent', error: undefined, revision: undefined });
  committed.then(
    ({ revision }) => state.set({ status: 'committed', error: undefined, revision }),
    (thrown: unknown) => {
      const error = RaftkvError.from(thrown);
      state.set({ status: error.definite ? 'refused' : 'unknown', error, revision: undefined });
    },
  );
  return { id: 0, keys: [], state, committed };
}
