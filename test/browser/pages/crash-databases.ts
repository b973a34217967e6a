// Databases made past the storage, for the page `crashes.ts`: one that holds exactly these transactions and nothing else, and what a database
// holds as one text.
import type { RecordedRequest, RecordedTransaction } from './crash-recorder.ts';

/** Makes a database of the transactions, one after the other as they were. None: there is no database. */
export async function makeDatabase(name: string, transactions: readonly RecordedTransaction[]): Promise<void> {
  await removeDatabase(name);
  const [first, ...later] = transactions;
  if (first === undefined) return;
  const request = indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => {
    for (const change of first.changes) carryOut(request.transaction!, change);
  });
  const database = await resultOf(request);
  for (const { changes } of later) {
    const transaction = database.transaction('records', 'readwrite', { durability: 'relaxed' });
    for (const change of changes) carryOut(transaction, change);
    await new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(new Error(`replaying fails: ${transaction.error?.name}`)));
    });
  }
  database.close();
}

function carryOut(transaction: IDBTransaction, change: RecordedRequest): void {
  if (change.type === 'createStore') transaction.db.createObjectStore(change.name);
  else if (change.type === 'put') transaction.objectStore('records').put(change.value, change.key);
  else transaction.objectStore('records').delete(change.range);
}

/** Equal for databases that hold the same; undefined if there is none. */
export async function contentOf(name: string): Promise<string | undefined> {
  if (!(await indexedDB.databases()).some((each) => each.name === name)) return undefined;
  const database = await resultOf(indexedDB.open(name));
  const store = database.transaction('records').objectStore('records');
  const [keys, values] = await Promise.all([resultOf(store.getAllKeys()), resultOf<Uint8Array[]>(store.getAll())]);
  database.close();
  const latin = new TextDecoder('latin1');
  return keys.map((key, i) => `${JSON.stringify(key)} ${values[i]!.length} ${latin.decode(values[i])}`).join('\n');
}

export async function removeDatabase(name: string): Promise<void> {
  await resultOf(indexedDB.deleteDatabase(name));
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error(`IndexedDB refuses: ${request.error?.name}`)));
  });
}
