// What becomes of what a tab keeps of its room: it is the browser's to say. Told in the status (`storage`), so that nobody takes for kept what is not.
import { RaftkvError } from '@raftkv/wire';

export interface RoomKeeping {
  /**
   * `persistent`: it stays until somebody clears it. `evictable`: it may go as a whole when the browser wants the room, identity and log together; this tab then comes back as
   * another member. `memory`: it ends with this tab, and each start is a new member.
   */
  readonly kind: 'persistent' | 'evictable' | 'memory';
  /** Undefined where it is persistent. `not granted`: the browser does not say that it stays. */
  readonly why: 'asked' | 'private window' | 'storage fails' | 'not granted' | undefined;
  /** With which it fails. */
  readonly error: RaftkvError | undefined;
}

export interface RoomStorageStatus extends RoomKeeping {
  /** All of that for people. */
  readonly words: string;
}

export const inMemory: RoomKeeping = { kind: 'memory', why: 'asked', error: undefined };
export const persistent: RoomKeeping = { kind: 'persistent', why: undefined, error: undefined };
export const evictable: RoomKeeping = { kind: 'evictable', why: 'not granted', error: undefined };

/** Whether a member can be kept nowhere in this browser. One whose disk is full, or whose storage another tab has, is another matter. */
export function isKeptNowhere(error: unknown): boolean {
  const { code } = RaftkvError.from(error);
  return code === 'storage_failed' || code === 'unsupported';
}

export function describeKeeping(keeping: RoomKeeping): RoomStorageStatus {
  const { kind, why, error } = keeping;
  if (kind === 'persistent') return { ...keeping, words: 'What this tab has of the room is kept in this browser.' };
  if (kind === 'evictable') {
    const words =
      'What this tab has of the room is kept in this browser, which may clear it when it wants the room: this tab is another member then.';
    return { ...keeping, words };
  }
  const because = {
    'private window': 'this is a private window',
    'storage fails': `the browser's storage fails (${error?.code})`,
    asked: 'that is how it was opened',
    'not granted': 'the browser does not keep it',
  }[why ?? 'asked'];
  return { ...keeping, words: `This tab keeps nothing of the room, since ${because}: it is another member each time.` };
}
