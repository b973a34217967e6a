// The page of the suites of a copy's storage: hands it and its memory reference to what a test evaluates in the tab, and looks into the database past it.
// Run by `copy*.test.ts`.
import { RaftkvError } from '@raftkv/wire';
import { MemoryCopyStore } from '@raftkv/storage';
import type { CopyStorage } from '@raftkv/storage';
import { deleteIndexedDbCopy, openIndexedDbCopy } from '@raftkv/storage/web';
import type { IndexedDbCopyOptions } from '@raftkv/storage/web';

const owner = { clusterId: 'c0ffee00c0ffee00', replicaId: '00000000000000a1', scope: '[]' };

/** A copy that a test keeps open between two looks into the tab. */
interface Held {
  readonly copy: CopyStorage;
  /** The codes of its failures. */
  readonly heard: string[];
}

async function open(options: Partial<IndexedDbCopyOptions> = {}): Promise<CopyStorage> {
  return openIndexedDbCopy({ name: 'a', durability: 'relaxed', owner, ...options });
}

async function hold(options: Partial<IndexedDbCopyOptions> = {}): Promise<void> {
  const heard: string[] = [];
  copyLab.held = { copy: await open({ ...options, onFailure: ({ code }) => void heard.push(code) }), heard };
}

/** A record that says its number and is `bytes` long. */
function record(number: number, bytes = 16): Uint8Array {
  const made = new Uint8Array(Math.max(4, bytes)).fill(number % 251);
  new DataView(made.buffer).setUint32(0, number);
  return made;
}

/** Numbers of all that is kept; throws for one that is not as it was made. */
async function numbersOf(copy: CopyStorage): Promise<number[]> {
  const numbers: number[] = [];
  for await (const found of copy.load()) {
    const number = new DataView(found.buffer, found.byteOffset).getUint32(0);
    if (found.slice(4).some((byte) => byte !== number % 251)) throw new Error(`record ${number} is not as it was`);
    numbers.push(number);
  }
  return numbers;
}

/** What the next opener finds, and the records of the database by then. */
async function reopened(): Promise<{ numbers: number[]; keys: string[] }> {
  const copy = await open();
  const numbers = await numbersOf(copy);
  await copy.close();
  const database = await openRaw();
  const keys = (await recordsOf(database)).map(({ key }) => String(key));
  database.close();
  return { numbers, keys };
}

async function codeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return 'resolved';
  } catch (error) {
    return RaftkvError.from(error).code;
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error(`IndexedDB refuses: ${request.error?.name}`)));
  });
}

/** Opens the database past the storage, to damage it. It does not make way for anybody. */
function openRaw(version?: number, fill?: (database: IDBDatabase) => void): Promise<IDBDatabase> {
  const request = indexedDB.open('raftkv-copy/a', version);
  request.addEventListener('upgradeneeded', () => fill?.(request.result));
  return settled(request);
}

/** As they are kept: a checksum, and the bytes that it is of. */
type Sealed = readonly [sum: number, bytes: Uint8Array];

async function recordsOf(database: IDBDatabase): Promise<{ key: IDBValidKey; value: Sealed }[]> {
  const store = database.transaction('records').objectStore('records');
  const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled<Sealed[]>(store.getAll())]);
  return keys.map((key, i) => ({ key, value: values[i]! }));
}

/** Other bytes, with a checksum that is right. */
function sealed(key: IDBValidKey, bytes: Uint8Array): Sealed {
  let sum = 0x811c9dc5;
  for (const byte of [...new TextEncoder().encode(String(key)), ...bytes]) sum = Math.imul(sum ^ byte, 0x01000193);
  return [sum >>> 0, bytes];
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

/** Opens and reads everything, without leaving a trace: what went wrong, if anything did. */
async function tryAll(): Promise<{ code: string; message: string } | undefined> {
  const raw = await openRaw();
  const before = await recordsOf(raw);
  try {
    const copy = await open();
    try {
      await numbersOf(copy);
    } finally {
      await copy.close();
    }
    return undefined;
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    return { code, message };
  } finally {
    for (const { key, value } of before) await putRaw(raw, key, value);
    raw.close();
  }
}

const lab = {
  held: undefined as Held | undefined,
  owner,
  open,
  hold,
  record,
  numbersOf,
  reopened,
  codeOf,
  openRaw,
  recordsOf,
  sealed,
  putRaw,
  tryAll,
  MemoryCopyStore,
  deleteIndexedDbCopy,
};

declare global {
  var copyLab: typeof lab;
}

globalThis.copyLab = lab;
