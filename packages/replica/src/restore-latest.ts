// The state machine's state at a start: what the latest snapshot holds. What the log adds to it is applied later, as it is committed
// again. Called by the replica once.
import type { SnapshotMeta } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { StateMachine } from './state-machine.ts';

const readBytes = 1024 * 1024;

/** Answers its size in bytes. Rejects if the snapshot cannot be read, or is not one. */
export async function restoreLatest(
  storage: Storage,
  stateMachine: StateMachine,
  { lastIncludedIndex }: SnapshotMeta,
): Promise<number> {
  const reader = await storage.openSnapshot();
  if (reader?.meta.lastIncludedIndex !== lastIncludedIndex) {
    throw new RaftkvError('storage_corrupt', `snapshot ${lastIncludedIndex} was listed but cannot be opened`);
  }
  const restore = stateMachine.restore();
  let offset = 0;
  while (offset < reader.totalBytes) {
    const chunk = await reader.read(offset, readBytes);
    offset += chunk.length;
    restore.write(chunk);
  }
  restore.verify();
  restore.install();
  await reader.close();
  return offset;
}
