// Opens file storage over a Disk: checks the options, reads the store back, and starts the log. `node/` calls it with the file
// system, the simulator with a MemoryDisk.
import { RaftkvError } from '@raftkv/wire';
import { FileStorage } from './file-storage.ts';
import { openStore } from './open-store.ts';
import { Wal } from './wal.ts';
import type { FileStorageOptions } from './file-storage.ts';
import type { Storage } from './storage.ts';

const defaultSegmentBytes = 16 * 1024 * 1024;
const defaultMaxQueuedBytes = 256 * 1024 * 1024;
const minSegmentBytes = 16 * 1024;
const maxSegmentBytes = 1024 * 1024 * 1024;

/**
 * Opens, or creates, the storage in a Disk: reads the log back, mends a torn tail, refuses damage.
 *
 * @throws RaftkvError `storage_missing`, `storage_identity`, `storage_corrupt` (with file and offset), `unsupported_version`,
 * `storage_full`, `storage_failed`, `invalid_argument`
 * @example
 * const storage = await openDiskStorage({ disk: new MemoryDisk(), create: true, identity });
 */
export async function openDiskStorage(options: FileStorageOptions): Promise<Storage> {
  const segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
  if (!Number.isInteger(segmentBytes) || segmentBytes < minSegmentBytes || segmentBytes > maxSegmentBytes) {
    throw new RaftkvError('invalid_argument', `segmentBytes must be from ${minSegmentBytes} to ${maxSegmentBytes}`);
  }
  const { disk, identity, create, compression, draw } = options;
  const opened = await openStore({ disk, identity, create, compression, segmentBytes, draw });
  let reportFailure: (error: RaftkvError) => void = () => undefined;
  const wal = await Wal.open(
    {
      disk,
      identity: opened.identity,
      segmentBytes,
      draw,
      now: options.now ?? (() => performance.now()),
      maxQueuedBytes: options.maxQueuedBytes ?? defaultMaxQueuedBytes,
      syncWrites: options.syncWrites ?? true,
      onFailure: (error) => reportFailure(error),
    },
    opened.log,
  );
  reportFailure = options.onFailure ?? reportFailure;
  return new FileStorage(options, opened, wal);
}
