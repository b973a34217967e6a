// Frames that wait for the disk together: what queues while one sync is in flight becomes the next group, one write and one
// sync for all. Holds payloads at their place in one buffer; `wal.ts` fills in the headers when it knows the segment.
import { frameBytes, frameHeaderBytes } from './frame.ts';
import { viewOf } from './file-format.ts';
import type { FrameType } from './frame.ts';

const initialBytes = 256 * 1024;
/** A buffer that grew beyond this for one burst is let go afterwards. */
const keptBytes = 8 * 1024 * 1024;

export interface PendingFrame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
  /** The highest entry index in it, 0 for none, or -1: all entries so far are void. */
  readonly lastIndex: number;
  readonly entryCount: number;
}

export class FrameGroup {
  bytes = new Uint8Array(initialBytes);
  view = viewOf(this.bytes);
  count = 0;
  length = 0;
  entryCount = 0;
  /** Synced even if the log is not synced otherwise. */
  mustSync = false;
  readonly types: FrameType[] = [];
  readonly offsets: number[] = [];
  readonly payloadBytes: number[] = [];
  readonly lastIndexes: number[] = [];
  #settle = makeSettle();

  /** Resolves when the group is durable; shared by all its frames. */
  get promise(): Promise<void> {
    return this.#settle.promise;
  }

  add({ type, payload, lastIndex, entryCount }: PendingFrame): void {
    const start = this.length;
    const size = frameBytes(payload.length);
    this.#reserve(start + size);
    this.bytes.set(payload, start + frameHeaderBytes);
    // Padding is part of what the checksum covers.
    this.bytes.fill(0, start + frameHeaderBytes + payload.length, start + size);
    this.types.push(type);
    this.offsets.push(start);
    this.payloadBytes.push(payload.length);
    this.lastIndexes.push(lastIndex);
    this.count += 1;
    this.entryCount += entryCount;
    this.length = start + size;
  }

  /** Where frame `i` ends in the buffer. */
  endOf(i: number): number {
    return i + 1 < this.count ? this.offsets[i + 1]! : this.length;
  }

  resolve(): void {
    this.#settle.resolve();
  }

  reject(error: unknown): void {
    this.#settle.reject(error);
  }

  /** Empty again, for the next round. */
  recycle(): void {
    this.#settle = makeSettle();
    this.count = 0;
    this.length = 0;
    this.entryCount = 0;
    this.mustSync = false;
    this.types.length = 0;
    this.offsets.length = 0;
    this.payloadBytes.length = 0;
    this.lastIndexes.length = 0;
    if (this.bytes.length > keptBytes) this.#use(new Uint8Array(initialBytes));
  }

  #reserve(needed: number): void {
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.#use(grown);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

interface Settle {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function makeSettle(): Settle {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A caller that does not wait still hears of a failure through onFailure; it must not crash the process as unhandled.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
