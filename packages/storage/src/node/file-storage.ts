// File storage on the file system: makes the directory, takes its lock, and opens the store over a NodeDisk. The composition root
// of a Node member calls it.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RaftkvError } from '@raftkv/wire';
import { identityFileName } from '../identity-file.ts';
import { openDiskStorage } from '../open-disk-storage.ts';
import { zlibCompression } from './compression.ts';
import { diskError, systemCodeOf } from './disk-error.ts';
import { NodeDisk } from './disk.ts';
import { takeLock } from './lock.ts';
import type { FileStorageOptions } from '../file-storage.ts';
import type { Storage } from '../storage.ts';

export interface NodeFileStorageOptions extends Omit<FileStorageOptions, 'disk' | 'compression' | 'onClosed'> {
  /** Made if it is not there and `create` is true. Belongs to this storage alone. */
  readonly directory: string;
  /** Deflate snapshots where it pays. Default true. */
  readonly compression?: boolean;
}

/**
 * Opens, or with `create: true` creates, the storage in a directory, and holds its lock until `close`.
 *
 * @throws RaftkvError `storage_locked`, and what `openDiskStorage` throws
 * @example
 * const storage = await openFileStorage({ directory: './data/node1', create: true, identity: { clusterId, memberId, memberName } });
 * const { entries, hardState } = await storage.load();
 */
export async function openFileStorage(options: NodeFileStorageOptions): Promise<Storage> {
  const { directory, compression, ...rest } = options;
  const path = resolve(directory);
  if (rest.create) {
    await makeDirectory(path);
  } else if (!existsSync(path)) {
    throw new RaftkvError('storage_missing', `${path} does not exist; if this member is new, create its storage`);
  }
  const release = takeLock(path);
  try {
    return await openDiskStorage({
      ...rest,
      disk: new NodeDisk(path),
      ...(compression === false ? { compression: readOnlyCompression } : { compression: zlibCompression }),
      onClosed: async () => release(),
    });
  } catch (error) {
    try {
      release();
    } catch {
      // What went wrong first is what its reader must hear of; the lock is free when this process ends.
    }
    throw error;
  }
}

/** Whether a directory holds a storage, whole or damaged. */
export function hasFileStorage(directory: string): boolean {
  return existsSync(join(directory, identityFileName));
}

/**
 * A name is certain only when the directory that holds it was synced (T42): that of the store, of each directory that was made on the way to
 * it, and of one that an earlier start made and did not live to fill.
 */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw diskError(error, 'mkdir', path);
  });
  if (first === undefined && existsSync(join(path, identityFileName))) return;
  const top = first ?? path;
  for (let made = path; made.length >= top.length; made = dirname(made)) {
    if (made === dirname(made)) return;
    await new NodeDisk(dirname(made)).syncDirectory().catch((error: unknown) => {
      // What may not be read cannot be synced; whoever set it up so made the directory too.
      if (first !== undefined || systemCodeOf(RaftkvError.from(error).cause) !== 'EACCES') throw error;
    });
  }
}

/** Switched off, old snapshots can still be read. */
const readOnlyCompression = { ...zlibCompression, deflate: (bytes: Uint8Array): Uint8Array => bytes };
