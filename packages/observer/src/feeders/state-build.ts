// A whole state while a feeder brings it: the copy that is being made, and what it may cost before a member has vouched for it, in bytes and in time. What is
// in it is compared by `vetting.ts`.
import type { Change, KeyValue } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { Copy } from '../copy.ts';
import type { FeederClock } from './feeder-clock.ts';

/** A snapshot comes at this rate at least, inflated, once it has had a while to begin … */
const leastBytesPerSecond = 16 * 1024;
const beginMilliseconds = 5_000;
/** … and is whole and vouched for after so long, and what all that the member has takes at that rate. */
const stateMilliseconds = 30_000;
/** A copy may be larger than what the member has said by so much: it was written to meanwhile. */
const sizeFactor = 2;
const sizeSlackBytes = 16 * 1024 * 1024;
/** What an entry costs besides its bytes; the member has told only these, and theirs are few at times. */
const entryBytes = 64;
const entryFactor = 16;
/** What comes may be more than what stays by so much. */
const cameFactor = 4;
const cameSlackBytes = 64 * 1024 * 1024;

export class StateBuild {
  #copy: Copy | undefined;
  readonly #clock: Pick<FeederClock, 'now'>;
  readonly #memberBytes: number;
  readonly #startedAt: number;
  #inflatedBytes = 0;

  /** `memberBytes`: of all keys and values that the member has. */
  constructor(memberBytes: number, clock: Pick<FeederClock, 'now'>) {
    this.#memberBytes = memberBytes;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Throws `bad_frame` while none was begun. */
  get copy(): Copy {
    if (this.#copy === undefined) throw new RaftkvError('bad_frame', 'a snapshot that has no beginning');
    return this.#copy;
  }
  get isBegun(): boolean {
    return this.#copy !== undefined;
  }

  /** Of no keys, again. */
  begin(): void {
    this.#copy = new Copy({ isOfAllKeys: false });
  }

  addEntries(entries: readonly KeyValue[]): void {
    this.copy.addEntries(entries);
  }

  apply(changes: readonly Change[]): void {
    this.copy.applyWhileBuilding(changes);
  }

  /** Another piece came, and is in it. Throws `frame_too_large` for more than the members can have, `timeout` for what does not come to an end. */
  count(inflatedBytes: number): void {
    this.#inflatedBytes += inflatedBytes;
    const { bytes: copied, size } = this.#copy ?? { bytes: 0, size: 0 };
    const isTooLarge =
      copied > this.#memberBytes * sizeFactor + sizeSlackBytes ||
      size * entryBytes > this.#memberBytes * entryFactor + cameSlackBytes;
    if (isTooLarge) throw new RaftkvError('frame_too_large', 'the feeder brings more than the members have');
    // Of what was inflated all may be held by the little that stays.
    if (this.#inflatedBytes > this.#memberBytes * cameFactor + size * entryBytes + cameSlackBytes) {
      throw new RaftkvError('timeout', 'the feeder does not come to an end');
    }
    this.expectTime();
  }

  /** Throws `timeout` when it comes too slowly. For as long as the feeder has something to bring. */
  expectRate(): void {
    const took = this.#clock.now() - this.#startedAt;
    if (took > beginMilliseconds && (this.#inflatedBytes * 1000) / took < leastBytesPerSecond) throw tooSlow();
  }

  /** Throws `timeout` when it has taken too long. */
  expectTime(): void {
    const longest = stateMilliseconds + (this.#memberBytes * 1000) / leastBytesPerSecond;
    if (this.#clock.now() - this.#startedAt > longest) throw tooSlow();
  }
}

function tooSlow(): RaftkvError {
  return new RaftkvError('timeout', 'the feeder is too slow');
}
