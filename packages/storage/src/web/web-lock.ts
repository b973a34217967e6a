// The Web Lock that keeps two tabs from opening one storage. It is a courtesy between living tabs, not a fence: it can be stolen from a
// frozen tab, and pages without a secure context have none. What makes a second writer harmless is the fence in `write-queue.ts`.
import { RaftkvError } from '@raftkv/wire';
import { labelOf } from './database.ts';

export interface WebLockOptions {
  /** Of the database. */
  readonly name: string;
  /** Take it from whoever has it. */
  readonly steal: boolean;
  /** A page that was just left may hold it a moment longer. */
  readonly waitMilliseconds: number;
  /** Called once if somebody stole it. */
  readonly onStolen: (error: RaftkvError) => void;
}

/** Resolves with what gives it back. @throws RaftkvError `storage_locked` */
export async function takeWebLock(options: WebLockOptions): Promise<() => Promise<void>> {
  // Undefined in an insecure context, whatever the types say.
  const locks = navigator.locks as LockManager | undefined;
  if (locks === undefined) return async () => undefined;
  if (options.steal) return (await request(locks, options, { steal: true }))!;
  // Asked first without patience: a lock that is free is ours, however slow the machine is.
  const free = await request(locks, options, { ifAvailable: true });
  if (free !== undefined) return free;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), options.waitMilliseconds);
  try {
    return (await request(locks, options, { signal: patience.signal }))!;
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined if the lock was not available, where that was asked for. */
function request(
  locks: LockManager,
  { name, onStolen }: WebLockOptions,
  how: LockOptions,
): Promise<(() => Promise<void>) | undefined> {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = false;
  let isReleased = false;
  return new Promise((resolve, reject) => {
    const over = locks.request(`raftkv:${name}`, how, (lock) => {
      if (lock === null) return resolve(undefined);
      isHeld = true;
      resolve(async () => {
        isReleased = true;
        release();
        await over.catch(() => undefined);
      });
      return held;
    });
    over.catch((error: unknown) => {
      if (!isHeld) reject(notTaken(error, name));
      else if (!isReleased) onStolen(new RaftkvError('storage_locked', `another tab took over ${labelOf(name)}`));
    });
  });
}

function notTaken(error: unknown, name: string): RaftkvError {
  if (error instanceof Error && error.name === 'AbortError') {
    return new RaftkvError('storage_locked', `${labelOf(name)} is open in another tab, or twice in this one`);
  }
  return RaftkvError.from(error, 'storage_failed');
}
