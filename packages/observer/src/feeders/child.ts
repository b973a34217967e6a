// One tab that is fed from here: where it stands, and what it is sent next. As a member does it: changes as long as they are there, else the present state
// in pages with the changes to keys already sent in between; no more than a window ahead of what it consumed. Who may come is for `feeder.ts`.
import type { KeyRange, KeyValue } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import { decodeFeedChanges, defaultLimits, encodeFeedChanges, encodeFeedEntries } from '@raftkv/wire';
import type { LentCopy } from '../assembly.ts';
import type { FeedTail } from '../feed-tail.ts';
import type { Inflate } from '../inflate.ts';
import type { FeederClock } from './feeder-clock.ts';
import { merged, within } from './key-ranges.ts';
import { pieceBytes } from './peer-talk.ts';
import type { Piece } from './peer-talk.ts';
import type { Upload } from './upload.ts';

export interface ChildOptions {
  /** Undefined while there is none, or none that is whole. */
  readonly copy: () => LentCopy | undefined;
  readonly tail: FeedTail;
  readonly upload: Upload;
  readonly inflate: Inflate;
  readonly clock: FeederClock;
  /** Answers false when the way is full; `pump` is called when it is not any more. */
  readonly send: (piece: Piece) => boolean;
  /** Something is wrong in here. */
  readonly onFailed: (error: unknown) => void;
}

/** What it may have unconsumed. At the limit it is sent nothing more until it says that it consumed. */
const windowBytes = 1024 * 1024;
const pageBytes = 64 * 1024;
/** When the copy is behind its own feed, it is looked at again after this. */
const lookMilliseconds = 20;

export class Child {
  readonly #options: ChildOptions;
  #ranges: readonly KeyRange[] = [];
  /** Its keys are not all of the feeder's: what it is sent is taken apart and put together for it. */
  #isPart = false;
  #round = 0;
  /** Everything up to here was sent; in the middle of a snapshot, of the keys below `#next`. */
  #position = 0;
  #next: string | undefined;
  #isFirst = false;
  /** The snapshot that is being sent is of this one. */
  #paged: LentCopy | undefined;
  #sentBytes = 0;
  #consumedBytes = 0;
  #isFull = false;
  #isObserving = false;
  #isWorking = false;
  #isCalled = false;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  observe(wish: {
    readonly round: number;
    readonly from: number;
    readonly ranges: readonly KeyRange[];
    readonly isPart: boolean;
  }): void {
    this.#round = wish.round;
    this.#position = wish.from;
    this.#ranges = merged(wish.ranges);
    this.#isPart = wish.isPart;
    this.#isObserving = true;
    this.#next = undefined;
    if (wish.from === 0) this.#beginSnapshot();
    this.pump();
  }

  consumed(bytes: number): void {
    this.#consumedBytes = Math.min(this.#sentBytes, this.#consumedBytes + bytes);
    this.pump();
  }

  /** The way out is free again. */
  drained(): void {
    this.#isFull = false;
    this.pump();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  /** There may be something to send. */
  pump(): void {
    this.#isCalled = true;
    if (this.#isWorking || !this.#isObserving) return;
    this.#isWorking = true;
    this.#work()
      .catch((error: unknown) => this.#options.onFailed(error))
      .finally(() => (this.#isWorking = false));
  }

  async #work(): Promise<void> {
    while (this.#isCalled) {
      this.#isCalled = false;
      while (this.#hasRoom()) {
        const round = this.#round;
        const piece = await this.#take();
        if (piece === undefined || this.#isClosed) break;
        // It asked for something else meanwhile.
        if (round !== this.#round) continue;
        this.#sentBytes += pieceBytes(piece);
        this.#options.upload.spend(pieceBytes(piece));
        if (!this.#options.send(piece)) this.#isFull = true;
      }
    }
  }

  #hasRoom(): boolean {
    if (this.#isClosed || this.#isFull || this.#sentBytes - this.#consumedBytes >= windowBytes) return false;
    const delay = this.#options.upload.delay();
    if (delay > 0) this.#pumpIn(delay);
    return delay === 0;
  }

  #pumpIn(milliseconds: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.schedule(() => this.pump(), milliseconds);
  }

  #beginSnapshot(): void {
    this.#next = '';
    this.#isFirst = true;
    this.#paged = undefined;
  }

  async #take(): Promise<Piece | undefined> {
    const { tail, copy: present } = this.#options;
    const copy = present();
    if (copy === undefined) {
      this.#pumpIn(lookMilliseconds * 10);
      return undefined;
    }
    if (this.#next !== undefined && this.#paged !== undefined && this.#paged !== copy) this.#beginSnapshot();
    // A page shows the present of the copy, so what was sent before must be brought up to exactly that first.
    const end = this.#next === undefined ? tail.end : copy.revision;
    if (this.#position < end && !this.#isFirst) {
      const message = tail.after(this.#position);
      if (message !== undefined) {
        this.#position = message.revision;
        return this.#changes(message);
      }
      this.#beginSnapshot();
    }
    if (this.#next === undefined) return undefined;
    if (!this.#isFirst && copy.revision < this.#position) {
      this.#pumpIn(lookMilliseconds);
      return undefined;
    }
    return this.#page(copy, this.#next);
  }

  async #changes({ revision, isDeflated, payload }: FeedMessage): Promise<Piece> {
    const head = { type: 'changes', round: this.#round, revision } as const;
    if (!this.#isPart) return { ...head, isDeflated, payload };
    const ranges = this.#ranges;
    const raw = isDeflated ? await this.#options.inflate(payload, defaultLimits.maxFrameBytes) : payload;
    const changes = within(ranges, decodeFeedChanges(raw));
    return {
      ...head,
      isDeflated: false,
      payload: changes.length === 0 ? new Uint8Array(0) : encodeFeedChanges(changes),
    };
  }

  #page(copy: LentCopy, from: string): Piece {
    const entries: KeyValue[] = [];
    let bytes = 0;
    this.#next = undefined;
    this.#paged = copy;
    for (const range of this.#ranges) {
      if (range.to !== undefined && range.to <= from) continue;
      const start = range.from > from ? range.from : from;
      copy.walk({ from: start, to: range.to }, (entry) => {
        if (bytes >= pageBytes) {
          this.#next = entry.key;
          return false;
        }
        entries.push(entry);
        bytes += 32 + entry.key.length + entry.value.length;
        return true;
      });
      if (this.#next !== undefined) break;
    }
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    this.#position = copy.revision;
    const head = { type: 'snapshot', round: this.#round, isDeflated: false, revision: copy.revision } as const;
    return { ...head, isFirst, isDone: this.#next === undefined, payload: encodeFeedEntries(entries) };
  }
}
