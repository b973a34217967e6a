// What the databases of this origin are called: all its code shares one list of names, so ours have prefixes of their own.
import { RaftkvError } from '@raftkv/wire';

const maxNameCharacters = 128;
/** A copy may be thrown away, a member's storage never: they are never taken for each other. */
export const copyPrefix = 'raftkv-copy/';
export const outboxPrefix = 'raftkv-outbox/';

export function databaseNameOf(name: string, prefix = 'raftkv/'): string {
  if (name.length === 0 || name.length > maxNameCharacters) {
    throw new RaftkvError('invalid_argument', `the name of a storage has 1 to ${maxNameCharacters} characters`);
  }
  return prefix + name;
}
