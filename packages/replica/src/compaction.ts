// How far the log is let go behind a snapshot. Which snapshots are taken, and when, is in snapshotter.ts. Called by the replica alone.
import type { PeerId, RaftStatus } from '@raftkv/raft';

export interface CompactionPolicy {
  readonly retainedEntries: number;
  readonly retainedBytes: number;
}

/**
 * Up to where the log may go: a tail stays for followers that lag, within the limits of entries and bytes; and what a follower that is
 * being served still needs, within that of bytes, so that it does not find the log gone when its snapshot has arrived.
 */
export function compactionPoint(
  { firstIndex, lastIndex, logBytes, progress }: RaftStatus,
  snapshotIndex: number,
  { retainedEntries, retainedBytes }: CompactionPolicy,
): number {
  const entryCount = Math.max(1, lastIndex - firstIndex + 1);
  const meanBytes = Math.max(1, logBytes / entryCount);
  const affordable = Math.floor(retainedBytes / meanBytes);
  let needed = lastIndex - retainedEntries;
  for (const { isRecentlyActive, matchIndex, transferIndex } of progress.values()) {
    if (isRecentlyActive) needed = Math.min(needed, transferIndex ?? matchIndex);
  }
  return Math.max(Math.min(snapshotIndex, Math.max(needed, lastIndex - affordable)), 0);
}

/** Who is on its way through a snapshot: for nobody else may the one that was replaced stay open, and on the disk. */
export function servedBySnapshot({ progress }: RaftStatus): Set<PeerId> {
  return new Set([...progress].filter(([, { transferIndex }]) => transferIndex !== undefined).map(([id]) => id));
}
