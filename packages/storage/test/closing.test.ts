// What a close owes to what was begun before it: it waits for it or ends it, tells when it could not flush, and after it nothing touches
// the directory any more, since the lock is released and another process may have it.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { bytesOf, codeOf, entries, hardState, member, meta } from '../src/conformance-tools.ts';
import { NodeDisk } from '../src/node/index.ts';
import type { DiskOperation, FileStorageOptions, Storage } from '../src/index.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Watched {
  readonly storage: Storage;
  readonly disk: MemoryDisk;
  /** What the disk was asked for after the storage said that it was closed. */
  readonly late: DiskOperation[];
  readonly failures: RaftkvError[];
  /** Lets go of all operations of one type, of snapshots, that were held up since `hold`. */
  hold(type: DiskOperation['type']): () => void;
}

async function openWatched(options: Partial<FileStorageOptions> = {}): Promise<Watched> {
  const disk = new MemoryDisk();
  const late: DiskOperation[] = [];
  const failures: RaftkvError[] = [];
  let isClosed = false;
  let held: { type: DiskOperation['type']; letGo: Promise<void> } | undefined;
  const storage = await openDiskStorage({
    disk,
    create: true,
    identity: member,
    onFailure: (error) => failures.push(error),
    onClosed: async () => void (isClosed = true),
    ...options,
  });
  await storage.append({ hardState: hardState(1), entries: entries(1, 9) });
  disk.intercept = (operation) => {
    if (isClosed) late.push(operation);
    const isHeld = operation.type === held?.type && 'name' in operation && operation.name.startsWith('snapshot-');
    return isHeld ? held?.letGo : undefined;
  };
  const hold = (type: DiskOperation['type']): (() => void) => {
    let letGo: () => void = () => undefined;
    held = { type, letGo: new Promise((resolve) => (letGo = resolve)) };
    return letGo;
  };
  return { storage, disk, late, failures, hold };
}

describe('a close', () => {
  it('waits for a snapshot that is being committed, which then counts', async () => {
    const { storage, disk, late, failures, hold } = await openWatched();
    const writer = await storage.createSnapshot(meta(5));
    await writer.write(bytesOf('state'));
    const letGo = hold('sync');
    const committed = writer.commit();
    await turn();
    const closed = storage.close();
    await turn();
    letGo();
    expect(await codeOf(() => committed)).toBe('resolved');
    await closed;
    await turn();
    expect([late, failures]).toEqual([[], []]);
    const again = await openDiskStorage({ disk: disk.crash('lost'), create: false });
    expect((await again.load()).snapshot).toEqual(meta(5));
  });

  it('ends a snapshot that is being written, even in the middle of a chunk, and leaves nothing of it', async () => {
    let inflate: (bytes: Uint8Array) => void = () => undefined;
    // The piece that is tried first comes back at once.
    const deflate = async (bytes: Uint8Array): Promise<Uint8Array> =>
      bytes.length < 10_000 ? new Uint8Array(1) : new Promise((resolve) => (inflate = resolve));
    const compression = { deflate, inflate: (bytes: Uint8Array) => bytes };
    const { storage, disk, late, failures } = await openWatched({ compression });
    const writer = await storage.createSnapshot(meta(5));
    const written = writer.write(new Uint8Array(300_000));
    await turn();
    const closed = storage.close();
    await turn();
    inflate(new Uint8Array(10));
    await Promise.all([written, closed]);
    expect(await codeOf(() => writer.write(bytesOf('more')))).toBe('closed');
    await writer.abort();
    await turn();
    expect([late, failures]).toEqual([[], []]);
    const again = await openDiskStorage({ disk: disk.crash('lost'), create: false });
    expect((await again.load()).repairs).toEqual([]);
  });

  it('waits for a snapshot that is about to begin', async () => {
    const { storage, late, hold } = await openWatched();
    const letGo = hold('create');
    const begun = storage.createSnapshot(meta(5));
    await turn();
    const closed = storage.close();
    await turn();
    letGo();
    await closed;
    const writer = await begun;
    expect(await codeOf(() => writer.write(bytesOf('x')))).toBe('closed');
    await writer.abort();
    await turn();
    expect(late).toEqual([]);
  });

  it('tells when it could not flush: with syncWrites false that is the first to hear of it', async () => {
    const { storage, disk, failures } = await openWatched({ syncWrites: false });
    disk.intercept = ({ type }) => {
      if (type === 'sync') throw new RaftkvError('storage_failed', 'sync failed: EIO');
    };
    expect(await codeOf(() => storage.close())).toBe('storage_failed');
    expect(failures.map(({ message }) => message)).toEqual(['sync failed: EIO']);
    expect(await codeOf(() => storage.close())).toBe('storage_failed');
  });

  it('does not fail the storage by closing a file under a snapshot that is being written', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'raftkv-closing-'));
    const failures: RaftkvError[] = [];
    const deflate = async (bytes: Uint8Array): Promise<Uint8Array> => {
      await turn();
      return bytes;
    };
    const storage = await openDiskStorage({
      disk: new NodeDisk(directory),
      create: true,
      identity: member,
      compression: { deflate, inflate: (bytes) => bytes },
      onFailure: (error) => failures.push(error),
    });
    const writer = await storage.createSnapshot(meta(5));
    const written = writer.write(new Uint8Array(600_000));
    await storage.close();
    await written;
    expect(failures).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.startsWith('snapshot-'))).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});
