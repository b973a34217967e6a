// The page of the storage suites: hands `@raftkv/storage/web` and the conformance suite to what a test evaluates in the tab. Run by
// `storage*.test.ts` and by the benchmark.
import { RaftkvError } from '@raftkv/wire';
import { storageConformance } from '@raftkv/storage/conformance';
import { deleteIndexedDbStorage, openIndexedDbStorage } from '@raftkv/storage/web';
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { Storage, StoredState } from '@raftkv/storage';
import type { Durability } from '@raftkv/storage/web';
import type { StorageFigures } from '../harness/measure-storage.ts';
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

/** The page looks into the database without the library that the storage uses. */
function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error(`IndexedDB refuses: ${request.error?.name}`)));
  });
}

/** Opens a database past the storage, to damage it. It does not make way for anybody. */
function openRaw(name: string): Promise<IDBDatabase> {
  return settled(indexedDB.open(`raftkv/${name}`));
}

async function recordsOf(database: IDBDatabase): Promise<{ key: IDBValidKey; value: Uint8Array }[]> {
  const store = database.transaction('records').objectStore('records');
  const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled<Uint8Array[]>(store.getAll())]);
  return keys.map((key, i) => ({ key, value: values[i]! }));
}

/** Puts a value in the place of a record, or removes it. */
async function putRaw(database: IDBDatabase, key: IDBValidKey, value: unknown): Promise<void> {
  const store = database.transaction('records', 'readwrite').objectStore('records');
  if (value === undefined) store.delete(key);
  else store.put(value, key);
  await new Promise((resolve) => {
    store.transaction.addEventListener('complete', resolve);
  });
}

/** Opens a storage, reads all that it holds and closes it, without leaving a trace: what went wrong, if anything did. */
async function tryAll(name: string): Promise<{ code: string; message: string } | undefined> {
  const raw = await openRaw(name);
  const fence = await settled<unknown>(raw.transaction('records').objectStore('records').get('fence'));
  try {
    return await failureOf(async () => {
      const storage = await openIndexedDbStorage({ name, create: false, identity });
      try {
        await storage.load();
        await storage.getNote('peers');
        const reader = await storage.openSnapshot();
        await reader?.read(0, reader.totalBytes);
        await reader?.close();
      } finally {
        await storage.close();
      }
    });
  } finally {
    await putRaw(raw, 'fence', fence);
    raw.close();
  }
}

/** Code and message, for tests of what a user reads. */
async function failureOf(action: () => Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    return { code, message };
  }
}

/** Appends `batches` batches of one entry from `callers` callers, each of which waits for its own. */
async function measureBatches(options: {
  durability: Durability;
  callers: number;
  batches: number;
  entryBytes: number;
}): Promise<StorageFigures> {
  const { durability, callers, batches, entryBytes } = options;
  const name = `measure ${Math.random()}`;
  const storage = await openIndexedDbStorage({ name, create: true, identity, durability });
  const entries = makeEntries(1, batches, entryBytes);
  const latencies: number[] = [];
  const before = storage.statistics().syncs;
  const start = performance.now();
  let next = 0;
  const call = async (): Promise<void> => {
    while (next < batches) {
      const entry = entries[next]!;
      next += 1;
      const from = performance.now();
      await storage.append({ hardState: undefined, entries: [entry] });
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - start) / 1000;
  const transactions = storage.statistics().syncs - before;
  await storage.close();
  await deleteIndexedDbStorage(name);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => latencies[Math.min(batches - 1, Math.floor(q * batches))]!;
  return {
    durability,
    callers,
    batchesPerSecond: batches / seconds,
    transactionsPerSecond: transactions / seconds,
    p50Milliseconds: quantile(0.5),
    p99Milliseconds: quantile(0.99),
  };
}

/** A storage that a test keeps open between two looks into the tab. */
interface Held {
  readonly storage: Storage;
  readonly state: StoredState;
  /** The codes of its failures. */
  readonly heard: string[];
}

const lab = {
  held: undefined as Held | undefined,
  append: (storage: Storage, first: number, count: number, bytes?: number): Promise<void> =>
    storage.append({ hardState: undefined, entries: makeEntries(first, count, bytes) }),
  openIndexedDbStorage,
  deleteIndexedDbStorage,
  openMemoryStorage,
  createMemoryStore,
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
  failureOf,
  measureBatches,
  runConformance: async (durability: Durability, title: string): Promise<void> => {
    const body = conformance(durability).get(title);
    if (body === undefined) throw new Error(`no test is called ${title}`);
    await body();
  },
  openRaw,
  recordsOf,
  putRaw,
  tryAll,
};

declare global {
  var storageLab: typeof lab;
}

globalThis.storageLab = lab;
