// The segments of an open log: which are live, which entries each still holds, making the next one before it is needed, and
// releasing old ones. `wal.ts` writes into the active one; nothing here writes a frame.
import { RaftkvError } from '@raftkv/wire';
import { createSegment, segmentHeaderBytes, segmentName, spareSegmentName } from './segment.ts';
import type { Disk } from './disk.ts';
import type { DrawBytes } from './draw-bytes.ts';
import type { RecoveredLog } from './recovery.ts';
import type { OpenSegment } from './segment.ts';
import type { StorageIdentity } from './storage.ts';

export interface SegmentChainOptions {
  readonly disk: Disk;
  readonly identity: StorageIdentity;
  /** Full size of a segment; the first ones are smaller. A larger batch gets a segment of its own size. */
  readonly segmentBytes: number;
  readonly draw?: DrawBytes | undefined;
}

interface LiveSegment {
  readonly number: number;
  readonly segmentBytes: number;
  readonly salt: number;
  /** The highest index of any entry in it that is not void; 0 for none. */
  lastIndex: number;
}

const growth = 4;
/** Released segments kept to be written again: rewriting one costs a header, a new one costs its size in zeros. */
const maxSpares = 2;

export class SegmentChain {
  /** The one that frames go into. */
  active: LiveSegment;
  readonly #options: SegmentChainOptions;
  readonly #segments: LiveSegment[];
  readonly #spares: string[] = [];
  #next: Promise<OpenSegment> | undefined;

  private constructor(options: SegmentChainOptions, log: RecoveredLog) {
    const live = log.segments.slice(0, log.activePosition + 1);
    this.#options = options;
    this.#segments = live.map(({ number, segmentBytes, salt, lastIndex }) => {
      return { number, segmentBytes, salt, lastIndex };
    });
    this.active = this.#segments.at(-1)!;
  }

  static async open(options: SegmentChainOptions, log: RecoveredLog): Promise<SegmentChain> {
    const { disk } = options;
    const chain = new SegmentChain(options, log);
    const [prepared, ...surplus] = log.segments.slice(log.activePosition + 1);
    for (const { number } of surplus) await disk.unlink(segmentName(number));
    if (prepared !== undefined) {
      const { number, segmentBytes, salt, isRecycled } = prepared;
      const file = await disk.open(segmentName(number), 'write');
      chain.#next = Promise.resolve({ number, segmentBytes, salt, isRecycled, file });
    }
    return chain;
  }

  get count(): number {
    return this.#segments.length;
  }

  /** Bytes of all live segments before the active one. */
  get closedBytes(): number {
    let bytes = 0;
    for (const segment of this.#segments) if (segment !== this.active) bytes += segment.segmentBytes;
    return bytes;
  }

  /** A frame with entries up to `lastIndex` goes into the active segment; below 0, everything so far is void. */
  note(lastIndex: number): void {
    if (lastIndex > this.active.lastIndex) this.active.lastIndex = lastIndex;
    if (lastIndex < 0) for (const segment of this.#segments) segment.lastIndex = 0;
  }

  /** The first segment that is still needed when entries up to `compactedIndex` are not. */
  firstNeeded(compactedIndex: number): number {
    for (const segment of this.#segments) {
      if (segment === this.active || segment.lastIndex > compactedIndex) return segment.number;
    }
    return this.active.number;
  }

  /**
   * Unlinks older segments, or keeps some to be made into new ones. A durable mark must say before that they are not needed. A spare
   * counts only when its new name is durable: else a crash could show a segment under its old name with the header of another.
   */
  async release(firstNeeded: number): Promise<void> {
    const { disk } = this.#options;
    const spares: string[] = [];
    let hasChanged = false;
    while (this.#segments[0] !== this.active && this.#segments[0]!.number < firstNeeded) {
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

  /**
   * Starts making the next segment, unless it is there or on the way. A disk that is full may have room again when the segment is
   * needed: it is made anew then. Anything else, a failed sync above all, is not tried again (T38): `onFailure` hears of it at once.
   */
  prepareNext(onFailure: (error: RaftkvError) => void): void {
    if (this.#next !== undefined) return;
    this.#next = this.#create(0);
    this.#next.catch((error: unknown) => {
      const failure = RaftkvError.from(error, 'storage_failed');
      if (failure.code !== 'storage_full') onFailure(failure);
    });
  }

  /** The next segment, with room for `minBytes` behind its header. Made now if it is not there, is too small or failed. */
  async takeNext(minBytes: number): Promise<OpenSegment> {
    const needed = segmentHeaderBytes + minBytes;
    const prepared = await this.#next?.catch(() => undefined);
    this.#next = undefined;
    if (prepared !== undefined && prepared.segmentBytes >= needed) return prepared;
    await prepared?.file.close();
    return this.#create(needed);
  }

  /** Frames go into this one from now on. */
  begin({ number, segmentBytes, salt }: OpenSegment): void {
    this.active = { number, segmentBytes, salt, lastIndex: 0 };
    this.#segments.push(this.active);
  }

  async close(): Promise<void> {
    const next = await this.#next?.catch(() => undefined);
    await next?.file.close();
  }

  #create(minBytes: number): Promise<OpenSegment> {
    const { disk, identity, segmentBytes, draw } = this.#options;
    const number = this.active.number + 1;
    if (minBytes <= segmentBytes && this.#spares.length > 0) {
      return createSegment({ disk, identity, number, segmentBytes, draw, spareName: this.#spares.pop() });
    }
    const usual = Math.min(segmentBytes, this.active.segmentBytes * growth);
    const needed = Math.ceil(minBytes / segmentHeaderBytes) * segmentHeaderBytes;
    return createSegment({ disk, identity, number, draw, segmentBytes: Math.max(usual, needed) });
  }
}
