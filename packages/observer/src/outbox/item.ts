// One kept write while the page lives: its record, how far it has come, and whom to tell. A bag of state; `keeper.ts` and `delivery.ts` change it.
import type { Key, KeyRange } from '@raftkv/kv';
import type { RaftkvError } from '@raftkv/wire';
import type { WriteTeller } from '@raftkv/client/live';
import type { KeptWrite, WriteMark } from '@raftkv/storage';
import type { Lane } from './lane.ts';

/** What a record takes besides its command. */
const overheadBytes = 64;

/** What a write writes or depends on. */
export interface Reach {
  readonly keys: ReadonlySet<Key>;
  readonly ranges: readonly KeyRange[];
}

export class Item {
  readonly teller: WriteTeller;
  record: KeptWrite;
  /** Once it is in one. */
  lane!: Lane;
  /** Resolves when it is on the disk. */
  kept: Promise<void> = Promise.resolve();
  /** Durable before it is first sent. */
  mark: WriteMark | undefined = undefined;
  /** An earlier life of the page may have sent it: only the store knows its fate. */
  isOld = false;
  isDiscarded = false;
  /** The store has said how it ended. */
  isAnswered = false;
  /** It is on the disk. */
  isKept = false;
  /** Another is being kept in its place. */
  isBeingReplaced = false;
  /** What was made later on the same keys went before it: it may not go by itself any more. */
  isOvertaken = false;
  /** It ended badly, and waits for the app. */
  failure: RaftkvError | undefined = undefined;

  readonly reach: Reach;

  constructor(record: Omit<KeptWrite, 'number'>, reach: Reach, teller: WriteTeller) {
    this.record = { ...record, number: 0 };
    this.reach = reach;
    this.teller = teller;
  }

  /** When it was made, among other writes. */
  get at(): number {
    return this.record.keptAt;
  }

  get bytes(): number {
    return this.record.command.length + overheadBytes;
  }

  /** How it ends is not known. */
  get isOpen(): boolean {
    return this.failure === undefined && !this.isDiscarded && !this.isAnswered;
  }

  /** It was sent, or is about to be. */
  get isSent(): boolean {
    return this.mark !== undefined && this.failure === undefined;
  }

  enter(lane: Lane, number: number): void {
    this.lane = lane;
    lane.count += 1;
    this.record = { ...this.record, number };
  }
}
