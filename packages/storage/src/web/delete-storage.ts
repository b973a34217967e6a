// "Forget storage": removes one storage of this origin with everything in it. A storage that is open, here or in another tab, lets go
// and dies with `storage_missing`. Called by a page on its user's wish, never by raftkv itself.
import { RaftkvError } from '@raftkv/wire';
import { databaseError } from './database-error.ts';
import { databaseFactory, labelOf } from './database.ts';
import { copyPrefix, databaseNameOf, outboxPrefix } from './database-name.ts';

/** How long a tab that does not let go (a frozen one) is waited for. */
const blockedTimeoutMilliseconds = 5000;

/**
 * Deletes the storage of this name; nothing happens if there is none.
 *
 * @throws RaftkvError `storage_locked` if another tab holds it open and does not let go; it is then deleted when that tab does
 * @example
 * await deleteIndexedDbStorage('todo');
 */
export async function deleteIndexedDbStorage(name: string): Promise<void> {
  return deleteDatabase(databaseNameOf(name));
}

/** The same for a copy. */
export async function deleteIndexedDbCopy(name: string): Promise<void> {
  return deleteDatabase(databaseNameOf(name, copyPrefix));
}

/** The same for writes that are kept, with all that is in it. */
export async function deleteIndexedDbOutbox(name: string): Promise<void> {
  return deleteDatabase(databaseNameOf(name, outboxPrefix));
}

async function deleteDatabase(database: string): Promise<void> {
  const request = databaseFactory().deleteDatabase(database);
  await new Promise<void>((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    request.onblocked = () => {
      timer = setTimeout(() => {
        const what = `${labelOf(database)} is held open by another tab, which does not answer`;
        reject(new RaftkvError('storage_locked', `${what}; it is deleted as soon as that tab lets go`));
      }, blockedTimeoutMilliseconds);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve();
    };
    request.addEventListener('error', () => {
      clearTimeout(timer);
      reject(databaseError(request.error, 'deleting', labelOf(database)));
    });
  });
}
