// The sequential truth that a history is held against: every key is a register that may be absent, with get, put, del
// and cas. Values are numbered per key so that a state is one small integer; checker.ts searches over such states.
import type { Operation, OperationKind } from './history.ts';

/** The state of a key that is not there. Values are numbered from 1. */
export const ABSENT = 0;
/** What `step` answers when an operation could not have said what it said in that state. */
export const IMPOSSIBLE = -1;

/** One operation on one key, compiled: values as numbers. */
export interface Step {
  readonly operation: Operation;
  readonly kind: OperationKind;
  readonly call: number;
  readonly ret: number;
  readonly isUnknown: boolean;
  /** Told that it changed nothing: only observes, so it may take effect as soon as the state allows it. */
  readonly isObserver: boolean;
  /** put, cas: the value written. get: the value seen. */
  readonly value: number;
  /** cas: the value expected. */
  readonly expected: number;
  /** cas: matched; del: existed. Undefined when nobody was told. */
  readonly ok: boolean | undefined;
}

/** The state after `step` took effect in `state`, or IMPOSSIBLE. An operation of unknown outcome is always possible. */
export function apply(state: number, step: Step): number {
  switch (step.kind) {
    case 'get':
      return state === step.value ? state : IMPOSSIBLE;
    case 'put':
      return step.value;
    case 'del':
      return step.ok === undefined || step.ok === (state !== ABSENT) ? ABSENT : IMPOSSIBLE;
    case 'cas': {
      const matches = state === step.expected;
      if (step.ok !== undefined && step.ok !== matches) return IMPOSSIBLE;
      return matches ? step.value : state;
    }
  }
}

/** The operations on one key as steps in order of call, and the values by number. */
export interface Partition {
  readonly key: string;
  readonly known: readonly Step[];
  readonly unknown: readonly Step[];
  readonly values: readonly (string | null)[];
}

/** Splits a history by key: linearizability is local, so each key is judged alone. Reads of unknown outcome say nothing and are dropped. */
export function partitionByKey(operations: readonly Operation[]): Partition[] {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = byKey.get(operation.k);
    if (list === undefined) byKey.set(operation.k, [operation]);
    else list.push(operation);
  }
  return [...byKey].map(([key, list]) => compilePartition(key, list));
}

function compilePartition(key: string, operations: readonly Operation[]): Partition {
  const values: (string | null)[] = [null];
  const numbers = new Map<string, number>();
  const numberOf = (value: string | null | undefined): number => {
    if (value == null) return ABSENT;
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, values.length);
    return values.push(value) - 1;
  };
  const steps = operations
    .filter((operation) => operation.op !== 'get' || operation.ret !== null)
    .toSorted((a, b) => a.call - b.call)
    .map((operation): Step => {
      const isUnknown = operation.ret === null;
      const ok = isUnknown ? undefined : operation.ok;
      return {
        operation,
        kind: operation.op,
        call: operation.call,
        ret: operation.ret ?? Infinity,
        isUnknown,
        isObserver: operation.op === 'get' || ((operation.op === 'cas' || operation.op === 'del') && ok === false),
        value: numberOf(operation.op === 'get' ? operation.out : operation.v),
        expected: numberOf(operation.old),
        ok,
      };
    });
  return {
    key,
    known: steps.filter((step) => !step.isUnknown),
    unknown: steps.filter((step) => step.isUnknown),
    values,
  };
}
