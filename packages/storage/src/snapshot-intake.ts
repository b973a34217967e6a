// The SnapshotWriter that file storage hands out: takes chunks one after the other, and lets one commit or abort end it. What a commit means is
// `file-storage.ts`'s business.
import { RaftkvError } from '@raftkv/wire';
import type { SnapshotFileWriter } from './snapshot-file-writer.ts';
import type { SnapshotWriter } from './storage.ts';

export interface SnapshotTarget {
  readonly file: SnapshotFileWriter;
  /** Throws when the storage is dead or closed. */
  readonly assertUsable: () => void;
  /** Runs a step; a refusal of the disk stops the storage. */
  readonly guard: (action: () => Promise<void>) => Promise<void>;
  readonly commit: (resetLog: boolean) => Promise<void>;
  /** Told at once when a commit is called for, before anything is written. */
  readonly onCommit: (resetLog: boolean, committed: Promise<void>) => void;
  /** Removes the file that is not wanted. */
  readonly discard: () => Promise<void>;
}

export interface SnapshotIntake extends SnapshotWriter {
  /** The storage closes: waits for a commit that was called for, aborts anything else. Nothing touches the disk after it. */
  end(): Promise<void>;
}

export function makeSnapshotIntake({
  file,
  assertUsable,
  guard,
  commit,
  onCommit,
  discard,
}: SnapshotTarget): SnapshotIntake {
  let isOver = false;
  let last: Promise<void> = Promise.resolve();
  const inOrder = (action: () => Promise<void>): Promise<void> => {
    assertUsable();
    if (isOver) throw new RaftkvError('invalid_argument', 'this snapshot was committed or aborted');
    const next = last.then(() => guard(action));
    last = next.catch(() => undefined);
    return next;
  };
  const abort = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    await last;
    await discard();
  };
  return {
    write: async (chunk) => inOrder(() => file.write(chunk)),
    commit: async (options) => {
      const resetLog = options?.resetLog === true;
      const committed = inOrder(() => commit(resetLog));
      isOver = true;
      onCommit(resetLog, committed);
      return committed;
    },
    abort,
    end: async () => {
      await abort();
      await last;
    },
  };
}
