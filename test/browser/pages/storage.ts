// The page of the storage suites: hands `@raftkv/storage/web` and the conformance suite to what a test evaluates in the tab. Run by
// `storage*.test.ts` and by the benchmark.
import { RaftkvError } from '@raftkv/wire';
import { storageConformance } from '@raftkv/storage/conformance';
import { deleteIndexedDbStorage, openIndexedDbStorage } from '@raftkv/storage/web';
import type { Durability } from '@raftkv/storage/web';
import { expectInPage } from './expect.ts';

const identity = { clusterId: 'cluster-1', memberId: '00000000000000a1', memberName: 'tab' };

/** The bodies of the conformance suite by their titles, as `describe > it`. */
function conformance(durability: Durability): Map<string, () => Promise<void>> {
  const bodies = new Map<string, () => Promise<void>>();
  const path: string[] = [];
  storageConformance({
    name: durability,
    test: {
      describe: (title, body) => {
        path.push(title);
        body();
        path.pop();
      },
      it: (title, body) => void bodies.set([...path, title].join(' > '), body),
      expect: expectInPage,
    },
    createPlace: async () => {
      const name = crypto.randomUUID();
      return {
        open: (options) => openIndexedDbStorage({ ...options, name, durability, lockWaitMilliseconds: 200 }),
        dispose: () => deleteIndexedDbStorage(name),
      };
    },
  });
  return bodies;
}

/** `count` entries from `first` on whose data say their index and are `bytes` long. */
function makeEntries(
  first: number,
  count: number,
  bytes = 16,
): { index: number; term: 1; kind: 'command'; data: Uint8Array }[] {
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(Math.max(4, bytes)).fill((first + i) % 251);
    new DataView(data.buffer).setUint32(0, first + i);
    return { index: first + i, term: 1, kind: 'command', data };
  });
}

const lab = {
  openIndexedDbStorage,
  deleteIndexedDbStorage,
  identity,
  makeEntries,
  /** The code that an action ends with, or "resolved". */
  codeOf: async (action: () => Promise<unknown>): Promise<string> => {
    try {
      await action();
      return 'resolved';
    } catch (error) {
      return RaftkvError.from(error).code;
    }
  },
  /** Code and message, for tests of what a user reads. */
  failureOf: async (action: () => Promise<unknown>): Promise<{ code: string; message: string } | undefined> => {
    try {
      await action();
      return undefined;
    } catch (error) {
      const { code, message } = RaftkvError.from(error);
      return { code, message };
    }
  },
  runConformance: async (durability: Durability, title: string): Promise<void> => {
    const body = conformance(durability).get(title);
    if (body === undefined) throw new Error(`no test is called ${title}`);
    await body();
  },
  /** Opens a database past the storage, to damage it. */
  openRaw: (name: string): Promise<IDBDatabase> =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open(`raftkv/${name}`);
      request.onsuccess = () => resolve(request.result);
      request.addEventListener('error', () => reject(new Error(`cannot open: ${request.error?.name}`)));
    }),
};

declare global {
  var storageLab: typeof lab;
}

globalThis.storageLab = lab;
