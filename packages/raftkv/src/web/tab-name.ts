// The name of a replica that belongs to one tab alone. It stays with the tab over a reload; a duplicated tab is born with the name of the one that it was
// made of, finds it taken, and gets another. What closed tabs have left is removed by the next one that opens.
import { copyPrefix, deleteIndexedDbCopy } from '@raftkv/storage/web';

/** What the lock of a replica is called. */
type LockOf = (name: string) => string;
type Locks = Pick<LockManager, 'request' | 'query'>;

/** A page that was just left may have its name a moment longer. */
const waitMilliseconds = 500;

/** Answers a name that begins with `base` and that no other living tab has. Without locks nobody can tell: then it is a new one each time. */
export async function claimTabName(base: string, locks: Locks | undefined, lockOf: LockOf): Promise<string> {
  const place = `raftkv/${base}/tab`;
  const known = storedName(place);
  const isOurs = known !== null && locks !== undefined && (await isFree(lockOf(known), locks));
  const name = isOurs ? known : `${base}/${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  try {
    sessionStorage.setItem(place, name);
  } catch {
    // A page that may keep nothing has a new replica each time.
  }
  // Nobody waits for it, and another tab can do it as well.
  removeLeftovers(`${base}/`, name, locks, lockOf).catch(() => {});
  return name;
}

function storedName(place: string): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null;
  }
}

/** Whether nobody has the lock, or whoever has it goes soon. */
async function isFree(lock: string, locks: Locks): Promise<boolean> {
  try {
    return await locks.request(lock, { signal: AbortSignal.timeout(waitMilliseconds) }, () => true);
  } catch {
    return false;
  }
}

/** A tab that sleeps in the browser's cache may lose its copy so; it fetches it anew. */
async function removeLeftovers(prefix: string, own: string, locks: Locks | undefined, lockOf: LockOf): Promise<void> {
  const databases = await indexedDB.databases();
  const { held = [] } = (await locks?.query()) ?? {};
  for (const { name: database = '' } of databases) {
    if (!database.startsWith(copyPrefix)) continue;
    const name = database.slice(copyPrefix.length);
    if (!name.startsWith(prefix) || name === own || held.some((lock) => lock.name === lockOf(name))) continue;
    await deleteIndexedDbCopy(name);
  }
}
