// Every write of an open storage, in call order. Whatever queues while a transaction is open is the next transaction (group commit). Each
// transaction compares the fence and replaces it, so a tab that was overtaken can never write; nothing is acknowledged before `complete`.
import { RaftkvError } from '@raftkv/wire';
import { promisifyRequest } from 'idb-keyval';
import { corrupt } from '../file-format.ts';
import type { Database } from './database.ts';
import type { LogChunks } from './log-chunks.ts';
import { decodeRecord, encodeRecord, fenceKey, logKeysBefore, markKey } from './records.ts';
import type { Fence, Mark, RecordKey } from './records.ts';

/** Bytes of one transaction; the rest of the queue has the next one, so that nobody waits for all of it. */
const groupBytes = 4 * 1024 * 1024;
/** Of one batch: browsers refuse values beyond 128 MiB. */
const maxBatchBytes = 64 * 1024 * 1024;

export type KeyedRecord = readonly [key: IDBValidKey, value: Uint8Array];

export type Write =
  | { readonly type: 'batch'; readonly payload: Uint8Array; readonly lastIndex: number; readonly entryCount: number }
  | { readonly type: 'records'; readonly records: readonly KeyedRecord[] }
  /** `isReset`: all chunks before it are void. */
  | {
      readonly type: 'mark';
      readonly records: readonly KeyedRecord[];
      readonly state: Omit<Mark, 'firstSequence' | 'nextSequence'>;
      readonly isReset: boolean;
    }
  | { readonly type: 'delete'; readonly range: IDBKeyRange };

type Request = KeyedRecord | IDBKeyRange;

interface Waiting {
  readonly write: Write;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: RaftkvError) => void;
}

export interface WriteQueueOptions {
  readonly database: Database;
  /** As this opening wrote it. */
  readonly fence: Fence;
  readonly chunks: LogChunks;
  readonly maxQueuedBytes: number;
  /** Called once, with what killed the queue. */
  readonly onFailure: (error: RaftkvError) => void;
}

export class WriteQueue {
  readonly statistics = {
    syncs: 0,
    batches: 0,
    entries: 0,
    syncMilliseconds: 0,
    lastSyncMilliseconds: 0,
    maxSyncMilliseconds: 0,
  };
  failure: RaftkvError | undefined;
  readonly #options: WriteQueueOptions;
  /** As of the last transaction that completed. */
  #fence: Fence;
  #waiting: Waiting[] = [];
  #inFlight: readonly Waiting[] = [];
  #queuedBytes = 0;
  #isScheduled = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#fence = options.fence;
  }

  /** Resolves when its transaction is complete. */
  add(write: Write): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const bytes = bytesOf(write);
    this.#queuedBytes += bytes;
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ write, bytes, resolve, reject });
    });
    // Whoever asked hears of it; a deferred deletion has nobody to hear.
    done.catch(() => undefined);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      // What is added before this turn ends joins the group.
      queueMicrotask(() => {
        this.#idle = this.#drain();
      });
    }
    return done;
  }

  /** Throws unless a batch of this size can be taken now. */
  checkRoom(bytes: number): void {
    if (bytes > maxBatchBytes) {
      throw new RaftkvError('batch_too_large', `a batch of ${bytes} bytes; the limit is ${maxBatchBytes}`);
    }
    const { maxQueuedBytes } = this.#options;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > maxQueuedBytes) {
      throw new RaftkvError('busy', `${this.#queuedBytes} bytes wait for IndexedDB; the limit is ${maxQueuedBytes}`);
    }
  }

  /** What these records hold; undefined for one that is not there. Rejects if another opener may have changed them. */
  async read(keys: readonly RecordKey<Uint8Array>[]): Promise<(Uint8Array | undefined)[]> {
    const { database } = this.#options;
    const values = await database.transact('readonly', async (store) => {
      const fence = promisifyRequest<unknown>(store.get(fenceKey.key));
      const found = Promise.all(keys.map(({ key }) => promisifyRequest<unknown>(store.get(key))));
      this.#checkFence(await fence);
      return found;
    });
    return keys.map((key, i) => (values[i] === undefined ? undefined : decodeRecord(key, values[i], database.label)));
  }

  /** A transaction that writes nothing: it stands in line behind those that were begun, of any tab. What it finds out kills the queue as a write would. */
  async proveOwner(): Promise<void> {
    try {
      await this.read([]);
    } catch (error) {
      this.fail(RaftkvError.from(error, 'storage_failed'));
      throw this.failure!;
    }
  }

  /** Throws `storage_locked` or `storage_corrupt` if this record is not the fence that we left. */
  #checkFence(value: unknown): void {
    const place = this.#options.database.label;
    const { token, epoch, writes } = decodeRecord(fenceKey, value, place);
    if (token !== this.#fence.token) {
      throw new RaftkvError('storage_locked', `${place} was taken over by another opener (number ${epoch})`);
    }
    // One more: a transaction that completed although the browser could not tell us, and is done again.
    if (writes === this.#fence.writes || writes === this.#fence.writes + 1) return;
    throw corrupt(`${place}/${fenceKey.label}`, 0, `it is at write ${writes}, and ${this.#fence.writes} are known`);
  }

  /** Whatever is open or comes later rejects with `error`. */
  fail(error: RaftkvError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const each of [...this.#inFlight, ...this.#waiting]) each.reject(error);
    this.#waiting = [];
    this.#options.onFailure(error);
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    while (this.#isScheduled) {
      // One turn, so that a drain that is only scheduled has begun.
      await Promise.resolve();
      await this.#idle;
    }
  }

  /** Writes group after group. Never rejects. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && this.failure === undefined) {
      const group = this.#nextGroup();
      this.#inFlight = group;
      try {
        await this.#write(group);
      } catch (error) {
        this.fail(RaftkvError.from(error, 'storage_failed'));
        break;
      }
      if (this.failure !== undefined) break;
      this.#inFlight = [];
      for (const each of group) {
        this.#queuedBytes -= each.bytes;
        each.resolve();
      }
    }
    this.#isScheduled = false;
  }

  #nextGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes + this.#waiting[count]!.bytes <= groupBytes)) {
      bytes += this.#waiting[count]!.bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const requests = this.#requestsOf(group);
    const { database, chunks } = this.#options;
    const { epoch, token, writes } = this.#fence;
    const fence = { epoch, token, writes: writes + 1, lastSequence: chunks.nextSequence - 1 };
    requests.push([fenceKey.key, encodeRecord(fenceKey, fence)]);
    const before = performance.now();
    await database.transact('readwrite', async (store) => {
      const found = promisifyRequest<unknown>(store.get(fenceKey.key));
      // All at once: a fence that is not ours aborts them before any can be complete.
      for (const request of requests) issue(store, request);
      this.#checkFence(await found);
      store.transaction.commit?.();
    });
    this.#fence = fence;
    this.#count(group, performance.now() - before);
  }

  /** What a group means, made once, however often its transaction must be tried. */
  #requestsOf(group: readonly Waiting[]): Request[] {
    const { chunks } = this.#options;
    const requests: Request[] = [];
    for (const { write } of group) {
      if (write.type === 'batch') chunks.add(write.payload, write.lastIndex);
      else if (write.type === 'records') requests.push(...write.records);
      else if (write.type === 'delete') requests.push(write.range);
      else requests.push(...write.records, this.#mark(write));
    }
    requests.push(...chunks.take());
    return requests;
  }

  #mark({ state, isReset }: Extract<Write, { type: 'mark' }>): KeyedRecord {
    const { chunks } = this.#options;
    chunks.end();
    const { nextSequence } = chunks;
    const firstSequence = isReset ? nextSequence : chunks.firstNeeded(state.compactedIndex);
    // Deferred: the mark has made them void, and deleting many must not hold up what waits behind.
    if (chunks.drop(firstSequence)) void this.add({ type: 'delete', range: logKeysBefore(firstSequence) });
    return [markKey.key, encodeRecord(markKey, { ...state, firstSequence, nextSequence })];
  }

  #count(group: readonly Waiting[], milliseconds: number): void {
    const { statistics } = this;
    for (const { write } of group) {
      if (write.type !== 'batch') continue;
      statistics.batches += 1;
      statistics.entries += write.entryCount;
    }
    statistics.syncs += 1;
    statistics.syncMilliseconds += milliseconds;
    statistics.lastSyncMilliseconds = milliseconds;
    statistics.maxSyncMilliseconds = Math.max(statistics.maxSyncMilliseconds, milliseconds);
  }
}

function issue(store: IDBObjectStore, request: Request): void {
  if (request instanceof IDBKeyRange) store.delete(request);
  else store.put(request[1], request[0]);
}

function bytesOf(write: Write): number {
  if (write.type === 'batch') return write.payload.length;
  if (write.type === 'delete') return 0;
  let bytes = 0;
  for (const [, value] of write.records) bytes += value.length;
  return bytes;
}
