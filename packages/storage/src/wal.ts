// The write-ahead log while it is open: group commit, rolling from segment to segment, and fail-stop. One write and sync is in
// flight at any time. `recovery.ts` reads what is written here; `file-storage.ts` decides what to write.
import { RaftkvError } from '@raftkv/wire';
import { FrameGroup } from './frame-group.ts';
import { frameBytes, frameHeaderBytes, frameTypes, maxPayloadBytes, sealFrame } from './frame.ts';
import { viewOf } from './file-format.ts';
import { segmentHeaderBytes, segmentName } from './segment.ts';
import { SegmentChain } from './segment-chain.ts';
import type { DiskFile } from './disk.ts';
import type { PendingFrame } from './frame-group.ts';
import type { RecoveredLog } from './recovery.ts';
import type { SegmentChainOptions } from './segment-chain.ts';

export interface WalOptions extends SegmentChainOptions {
  /** Bytes that may wait for the disk; at the limit `checkRoom` throws `busy`. */
  readonly maxQueuedBytes: number;
  readonly syncWrites: boolean;
  readonly now: () => number;
  /** Called once, with what killed the log. */
  readonly onFailure: (error: RaftkvError) => void;
}

export interface WalStatistics {
  syncs: number;
  batches: number;
  entries: number;
  syncMilliseconds: number;
  lastSyncMilliseconds: number;
  maxSyncMilliseconds: number;
}

export class Wal {
  readonly statistics: WalStatistics = {
    syncs: 0,
    batches: 0,
    entries: 0,
    syncMilliseconds: 0,
    lastSyncMilliseconds: 0,
    maxSyncMilliseconds: 0,
  };
  failure: RaftkvError | undefined;
  readonly #options: WalOptions;
  readonly #chain: SegmentChain;
  #file: DiskFile;
  #offset: number;
  #sequence: number;
  /** The highest sequence known to be durable. */
  #floor: number;
  /** Whether the last frame says that all before it is durable, so that `close` need not say it again. */
  #endsWithFloor: boolean;
  #pending = new FrameGroup();
  #spare = new FrameGroup();
  #inFlight: FrameGroup | undefined;
  #isScheduled = false;
  #idle: Promise<void> = Promise.resolve();

  private constructor(options: WalOptions, log: RecoveredLog, chain: SegmentChain, file: DiskFile) {
    const { endOffset, frames } = log.segments[log.activePosition]!;
    this.#options = options;
    this.#chain = chain;
    this.#file = file;
    this.#offset = endOffset;
    this.#sequence = log.lastSequence;
    this.#floor = log.lastSequence;
    this.#endsWithFloor = log.lastSequence === 0 || frames.at(-1)?.type === frameTypes.floor;
  }

  /** Goes on where a mended log ends. */
  static async open(options: WalOptions, log: RecoveredLog): Promise<Wal> {
    const chain = await SegmentChain.open(options, log);
    return new Wal(options, log, chain, await options.disk.open(segmentName(chain.active.number), 'write'));
  }

  get segmentCount(): number {
    return this.#chain.count;
  }

  /** Bytes of frames and headers in all live segments. */
  get logBytes(): number {
    return this.#chain.closedBytes + this.#offset;
  }

  /** Resolves when the frame, and so every earlier one, is durable. Throws `busy` or `batch_too_large` and takes nothing. */
  append(frame: PendingFrame): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const group = this.#pending;
    group.add(frame);
    if (this.#options.syncWrites || frame.type === frameTypes.mark || frame.type === frameTypes.floor)
      group.mustSync = true;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      // What is appended before this turn ends joins the group.
      queueMicrotask(() => {
        this.#idle = this.#drain();
      });
    }
    return group.promise;
  }

  /** Throws unless a payload of this size can be taken now. */
  checkRoom(payloadBytes: number): void {
    if (payloadBytes > maxPayloadBytes) {
      throw new RaftkvError('batch_too_large', `a batch of ${payloadBytes} bytes; the limit is ${maxPayloadBytes}`);
    }
    const queued = this.#pending.length + (this.#inFlight?.length ?? 0);
    if (queued > 0 && queued + payloadBytes > this.#options.maxQueuedBytes) {
      throw new RaftkvError('busy', `${queued} bytes wait for the disk; the limit is ${this.#options.maxQueuedBytes}`);
    }
  }

  /** See SegmentChain. */
  firstNeededSegment(compactedIndex: number): number {
    return this.#chain.firstNeeded(compactedIndex);
  }

  /** See SegmentChain: only after a durable mark. */
  release(firstNeeded: number): Promise<void> {
    return this.#chain.release(firstNeeded);
  }

  /** Stops the log: whatever is open or comes later rejects with `error`. */
  fail(error: RaftkvError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.#inFlight?.reject(error);
    this.#pending.reject(error);
    this.#options.onFailure(error);
  }

  /** Writes what waits, records on disk that all of it is durable, and closes the files. */
  async close(): Promise<void> {
    await this.#settled();
    await this.#writeFloor();
    await this.#file.close();
    await this.#chain.close();
  }

  async #writeFloor(): Promise<void> {
    if (this.failure !== undefined || this.#endsWithFloor) return;
    try {
      // Two steps: the frame proves only what was durable before it was written.
      if (this.#floor < this.#sequence) await this.#file.sync();
      this.#floor = this.#sequence;
      await this.append({ type: frameTypes.floor, payload: new Uint8Array(0), lastIndex: 0, entryCount: 0 });
    } catch (error) {
      this.fail(RaftkvError.from(error, 'storage_failed'));
    }
  }

  async #settled(): Promise<void> {
    while (this.#isScheduled) {
      // One turn, so that a drain that is only scheduled has begun.
      await Promise.resolve();
      await this.#idle;
    }
  }

  /** Writes group after group until nothing waits. Never rejects. */
  async #drain(): Promise<void> {
    while (this.#pending.count > 0 && this.failure === undefined) {
      const group = this.#pending;
      this.#pending = this.#spare;
      this.#inFlight = group;
      try {
        await this.#writeGroup(group);
      } catch (error) {
        this.fail(RaftkvError.from(error, 'storage_failed'));
        break;
      }
      this.#inFlight = undefined;
      this.statistics.batches += group.count;
      this.statistics.entries += group.entryCount;
      group.resolve();
      group.recycle();
      this.#spare = group;
    }
    this.#isScheduled = false;
  }

  async #writeGroup(group: FrameGroup): Promise<void> {
    let from = 0;
    while (from < group.count) {
      const start = group.offsets[from]!;
      // Room for the seal is always left.
      const room = this.#chain.active.segmentBytes - this.#offset - frameHeaderBytes;
      let to = from;
      while (to < group.count && group.endOf(to) - start <= room) to += 1;
      if (to === from) {
        await this.#roll(group.endOf(from) - start);
        continue;
      }
      this.#sealFrames(group, from, to);
      await this.#write(group.bytes.subarray(start, group.endOf(to - 1)), group.mustSync);
      from = to;
    }
    // Early enough to be there when it is needed.
    if (this.#offset * 2 >= this.#chain.active.segmentBytes) this.#chain.prepareNext((error) => this.fail(error));
  }

  #sealFrames(group: FrameGroup, from: number, to: number): void {
    const { salt } = this.#chain.active;
    const floor = this.#floor;
    for (let i = from; i < to; i += 1) {
      const type = group.types[i]!;
      const payloadBytes = group.payloadBytes[i]!;
      this.#sequence += 1;
      sealFrame(group.bytes, group.view, group.offsets[i]!, {
        type,
        payloadBytes,
        sequence: this.#sequence,
        floor,
        salt,
      });
      this.#chain.note(group.lastIndexes[i]!);
    }
    this.#endsWithFloor = group.types[to - 1] === frameTypes.floor;
  }

  async #write(bytes: Uint8Array, mustSync: boolean): Promise<void> {
    if (!mustSync) {
      await this.#file.write(this.#offset, bytes);
      this.#offset += bytes.length;
      return;
    }
    const before = this.#options.now();
    await this.#file.writeDurable(this.#offset, bytes);
    this.#countSync(this.#options.now() - before);
    this.#offset += bytes.length;
    this.#floor = this.#sequence;
  }

  #countSync(milliseconds: number): void {
    const { statistics } = this;
    statistics.syncs += 1;
    statistics.syncMilliseconds += milliseconds;
    statistics.lastSyncMilliseconds = milliseconds;
    if (milliseconds > statistics.maxSyncMilliseconds) statistics.maxSyncMilliseconds = milliseconds;
  }

  /** Begins the next segment. The old one is sealed durably first: whoever reads the seal knows that a segment must follow. */
  async #roll(neededBytes: number): Promise<void> {
    const next = await this.#chain.takeNext(neededBytes + frameHeaderBytes);
    const seal = new Uint8Array(frameBytes(0));
    this.#sequence += 1;
    const { salt } = this.#chain.active;
    const floor = this.#floor;
    sealFrame(seal, viewOf(seal), 0, { type: frameTypes.seal, payloadBytes: 0, sequence: this.#sequence, floor, salt });
    await this.#write(seal, true);
    await this.#file.close();
    this.#file = next.file;
    this.#offset = segmentHeaderBytes;
    this.#chain.begin(next);
  }
}
