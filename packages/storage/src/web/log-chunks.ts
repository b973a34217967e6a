// The log as chunks: packed records of many batches under consecutive numbers. This file knows which chunks are there, grows the last one
// while it is small, and says from which one on they are needed. `write-queue.ts` writes what it hands out.
import { encodeRecord, logKey } from './records.ts';

/** Larger values are moved out of the database into files of their own by browsers, at a cost; a larger batch has a chunk to itself. */
const chunkBytes = 60 * 1024;
/** A chunk that was written is written again with more in it while it is no larger: few records, and little is written twice. */
const growableBytes = 8 * 1024;

export interface LogChunk {
  readonly sequence: number;
  /** The highest index of any entry in it; 0 for none. */
  lastIndex: number;
  bytes: number;
}

export class LogChunks {
  readonly #chunks: LogChunk[];
  #nextSequence: number;
  /** The last chunk while it may grow, and its batches. */
  #open: LogChunk | undefined;
  #batches: Uint8Array[] = [];
  /** Records that are not handed out yet. */
  #full: [IDBValidKey, Uint8Array][] = [];
  #isDirty = false;

  constructor(chunks: readonly LogChunk[], nextSequence: number) {
    this.#chunks = [...chunks];
    this.#nextSequence = nextSequence;
  }

  get count(): number {
    return this.#chunks.length;
  }

  get bytes(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk.bytes;
    return bytes;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Takes in one batch; `lastIndex` is 0 if it has no entries. */
  add(batch: Uint8Array, lastIndex: number): void {
    if (this.#open !== undefined && this.#open.bytes + batch.length > chunkBytes) this.end();
    if (this.#open === undefined) {
      this.#open = { sequence: this.#nextSequence, lastIndex: 0, bytes: 0 };
      this.#nextSequence += 1;
      this.#chunks.push(this.#open);
    }
    this.#batches.push(batch);
    this.#open.bytes += batch.length;
    this.#open.lastIndex = Math.max(this.#open.lastIndex, lastIndex);
    this.#isDirty = true;
  }

  /** What comes next begins a new chunk. */
  end(): void {
    this.#pack();
    this.#open = undefined;
    this.#batches = [];
  }

  /** The records that changed since the last call. */
  take(): [IDBValidKey, Uint8Array][] {
    this.#pack();
    if (this.#open !== undefined && this.#open.bytes > growableBytes) this.end();
    return this.#full.splice(0);
  }

  /** The open chunk as it is now, if it is not handed out yet. */
  #pack(): void {
    if (this.#open === undefined || !this.#isDirty) return;
    const key = logKey(this.#open.sequence);
    const capacityBytes = this.#open.bytes + 8 * this.#batches.length + 64;
    this.#full.push([key.key, encodeRecord(key, this.#batches, capacityBytes)]);
    this.#isDirty = false;
  }

  /** The first chunk that holds an entry after `compactedIndex`. */
  firstNeeded(compactedIndex: number): number {
    return this.#chunks.find((chunk) => chunk.lastIndex > compactedIndex)?.sequence ?? this.#nextSequence;
  }

  /** Forgets the chunks before this one; whether there were any. The open chunk must have ended. */
  drop(firstSequence: number): boolean {
    const kept = this.#chunks.findIndex((chunk) => chunk.sequence >= firstSequence);
    return this.#chunks.splice(0, kept === -1 ? this.#chunks.length : kept).length > 0;
  }
}
