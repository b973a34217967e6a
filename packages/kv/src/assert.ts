// Assertions: a broken invariant stops the replica with the values in the message. Never caught here.
// Expected refusals are not for this file: they are `CommandError` values, decided alike on every replica.

/** A bug in this program or a misuse of its interface, not a condition of its surroundings. Whoever runs the store must halt on it. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws InvariantError unless `condition` holds. Give the values in the message. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === 'string' ? message : message());
}

/** Ends a switch over a union: a value that gets here is of no known type. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String((value as { type?: unknown } | undefined)?.type ?? value)}`);
}
