// What waits in a relay for one member: a lane for each sender, what is urgent ahead of what is large, one piece of each in turn, and only as fast as the
// sender may send. Senders that keep to the rules have little under way, so a lane that grows long is one of somebody who does not.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { TransportClock } from '../clock.ts';

/** Each frame counts for this much more than its bytes, so that many small ones are no way round a limit. */
const frameOverheadBytes = 64;
/** A rate may be passed for so long after a rest. */
const burstSeconds = 0.5;

/** So many bytes a second: who has used up its own waits. And so many that wait: who has more under way is refused. */
export class Allowance {
  /** That wait, in all lanes together. */
  heldBytes = 0;
  readonly maxHeldBytes: number;
  readonly #bytesPerSecond: number;
  readonly #clock: TransportClock;
  #left: number;
  #lookedAt: number;

  constructor(bytesPerSecond: number, maxHeldBytes: number, clock: TransportClock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.maxHeldBytes = maxHeldBytes;
    this.#clock = clock;
    this.#left = bytesPerSecond * burstSeconds;
    this.#lookedAt = clock.now();
  }

  /** Until something may be sent; 0 = now. */
  get waitMilliseconds(): number {
    const now = this.#clock.now();
    const gained = (this.#bytesPerSecond * (now - this.#lookedAt)) / 1000;
    this.#left = Math.min(this.#bytesPerSecond * burstSeconds, this.#left + gained);
    this.#lookedAt = now;
    return this.#left > 0 ? 0 : Math.ceil((-this.#left / this.#bytesPerSecond) * 1000) + 1;
  }

  /** May go below nothing by one frame. */
  use(bytes: number): void {
    this.#left -= bytes;
  }
}

interface Lane {
  readonly allowance: Allowance;
  readonly urgent: Uint8Array[];
  readonly bulk: Uint8Array[];
  bytes: number;
}

export interface RelayLanesOptions {
  readonly channel: Channel;
  readonly clock: TransportClock;
  /** Of the relay as a whole. */
  readonly total: Allowance;
  /** Of one sender's; more is refused with `busy`. */
  readonly maxLaneBytes: number;
  readonly onSent: (bytes: number) => void;
}

export class RelayLanes {
  readonly #options: RelayLanesOptions;
  /** By sender, in the order of whose turn it is. */
  readonly #lanes = new Map<string, Lane>();
  #isFull = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: RelayLanesOptions) {
    this.#options = options;
  }

  /** Throws `busy` when this sender has too much under way. */
  add(from: string, frame: Uint8Array, isUrgent: boolean, allowance: Allowance): void {
    const lane = this.#lanes.get(from) ?? { allowance, urgent: [], bulk: [], bytes: 0 };
    const bytes = frame.length + frameOverheadBytes;
    if (lane.bytes + bytes > this.#options.maxLaneBytes || isOver(allowance, bytes)) {
      throw new RaftkvError('busy', `${from} sends more than is taken`);
    }
    if (isOver(this.#options.total, bytes))
      throw new RaftkvError('busy', 'this relay has more to pass on than it may hold');
    this.#hold(lane, bytes);
    (isUrgent ? lane.urgent : lane.bulk).push(frame);
    this.#lanes.set(from, lane);
    this.#pump();
  }

  /** That sender left: nobody waits for what it said. */
  forget(from: string): void {
    const lane = this.#lanes.get(from);
    if (lane === undefined) return;
    this.#hold(lane, -lane.bytes);
    this.#lanes.delete(from);
  }

  /** The channel takes more again. */
  drained(): void {
    this.#isFull = false;
    this.#pump();
  }

  stop(): void {
    for (const from of [...this.#lanes.keys()]) this.forget(from);
    this.#cancelTimer?.();
  }

  #hold(lane: Lane, bytes: number): void {
    lane.bytes += bytes;
    lane.allowance.heldBytes += bytes;
    this.#options.total.heldBytes += bytes;
  }

  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (!this.#isFull && this.#lanes.size > 0) {
      const waitMilliseconds = this.#sendNext();
      if (waitMilliseconds === 0) continue;
      this.#cancelTimer = this.#options.clock.schedule(() => this.#pump(), waitMilliseconds);
      return;
    }
  }

  /** One frame of the next one in turn that may send; or how long nobody may. */
  #sendNext(): number {
    const { total, channel, onSent } = this.#options;
    const waitForAll = total.waitMilliseconds;
    if (waitForAll > 0) return waitForAll;
    let shortest = Infinity;
    for (const [from, lane] of this.#lanes) {
      const wait = lane.allowance.waitMilliseconds;
      shortest = Math.min(shortest, wait);
      if (wait > 0) continue;
      const frame = lane.urgent.shift() ?? lane.bulk.shift();
      this.#lanes.delete(from);
      if (frame === undefined) return 0;
      const bytes = frame.length + frameOverheadBytes;
      this.#hold(lane, -bytes);
      // To the end of the row.
      if (lane.urgent.length + lane.bulk.length > 0) this.#lanes.set(from, lane);
      lane.allowance.use(bytes);
      total.use(bytes);
      onSent(frame.length);
      this.#isFull = !channel.send(frame);
      return 0;
    }
    return shortest;
  }
}

function isOver({ heldBytes, maxHeldBytes }: Allowance, bytes: number): boolean {
  return heldBytes + bytes > maxHeldBytes;
}
