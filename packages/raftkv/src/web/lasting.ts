// Whether what a page keeps lasts, as far as a browser lets it find out. Asked where a member is to be kept: by `member/tab-place.ts` and `room.ts`.
import { evictable, persistent } from '../room/room-keeping.ts';
import type { RoomKeeping } from '../room/room-keeping.ts';

/**
 * Private windows of Firefox and Safari have no private file system, and that can be found out; those of Chromium are made to look like others. There the member
 * ends with the window, identity and log together, as with any eviction: it comes back as another one. Answers why, where this is one.
 */
export async function findPrivateWindow(): Promise<{ readonly cause: unknown } | undefined> {
  try {
    await storageManager()?.getDirectory?.();
    return undefined;
  } catch (cause) {
    return { cause };
  }
}

/** Asks the browser not to evict this origin for want of room; what is answered goes by what it has said so far, since some ask their users. */
export function askToKeep(): () => RoomKeeping {
  let keeping = evictable;
  storageManager()
    ?.persist?.()
    .then((isGranted) => (keeping = isGranted ? persistent : evictable))
    .catch(() => undefined);
  return () => keeping;
}

function storageManager(): Partial<StorageManager> | undefined {
  return (navigator as { readonly storage?: Partial<StorageManager> }).storage;
}
