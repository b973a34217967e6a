// The write-ahead log while it is open: group commit, rolling from segment to segment, and fail-stop. One write and sync is in
// flight at any time. `recovery.ts` reads what is written here; `file-storage.ts` decides what to write.
import { RaftkvError } from '@raftkv/wire';
import { FrameGroup } from './frame-group.ts';
import { frameBytes, frameHeaderBytes, frameTypes, maxPayloadBytes, sealFrame } from './frame.ts';
import { viewOf } from './file-format.ts';
import { createSegment, segmentHeaderBytes, segmentName, spareSegmentName } from './segment.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { PendingFrame } from './frame-group.ts';
import type { RecoveredLog } from './recovery.ts';
import type { OpenSegment } from './segment.ts';
import type { StorageIdentity } from './storage.ts';

export interface WalOptions {
  readonly disk: Disk;
  readonly identity: StorageIdentity;
  /** Full size of a segment; the first ones are smaller. A larger batch gets a segment of its own size. */
  readonly segmentBytes: number;
  /** Bytes that may wait for the disk; at the limit `append` throws `busy` and takes nothing. */
  readonly maxQueuedBytes: number;
  readonly syncWrites: boolean;
  /** Called once, with what killed the log. */
  readonly onFailure: (error: RaftkvError) => void;
}

interface LiveSegment {
  readonly number: number;
  readonly segmentBytes: number;
  readonly salt: number;
  lastIndex: number;
}

export interface WalStatistics {
  syncs: number;
  batches: number;
  entries: number;
  syncMilliseconds: number;
  lastSyncMilliseconds: number;
  maxSyncMilliseconds: number;
}

const growth = 4;
/** Released segments kept to be written again: rewriting one costs a header, a new one costs its size in zeros. */
const maxSpares = 2;

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
  readonly #segments: LiveSegment[];
  #active: LiveSegment;
  #file: DiskFile;
  #offset: number;
  #next: Promise<OpenSegment> | undefined;
  readonly #spares: string[] = [];
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

  private constructor(options: WalOptions, log: RecoveredLog, file: DiskFile) {
    const live = log.segments.slice(0, log.activePosition + 1);
    this.#options = options;
    this.#segments = live.map(({ number, segmentBytes, salt, lastIndex }) => ({
      number,
      segmentBytes,
      salt,
      lastIndex,
    }));
    this.#active = this.#segments.at(-1)!;
    this.#file = file;
    this.#offset = log.segments[log.activePosition]!.endOffset;
    this.#sequence = log.lastSequence;
    this.#floor = log.lastSequence;
    this.#endsWithFloor = log.lastSequence === 0 || live.at(-1)!.frames.at(-1)?.type === frameTypes.floor;
  }

  /** Goes on where a mended log ends. */
  static async open(options: WalOptions, log: RecoveredLog): Promise<Wal> {
    const { disk } = options;
    const active = log.segments[log.activePosition]!;
    const wal = new Wal(options, log, await disk.open(segmentName(active.number), 'write'));
    const [prepared, ...surplus] = log.segments.slice(log.activePosition + 1);
    for (const { number } of surplus) await disk.unlink(segmentName(number));
    if (prepared !== undefined) {
      const { number, segmentBytes, salt, isRecycled } = prepared;
      const file = await disk.open(segmentName(number), 'write');
      wal.#next = Promise.resolve({ number, segmentBytes, salt, isRecycled, file });
    }
    return wal;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Bytes of frames and headers in all live segments. */
  get logBytes(): number {
    let bytes = this.#offset;
    for (const segment of this.#segments) if (segment !== this.#active) bytes += segment.segmentBytes;
    return bytes;
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

  /** The first segment that is still needed when entries up to `compactedIndex` are not. */
  firstNeededSegment(compactedIndex: number): number {
    for (const segment of this.#segments) {
      if (segment === this.#active || segment.lastIndex > compactedIndex) return segment.number;
    }
    return this.#active.number;
  }

  /**
   * Unlinks older segments, or keeps some to be made into new ones. A durable mark must say before that they are not needed. A spare
   * counts only when its new name is durable: else a crash could show a segment under its old name with the header of another.
   */
  async release(firstNeeded: number): Promise<void> {
    const { disk } = this.#options;
    const spares: string[] = [];
    let hasChanged = false;
    while (this.#segments[0] !== this.#active && this.#segments[0]!.number < firstNeeded) {
      const { number, segmentBytes } = this.#segments.shift()!;
      hasChanged = true;
      if (segmentBytes === this.#options.segmentBytes && this.#spares.length + spares.length < maxSpares) {
        spares.push(spareSegmentName(number));
        await disk.rename(segmentName(number), spareSegmentName(number));
      } else {
        await disk.unlink(segmentName(number));
      }
    }
    if (hasChanged) await disk.syncDirectory();
    this.#spares.push(...spares);
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
    const next = await this.#next?.catch(() => undefined);
    await next?.file.close();
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
      const room = this.#active.segmentBytes - this.#offset - frameHeaderBytes;
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
    this.#prepareNext();
  }

  #sealFrames(group: FrameGroup, from: number, to: number): void {
    const { salt } = this.#active;
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
      this.#note(group.lastIndexes[i]!);
    }
    this.#endsWithFloor = group.types[to - 1] === frameTypes.floor;
  }

  #note(lastIndex: number): void {
    if (lastIndex > this.#active.lastIndex) this.#active.lastIndex = lastIndex;
    if (lastIndex < 0) for (const segment of this.#segments) segment.lastIndex = 0;
  }

  async #write(bytes: Uint8Array, mustSync: boolean): Promise<void> {
    if (!mustSync) {
      await this.#file.write(this.#offset, bytes);
      this.#offset += bytes.length;
      return;
    }
    const before = performance.now();
    await this.#file.writeDurable(this.#offset, bytes);
    this.#countSync(performance.now() - before);
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
    const next = await this.#takeNext(segmentHeaderBytes + neededBytes + frameHeaderBytes);
    const seal = new Uint8Array(frameBytes(0));
    this.#sequence += 1;
    const { salt } = this.#active;
    const floor = this.#floor;
    sealFrame(seal, viewOf(seal), 0, { type: frameTypes.seal, payloadBytes: 0, sequence: this.#sequence, floor, salt });
    await this.#write(seal, true);
    await this.#file.close();
    this.#file = next.file;
    this.#offset = segmentHeaderBytes;
    this.#active = { number: next.number, segmentBytes: next.segmentBytes, salt: next.salt, lastIndex: 0 };
    this.#segments.push(this.#active);
  }

  /** Starts making the next segment when half of this one is used, so that it is there before it is needed. */
  #prepareNext(): void {
    if (this.#next !== undefined || this.#offset * 2 < this.#active.segmentBytes) return;
    this.#next = this.#create(0);
    // Heard of when the segment is needed; a disk that was full may have room again by then.
    this.#next.catch(() => undefined);
  }

  async #takeNext(minBytes: number): Promise<OpenSegment> {
    const prepared = await this.#next?.catch(() => undefined);
    this.#next = undefined;
    if (prepared !== undefined && prepared.segmentBytes >= minBytes) return prepared;
    await prepared?.file.close();
    return this.#create(minBytes);
  }

  #create(minBytes: number): Promise<OpenSegment> {
    const { disk, identity, segmentBytes } = this.#options;
    const number = this.#active.number + 1;
    if (minBytes <= segmentBytes && this.#spares.length > 0) {
      return createSegment({ disk, identity, number, segmentBytes, spareName: this.#spares.pop() });
    }
    const usual = Math.min(segmentBytes, this.#active.segmentBytes * growth);
    const needed = Math.ceil(minBytes / segmentHeaderBytes) * segmentHeaderBytes;
    return createSegment({ disk, identity, number, segmentBytes: Math.max(usual, needed) });
  }
}
