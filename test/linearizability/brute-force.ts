// The naive twin of checker.ts: tries every order of every subset that contains all answered operations, on all keys at once,
// with a plain Map for the store. Only for histories of a handful of operations.
import type { Operation } from './history.ts';

/** Whether some order that respects real time explains every answer. Exponential. */
export function isLinearizableByBruteForce(operations: readonly Operation[]): boolean {
  return extend(new Map(), operations);
}

function extend(store: ReadonlyMap<string, string>, waiting: readonly Operation[]): boolean {
  // What is left and unanswered never happened.
  if (waiting.every((operation) => operation.ret === null)) return true;
  return waiting.some((operation) => {
    const isNext = waiting.every((other) => other.ret === null || other.ret >= operation.call);
    if (!isNext) return false;
    const after = perform(store, operation);
    return (
      after !== undefined &&
      extend(
        after,
        waiting.filter((other) => other !== operation),
      )
    );
  });
}

/** The store after the operation, or undefined if its answer contradicts the store. */
function perform(store: ReadonlyMap<string, string>, operation: Operation): ReadonlyMap<string, string> | undefined {
  const current = store.get(operation.k) ?? null;
  const isAnswered = operation.ret !== null;
  const after = new Map(store);
  switch (operation.op) {
    case 'get':
      return !isAnswered || operation.out === current ? store : undefined;
    case 'put':
      return after.set(operation.k, operation.v!);
    case 'del':
      if (isAnswered && operation.ok !== undefined && operation.ok !== (current !== null)) return undefined;
      after.delete(operation.k);
      return after;
    case 'cas': {
      const matches = current === operation.old;
      if (isAnswered && operation.ok !== undefined && operation.ok !== matches) return undefined;
      return matches ? after.set(operation.k, operation.v!) : store;
    }
  }
}
