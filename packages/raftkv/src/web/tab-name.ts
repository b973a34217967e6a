// The name of a replica that belongs to one tab alone. It stays with the tab over a reload; a duplicated tab is born with the name of the one that it was
// made of, finds it taken, and gets another.

/** A page that was just left may have its name a moment longer. */
const waitMilliseconds = 500;

/** Answers a name that begins with `base` and that no other living tab has. */
export async function claimTabName(base: string, locks: Pick<LockManager, 'request'> | undefined): Promise<string> {
  const place = `raftkv/${base}/tab`;
  const known = recall(place);
  if (known !== null && locks !== undefined && (await isFree(`raftkv/${known}/holder`, locks))) return known;
  const name = `${base}/${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  try {
    sessionStorage.setItem(place, name);
  } catch {
    // A page that may keep nothing has a new replica each time.
  }
  return name;
}

function recall(place: string): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null;
  }
}

/** Whether nobody has the lock, or whoever has it goes soon. */
async function isFree(lock: string, locks: Pick<LockManager, 'request'>): Promise<boolean> {
  try {
    return await locks.request(lock, { signal: AbortSignal.timeout(waitMilliseconds) }, () => true);
  } catch {
    return false;
  }
}
