// A copy's storage over IndexedDB. Whatever is asked for while a transaction is open goes into the next one, in call order; each of them reads the head,
// is aborted if that is another opener's, and puts the next one. What it carried is acknowledged when it is complete. Opened by `open-copy.ts`.
import { promisifyRequest } from 'idb-keyval';
import { RaftkvError } from '@raftkv/wire';
import { corrupt } from '../file-format.ts';
import type { CopyOwner, CopyStorage } from '../copy-storage.ts';
import { chunkKeys, headKey, openChunk, openHead, sealChunk, sealHead } from './copy-records.ts';
import type { CopyHead, RecordKey } from './copy-records.ts';
import type { Database } from './database.ts';
import type { Sealed } from './sealed.ts';

/** Larger values are moved out of the database into files of their own by browsers, at a cost; a larger record has a chunk to itself. */
const chunkBytes = 60 * 1024;
/** A chunk that was written is written again with more in it while it is no larger: few records, and little is written twice. */
const growableBytes = 8 * 1024;
/** Of one reading transaction: the page has its turn between two. */
const chunksARead = 8;

export class IndexedDbCopy implements CopyStorage {
  readonly owner: CopyOwner;
  readonly #database: Database;
  readonly #onFailure: ((error: RaftkvError) => void) | undefined;
  /** As of the last transaction that completed. */
  #head: CopyHead;
  /** As the next one leaves it. */
  #plan: CopyHead;
  #lastGroup: number;
  /** The end of the list, while its chunk may grow. */
  #records: Uint8Array[] = [];
  #bytes = 0;
  #isDirty = false;
  #puts: (readonly [key: RecordKey, value: Sealed])[] = [];
  #deletes: IDBKeyRange[] = [];
  /** The transaction that is next: everything asked for until it begins goes into it. */
  #next: Promise<void> | undefined;
  /** Whatever was asked for has been done, or failed. */
  #settled: Promise<void> = Promise.resolve();
  #failure: RaftkvError | undefined;
  #isClosed = false;

  constructor(database: Database, head: CopyHead, onFailure: ((error: RaftkvError) => void) | undefined) {
    this.#database = database;
    this.#onFailure = onFailure;
    this.#head = head;
    this.#plan = head;
    this.#lastGroup = head.group;
    this.owner = head.owner;
  }

  async *load(): AsyncGenerator<Uint8Array, void, undefined> {
    const { group, pages, first, next } = this.#head;
    yield* this.#read(group, 0, pages);
    yield* this.#read(0, first, next);
  }

  append(record: Uint8Array): Promise<void> {
    if (this.#bytes + record.length > chunkBytes) this.#endChunk();
    if (this.#records.length === 0) this.#plan = { ...this.#plan, next: this.#plan.next + 1 };
    this.#records.push(record);
    this.#bytes += record.length;
    this.#isDirty = true;
    return this.#written();
  }

  async replace(records: Iterable<Uint8Array>): Promise<void> {
    this.#endChunk();
    const { next: first } = this.#plan;
    const group = (this.#lastGroup += 1);
    let pages = 0;
    let packed: Uint8Array[] = [];
    let bytes = 0;
    const endPage = (): void => {
      if (packed.length === 0) return;
      this.#putChunk([group, pages], packed);
      pages += 1;
      packed = [];
      bytes = 0;
    };
    for (const record of records) {
      if (bytes + record.length > chunkBytes && packed.length > 0) {
        endPage();
        await this.#written();
      }
      packed.push(record);
      bytes += record.length;
    }
    endPage();
    const { group: before } = this.#plan;
    const isOvertaken = before > group;
    if (!isOvertaken) this.#plan = { ...this.#plan, group, pages, first };
    await this.#written();
    // Only now, and for nobody to wait for: what is left of it if the page goes is deleted at the next opening.
    if (isOvertaken) this.#deletes.push(chunkKeys(group, 0, Infinity));
    else {
      if (before > 0) this.#deletes.push(chunkKeys(before, 0, Infinity));
      this.#deletes.push(chunkKeys(0, -Infinity, first));
    }
    this.probe();
  }

  /** The handle was taken away: whether the data are still there, and ours, is found out at once and not at the next write. */
  probe(): void {
    this.#written().catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#settled;
    this.#database.close();
  }

  async *#read(group: number, from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = from; at < to; at += chunksARead) {
      const end = Math.min(to, at + chunksARead);
      const values = await this.#database.transact('readonly', async (store) => {
        const head = promisifyRequest<unknown>(store.get(headKey));
        const chunks = promisifyRequest<unknown[]>(store.getAll(chunkKeys(group, at, end)));
        this.#check(await head);
        return chunks;
      });
      for (let i = at; i < end; i += 1) yield* openChunk([group, i], values[i - at], this.#database.label);
    }
  }

  /** What comes next begins a new chunk. */
  #endChunk(): void {
    this.#pack();
    this.#records = [];
    this.#bytes = 0;
  }

  #pack(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const position = this.#plan.next - 1;
    this.#putChunk([0, position], this.#records);
  }

  #putChunk(key: RecordKey, records: readonly Uint8Array[]): void {
    this.#puts.push([key, sealChunk(key, records)]);
  }

  /** Resolves when everything up to here is in a transaction that is complete. */
  #written(): Promise<void> {
    const error = this.#failure ?? (this.#isClosed ? new RaftkvError('closed', 'this storage was closed') : undefined);
    if (error !== undefined) return Promise.reject(error);
    if (this.#next === undefined) {
      this.#next = this.#settled.then(() => this.#write());
      this.#settled = this.#next.catch((cause: unknown) => this.#fail(cause));
    }
    return this.#next;
  }

  async #write(): Promise<void> {
    this.#next = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    this.#pack();
    if (this.#bytes > growableBytes) this.#endChunk();
    const puts = this.#puts.splice(0);
    const deletes = this.#deletes.splice(0);
    const head = { ...this.#plan, writes: this.#head.writes + 1 };
    await this.#database.transact('readwrite', async (store) => {
      const found = promisifyRequest<unknown>(store.get(headKey));
      // All at once: a head that is not ours aborts them before any can be complete.
      for (const [key, value] of puts) store.put(value, key as IDBValidKey);
      for (const range of deletes) store.delete(range);
      store.put(sealHead(head), headKey);
      this.#check(await found);
      store.transaction.commit?.();
    });
    this.#head = head;
  }

  /** Throws `storage_locked` or `storage_corrupt` if this record is not the head that we left. */
  #check(value: unknown): void {
    const { label } = this.#database;
    const { token, epoch, writes } = openHead(value, label);
    if (token !== this.#head.token) {
      throw new RaftkvError('storage_locked', `${label} was taken over by another opener (number ${epoch})`);
    }
    // One more: a transaction that completed although the browser could not tell us, and is done again.
    if (writes === this.#head.writes || writes === this.#head.writes + 1) return;
    throw corrupt(`${label}/head`, 0, `it is at write ${writes}, and ${this.#head.writes} are known`);
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = RaftkvError.from(cause, 'storage_failed');
    // Whoever wants to delete it need not wait.
    this.#database.close();
    this.#onFailure?.(this.#failure);
  }
}
