// The composables that write. A write is shown at once by every composable that reads, taken back if it was refused, and followed to its end.
import { computed, shallowRef } from 'vue';
import type { ComputedRef, ShallowRef } from 'vue';
import { RaftkvError } from '@raftkv/client';
import type { BatchOp, BatchResult, KeyInput, MutateOptions, Write, WriteState } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import { useKv } from './plugin.ts';
import { useLive } from './reads.ts';

/** What must hold when its turn comes, or it is refused with `condition_failed`. */
export type Conditional = Pick<MutateOptions, 'if'>;

export interface Mutation<Variables> {
  /** Begins a write. Never throws: what is off is in `error`. */
  readonly mutate: (variables: Variables, conditional?: Conditional) => void;
  /** Begins a write; resolves once it is committed. */
  readonly mutateAsync: (variables: Variables, conditional?: Conditional) => Promise<BatchResult<unknown, string>>;
  /** The last write that was begun here is not settled. */
  readonly isPending: ComputedRef<boolean>;
  readonly error: ComputedRef<RaftkvError | undefined>;
  /** The last write as a handle. */
  readonly last: Readonly<ShallowRef<Write<BatchResult<unknown, string>> | undefined>>;
}

/** `mutate({ key, value })`, or `mutate({ key, value }, { if: [{ key, revision }] })` */
export function usePut<Value = unknown>(
  options?: MutateOptions,
): Mutation<{ readonly key: KeyInput; readonly value: Value }> {
  return useMutation(({ key, value }) => [{ type: 'put', key, value }], options);
}

/** `mutate(key)` */
export function useDelete(options?: MutateOptions): Mutation<KeyInput> {
  return useMutation((key) => [{ type: 'delete', key }], options);
}

/** `mutate([{ type: 'put', key, value }, { type: 'delete', key }])`: they take effect together. */
export function useBatch<Value = unknown>(options?: MutateOptions): Mutation<readonly BatchOp<Value>[]> {
  return useMutation((ops) => ops, options);
}

const settled = new LiveValue<WriteState>({ status: 'committed', error: undefined, revision: undefined });

function useMutation<Variables>(
  opsOf: (variables: Variables) => readonly BatchOp<unknown>[],
  options?: MutateOptions,
): Mutation<Variables> {
  const kv = useKv();
  const last: Mutation<Variables>['last'] & { value: unknown } = shallowRef();
  const refusal = shallowRef<RaftkvError>();
  const state = useLive(() => last.value?.state ?? settled);
  const mutateAsync: Mutation<Variables>['mutateAsync'] = async (variables, conditional) => {
    last.value = refusal.value = undefined;
    try {
      last.value = kv().mutate(opsOf(variables), { ...options, ...conditional });
    } catch (error) {
      throw (refusal.value = RaftkvError.from(error));
    }
    return last.value!.committed;
  };
  return {
    mutate: (variables, conditional) => void mutateAsync(variables, conditional).catch(() => {}),
    mutateAsync,
    isPending: computed(() => state.value.status === 'local' || state.value.status === 'sent'),
    error: computed(() => refusal.value ?? state.value.error),
    last,
  };
}
