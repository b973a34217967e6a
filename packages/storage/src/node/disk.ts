// The Disk over a directory of the file system. A write copies into the page cache at once and the sync runs in the thread
// pool: one hop a batch. Every write is completed and looked at; every error says path, operation and the system's code.
import { closeSync, constants, fdatasync, fstatSync, fsync, openSync, readSync, writeSync } from 'node:fs';
import { readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftkvError } from '@raftkv/wire';
import { diskError, systemCodeOf } from './disk-error.ts';
import type { Disk, DiskFile } from '../disk.ts';

/** Files are for the member's own account only: the log holds what clients wrote. */
const fileMode = 0o600;
const checkedBytes = 32;

/** @example new NodeDisk('/data/node1') */
export class NodeDisk implements Disk {
  readonly label: string;
  /** Writes are synchronous, so all files can read back into one buffer. */
  readonly #scratch = new Uint8Array(checkedBytes);

  constructor(directory: string) {
    this.label = directory;
  }

  async list(): Promise<readonly string[]> {
    return guard('list', this.label, () => readdir(this.label));
  }

  async create(name: string): Promise<DiskFile> {
    return this.#open(name, 'create', constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC);
  }

  async open(name: string, access: 'read' | 'write'): Promise<DiskFile> {
    return this.#open(name, 'open', access === 'read' ? constants.O_RDONLY : constants.O_RDWR);
  }

  async rename(from: string, to: string): Promise<void> {
    await guard('rename', join(this.label, from), () => rename(join(this.label, from), join(this.label, to)));
  }

  async unlink(name: string): Promise<void> {
    await guard('unlink', join(this.label, name), () => unlink(join(this.label, name)));
  }

  async syncDirectory(): Promise<void> {
    await guard('sync', this.label, async () => {
      const descriptor = openSync(this.label, 'r');
      try {
        await synced(descriptor, fsync);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #open(name: string, operation: string, flags: number): DiskFile {
    const path = join(this.label, name);
    try {
      return new NodeFile(name, path, openQuietly(path, flags), this.#scratch);
    } catch (error) {
      throw diskError(error, operation, path);
    }
  }
}

/** Without access times where the system allows it: else each look at a write would change metadata, and the next sync would write that too. */
function openQuietly(path: string, flags: number): number {
  const noAccessTime = constants.O_NOATIME ?? 0;
  try {
    return openSync(path, flags | noAccessTime, fileMode);
  } catch (error) {
    // Only the owner of a file may ask for it.
    if (noAccessTime === 0 || systemCodeOf(error) !== 'EPERM') throw error;
    return openSync(path, flags, fileMode);
  }
}

class NodeFile implements DiskFile {
  readonly name: string;
  readonly #path: string;
  readonly #scratch: Uint8Array;
  #descriptor: number;

  constructor(name: string, path: string, descriptor: number, scratch: Uint8Array) {
    this.name = name;
    this.#path = path;
    this.#descriptor = descriptor;
    this.#scratch = scratch;
  }

  async size(): Promise<number> {
    return this.#try('stat', () => fstatSync(this.#descriptor).size);
  }

  async read(offset: number, target: Uint8Array): Promise<number> {
    return this.#try('read', () => readFully(this.#descriptor, offset, target));
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#write(offset, bytes);
  }

  sync(): Promise<void> {
    return synced(this.#descriptor, fdatasync).catch((error: unknown) => {
      throw diskError(error, 'sync', this.#path);
    });
  }

  writeDurable(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      this.#write(offset, bytes);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.sync();
  }

  async close(): Promise<void> {
    const descriptor = this.#descriptor;
    if (descriptor < 0) return;
    this.#descriptor = -1;
    this.#try('close', () => closeSync(descriptor));
  }

  #write(offset: number, bytes: Uint8Array): void {
    this.#try('write', () => {
      let stalls = 0;
      for (let written = 0; written < bytes.length;) {
        const count = writeSync(this.#descriptor, bytes, written, bytes.length - written, offset + written);
        // Once may be an accident, twice in a row is not waited for.
        stalls = count === 0 ? stalls + 1 : 0;
        if (stalls > 1) throw new Error('it accepts no more bytes');
        written += count;
      }
      this.#verifyHead(offset, bytes);
    });
  }

  /**
   * Reads back the head of what was written. A write that counts bytes it did not take is completed below Node, unseen, and leaves a
   * hole where it began; without this look it would be found at the next start, in an acknowledged batch. From the page cache: no disk access.
   */
  #verifyHead(offset: number, bytes: Uint8Array): void {
    const expected = bytes.subarray(0, checkedBytes);
    const found = this.#scratch.subarray(0, expected.length);
    const count = readFully(this.#descriptor, offset, found);
    if (count === found.length && Buffer.compare(found, expected) === 0) return;
    throw new RaftkvError('storage_failed', `write of ${this.#path} failed: the file does not hold what was written`, {
      definite: false,
    });
  }

  #try<T>(operation: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw diskError(error, operation, this.#path);
    }
  }
}

function readFully(descriptor: number, offset: number, target: Uint8Array): number {
  let done = 0;
  while (done < target.length) {
    const count = readSync(descriptor, target, done, target.length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

type SyncCall = (descriptor: number, callback: (error: Error | null) => void) => void;

function synced(descriptor: number, call: SyncCall): Promise<void> {
  return new Promise((resolve, reject) => {
    call(descriptor, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

async function guard<T>(operation: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw diskError(error, operation, path);
  }
}
