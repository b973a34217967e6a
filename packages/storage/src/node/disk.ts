// The Disk over a directory of the file system. A write copies into the page cache at once and the sync runs in the thread
// pool: one hop a batch. Short writes are completed and read back; every error says path, operation and the system's code.
import { closeSync, fdatasync, fstatSync, fsync, openSync, readSync, writeSync } from 'node:fs';
import { readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RaftkvError } from '@raftkv/wire';
import { diskError } from './disk-error.ts';
import type { Disk, DiskFile } from '../disk.ts';

/** Files are for the member's own account only: the log holds what clients wrote. */
const fileMode = 0o600;

/** @example new NodeDisk('/data/node1') */
export class NodeDisk implements Disk {
  readonly label: string;

  constructor(directory: string) {
    this.label = directory;
  }

  async list(): Promise<readonly string[]> {
    return guard('list', this.label, () => readdir(this.label));
  }

  async create(name: string): Promise<DiskFile> {
    return this.#open(name, 'create', 'w+');
  }

  async open(name: string, access: 'read' | 'write'): Promise<DiskFile> {
    return this.#open(name, 'open', access === 'read' ? 'r' : 'r+');
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

  #open(name: string, operation: string, flags: string): DiskFile {
    const path = join(this.label, name);
    try {
      return new NodeFile(name, path, openSync(path, flags, fileMode));
    } catch (error) {
      throw diskError(error, operation, path);
    }
  }
}

class NodeFile implements DiskFile {
  readonly name: string;
  readonly #path: string;
  #descriptor: number;

  constructor(name: string, path: string, descriptor: number) {
    this.name = name;
    this.#path = path;
    this.#descriptor = descriptor;
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
      let written = writeSync(this.#descriptor, bytes, 0, bytes.length, offset);
      if (written === bytes.length) return;
      while (written < bytes.length) {
        const more = writeSync(this.#descriptor, bytes, written, bytes.length - written, offset + written);
        if (more <= 0) throw new Error('it accepts no more bytes');
        written += more;
      }
      this.#verify(offset, bytes);
    });
  }

  /** A disk that writes in pieces is rare enough to be asked whether it told the truth about them. */
  #verify(offset: number, bytes: Uint8Array): void {
    const found = new Uint8Array(bytes.length);
    const count = readFully(this.#descriptor, offset, found);
    if (count === bytes.length && Buffer.compare(found, bytes) === 0) return;
    throw new RaftkvError(
      'storage_failed',
      `write of ${this.#path} failed: after a short write the file does not hold what was reported as written`,
      { definite: false },
    );
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
