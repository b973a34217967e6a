// Opening a directory: which of create, open and refuse it is, then the log, then the snapshot that the log names. The rules are
// in `docs/disk-format.md`: a directory that is neither whole nor empty is never started as if it were new.
import { RaftkvError } from '@raftkv/wire';
import { checkIdentity, identityFileName, makeIdentity, readIdentity, writeIdentity } from './identity-file.ts';
import { corrupt } from './file-format.ts';
import { mendLog } from './mend.ts';
import { recoverLog, segmentNumbers } from './recovery.ts';
import { createSegment, decodeSegmentHeader, segmentHeaderBytes, segmentName } from './segment.ts';
import { endOfNonZero } from './segment-scan.ts';
import { readWhole } from './disk.ts';
import { parseSnapshotName, snapshotName } from './snapshot-file.ts';
import { SnapshotFileReader } from './snapshot-file-reader.ts';
import type { SnapshotMeta } from '@raftkv/raft';
import type { Disk } from './disk.ts';
import type { DrawBytes } from './draw-bytes.ts';
import type { RequestedIdentity } from './identity-file.ts';
import type { SnapshotMark } from './mark.ts';
import type { RecoveredLog } from './recovery.ts';
import type { ChunkCompression } from './snapshot-file.ts';
import type { StorageIdentity } from './storage.ts';

/** The first segment is no larger than this, so that a new store is there quickly; later ones grow. */
const firstSegmentBytes = 1024 * 1024;

export interface OpenStoreOptions {
  readonly disk: Disk;
  readonly identity: RequestedIdentity | undefined;
  readonly create: boolean;
  readonly compression: ChunkCompression | undefined;
  readonly segmentBytes: number;
  readonly draw?: DrawBytes | undefined;
}

export interface FoundSnapshot extends SnapshotMark {
  readonly meta: SnapshotMeta;
  readonly bytes: number;
}

export interface OpenedStore {
  readonly identity: StorageIdentity;
  readonly log: RecoveredLog;
  readonly snapshot: FoundSnapshot | undefined;
  readonly nextSnapshotNumber: number;
  readonly repairs: readonly string[];
}

/** @throws RaftkvError as `openDiskStorage` says */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { disk } = options;
  if (!(await disk.list()).includes(identityFileName)) await createStore(options);
  const identity = await readIdentity(disk);
  checkIdentity(identity, options.identity, disk.label);
  const names = await disk.list();
  const log = await recoverLog(disk, names, identity);
  const { found, repairs } = await findSnapshot(options, log, names);
  // Only reading so far: what is refused above is left as it was found.
  await mendLog(disk, log);
  const leftovers = await removeLeftovers(disk, names, found?.number);
  return {
    identity,
    log,
    snapshot: found,
    nextSnapshotNumber: Math.max(0, ...snapshotNumbers(names)) + 1,
    repairs: [...log.repairs, ...repairs, ...leftovers],
  };
}

/** The first segment, then the identity: the identity is what makes the store exist. */
async function createStore({ disk, identity: requested, create, segmentBytes, draw }: OpenStoreOptions): Promise<void> {
  const names = await disk.list();
  const segments = segmentNumbers(names);
  if (segments.length > 0 || snapshotNumbers(names).length > 0) {
    if (!(await isHalfCreated(disk, names))) {
      throw corrupt(`${disk.label}/${identityFileName}`, 0, 'it is missing, although there is a log or a snapshot');
    }
  }
  if (!create || requested === undefined) {
    throw new RaftkvError(
      'storage_missing',
      `${disk.label} holds no storage; if this member is new, create it (create: true and an identity); if it is not, its disk was lost: remove the member and join as a new one`,
    );
  }
  const identity = makeIdentity(requested, draw);
  const size = Math.min(segmentBytes, firstSegmentBytes);
  const { file } = await createSegment({ disk, identity, number: 1, segmentBytes: size, draw });
  await file.close();
  await writeIdentity(disk, identity);
}

/** A crash between the first segment and the identity leaves one segment without a frame: nothing was promised yet. */
async function isHalfCreated(disk: Disk, names: readonly string[]): Promise<boolean> {
  const segments = segmentNumbers(names);
  if (snapshotNumbers(names).length > 0 || segments.length !== 1 || segments[0] !== 1) return false;
  const name = segmentName(1);
  const bytes = await readWhole(disk, name, firstSegmentBytes);
  decodeSegmentHeader(bytes, `${disk.label}/${name}`, undefined);
  return endOfNonZero(bytes, segmentHeaderBytes) === segmentHeaderBytes;
}

/**
 * The snapshot that the last mark names, verified as a whole. If it is damaged, the store can do without it only if the log is
 * whole and reaches that far; otherwise it is refused, never replaced by an older or an empty state (T33, T41).
 */
async function findSnapshot(
  options: OpenStoreOptions,
  log: RecoveredLog,
  names: readonly string[],
): Promise<{ found: FoundSnapshot | undefined; repairs: string[] }> {
  const mark = log.mark?.snapshot;
  if (mark === undefined) return { found: undefined, repairs: [] };
  try {
    return { found: await readSnapshot(options, mark, names), repairs: [] };
  } catch (error) {
    const failure = RaftkvError.from(error, 'storage_failed');
    const covering = log.compactedIndex === 0 ? log.entries[mark.lastIncludedIndex - 1] : undefined;
    if (failure.code !== 'storage_corrupt' || covering?.term !== mark.lastIncludedTerm) throw failure;
    return { found: undefined, repairs: [`gave up a snapshot that the whole log covers: ${failure.message}`] };
  }
}

async function readSnapshot(
  { disk, compression }: OpenStoreOptions,
  mark: SnapshotMark,
  names: readonly string[],
): Promise<FoundSnapshot> {
  const path = `${disk.label}/${snapshotName(mark.number)}`;
  if (!names.includes(snapshotName(mark.number))) throw corrupt(path, 0, 'the snapshot is missing');
  const reader = await SnapshotFileReader.open({ disk, number: mark.number, compression });
  try {
    if (reader.checksum !== mark.checksum || reader.meta.lastIncludedIndex !== mark.lastIncludedIndex) {
      throw corrupt(path, 0, 'it is not the snapshot that the log names');
    }
    await reader.verify();
    return { ...mark, meta: reader.meta, bytes: reader.totalBytes };
  } finally {
    await reader.close();
  }
}

/** Snapshots that no mark names (the crash came before the mark, or before they were unlinked) and half-written files; spare segments, silently. */
async function removeLeftovers(disk: Disk, names: readonly string[], latest: number | undefined): Promise<string[]> {
  const repairs: string[] = [];
  let hasUnlinked = false;
  for (const name of names) {
    const number = parseSnapshotName(name);
    // Locks are not ours: another starter may be trying for one at this moment.
    const isHalfWritten = name.endsWith('.tmp') && !name.startsWith('lock-');
    const isLeftover = isHalfWritten || (number !== undefined && number !== latest);
    const isSpare = name.startsWith('spare-');
    if (!isLeftover && !isSpare) continue;
    await disk.unlink(name);
    hasUnlinked = true;
    if (isLeftover) repairs.push(`removed ${disk.label}/${name}, which was never committed or is no longer needed`);
  }
  if (hasUnlinked) await disk.syncDirectory();
  return repairs;
}

function snapshotNumbers(names: readonly string[]): number[] {
  return names.map(parseSnapshotName).filter((number) => number !== undefined);
}
