// A copy's storage over IndexedDB. Whatever is asked for while a transaction is open goes into the next one, in call order; each of them reads the head,
// is aborted if that is another opener's, and puts the next one. What it carried is acknowledged when it is complete. Opened by `open-copy.ts`.
import { promisifyRequest } from 'idb-keyval';
import { RaftkvError } from '@raftkv/wire';
import { corrupt } from '../file-format.ts';
import type { CopyOwner, CopyStorage } from '../copy-storage.ts';
import { chunkKeys, decodeChunk, decodeHead, encodeChunk, encodeHead, headKey } from './copy-records.ts';
import type { CopyHead } from './copy-records.ts';
import type { Database } from './database.ts';

/** Larger values are moved out of the database into files of their own by browsers, at a cost; a larger record has a chunk to itself. */
const chunkBytes = 60 * 1024;
/** A chunk that was written is written again with more in it while it is no larger: few records, and little is written twice. */
const growableBytes = 8 * 1024;
/** Of one reading transaction: the page has its turn between two. */
const chunksARead = 8;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: RaftkvError) => void;
}

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
  #puts: (readonly [key: IDBValidKey, value: Uint8Array])[] = [];
  #deletes: IDBKeyRange[] = [];
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
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
      this.#puts.push([[group, pages], encodeChunk(group, pages, packed)]);
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
    await this.#draining;
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
      for (let i = at; i < end; i += 1) yield* decodeChunk(group, i, values[i - at], this.#database.label);
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
    this.#puts.push([[0, position], encodeChunk(0, position, this.#records)]);
  }

  /** Resolves when everything up to here is in a transaction that is complete. */
  #written(): Promise<void> {
    const error = this.#failure ?? (this.#isClosed ? new RaftkvError('closed', 'this storage was closed') : undefined);
    if (error !== undefined) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      // What is added before this turn ends joins the group.
      this.#draining ??= Promise.resolve().then(() => this.#drain());
    });
  }

  /** Writes group after group. Never rejects. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0);
      try {
        await this.#write();
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#fail(RaftkvError.from(error, 'storage_failed'), [...group, ...this.#waiting.splice(0)]);
      }
    }
    this.#draining = undefined;
  }

  async #write(): Promise<void> {
    this.#pack();
    if (this.#bytes > growableBytes) this.#endChunk();
    const puts = this.#puts.splice(0);
    const deletes = this.#deletes.splice(0);
    const head = { ...this.#plan, writes: this.#head.writes + 1 };
    await this.#database.transact('readwrite', async (store) => {
      const found = promisifyRequest<unknown>(store.get(headKey));
      // All at once: a head that is not ours aborts them before any can be complete.
      for (const [key, value] of puts) store.put(value, key);
      for (const range of deletes) store.delete(range);
      store.put(encodeHead(head), headKey);
      this.#check(await found);
      store.transaction.commit?.();
    });
    this.#head = head;
  }

  /** Throws `storage_locked` or `storage_corrupt` if this record is not the head that we left. */
  #check(value: unknown): void {
    const { label } = this.#database;
    const { token, epoch, writes } = decodeHead(value, label);
    if (token !== this.#head.token) {
      throw new RaftkvError('storage_locked', `${label} was taken over by another opener (number ${epoch})`);
    }
    // One more: a transaction that completed although the browser could not tell us, and is done again.
    if (writes === this.#head.writes || writes === this.#head.writes + 1) return;
    throw corrupt(`${label}/head`, 0, `it is at write ${writes}, and ${this.#head.writes} are known`);
  }

  #fail(error: RaftkvError, waiting: readonly Waiting[]): void {
    this.#failure = error;
    for (const { reject } of waiting) reject(error);
    // Whoever wants to delete it need not wait.
    this.#database.close();
    this.#onFailure?.(error);
  }
}
