// Runs the conformance suite of the contract against each adapter that lives here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemoryStore, MemoryDisk, openDiskStorage, openMemoryStorage } from '../src/index.ts';
import { storageConformance } from '../src/conformance.ts';
import { openFileStorage } from '../src/node/index.ts';
import { RaftkvError } from '@raftkv/wire';

const test = { describe, it, expect };

storageConformance({
  name: 'memory',
  test,
  createPlace: async () => {
    const store = createMemoryStore();
    return { open: async (options) => openMemoryStorage({ ...options, store }), dispose: async () => undefined };
  },
});

storageConformance({
  name: 'files on a disk in memory, in small segments',
  test,
  createPlace: async () => {
    const disk = new MemoryDisk();
    let isOpen = false;
    const onClosed = async (): Promise<void> => void (isOpen = false);
    return {
      open: async (options) => {
        // A MemoryDisk has no lock: the lock is of the file system.
        if (isOpen) throw new RaftkvError('storage_locked', 'open already');
        const storage = await openDiskStorage({ ...options, disk, segmentBytes: 16 * 1024, onClosed });
        isOpen = true;
        return storage;
      },
      dispose: async () => undefined,
    };
  },
});

for (const syncWrites of [true, false]) {
  storageConformance({
    name: `files in a directory, ${syncWrites ? 'synced' : 'not synced'}`,
    test,
    createPlace: async () => {
      const parent = mkdtempSync(join(tmpdir(), 'raftkv-storage-'));
      const directory = join(parent, 'store');
      return {
        open: async (options) => openFileStorage({ ...options, directory, syncWrites, segmentBytes: 256 * 1024 }),
        dispose: async () => rmSync(parent, { recursive: true }),
      };
    },
  });
}
