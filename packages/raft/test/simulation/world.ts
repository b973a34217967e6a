// The machinery of a simulated world: virtual time, the events to come, the dice, and the trace. It knows nothing of Raft
// but the messages that events carry. Everything is drawn from one seed, in one order, so that a seed is a world.
import type { Message } from '../../src/index.ts';

export const UNITS_PER_TICK = 10;
const RECENT_LINES = 80;

export type Act =
  | 'tick'
  | 'persist'
  | 'apply'
  | 'readChunk'
  | 'writeChunk'
  | 'deliver'
  | 'client'
  | 'handOver'
  | 'change'
  | 'interrupt'
  | 'fault'
  | 'crash'
  | 'restart'
  | 'compact';

export interface Event {
  readonly time: number;
  readonly order: number;
  readonly act: Act;
  readonly member: number;
  readonly message: Message | undefined;
}

export class World {
  now = 0;
  eventCount = 0;
  /** From here on nothing fails, and progress is demanded. */
  isHealed = false;
  /** The last lines of the trace, for a failure's report. */
  readonly recent: string[] = [];
  readonly #queue: Event[] = [];
  readonly #scheduled: Set<Act>[] = [];
  #random: number;
  #order = 0;
  #hash = 0x811c9dc5;

  constructor(seed: number, memberCount = 0) {
    this.#random = seed | 0;
    for (let i = 0; i < memberCount; i++) this.admit();
  }

  /** One more member, whose number is the next one. */
  admit(): void {
    this.#scheduled.push(new Set<Act>());
  }

  /** Of the whole trace. */
  get traceHash(): number {
    return this.#hash >>> 0;
  }

  note(line: string): void {
    const stamped = `${this.now} ${line}`;
    for (let i = 0; i < stamped.length; i++) this.#hash = Math.imul(this.#hash ^ stamped.charCodeAt(i), 0x01000193);
    this.recent.push(stamped);
    if (this.recent.length > RECENT_LINES) this.recent.shift();
  }

  /** Moves time on to the next event. There always is one: ticks never end. */
  next(): Event {
    const event = this.#queue.pop()!;
    this.now = event.time;
    this.eventCount++;
    return event;
  }

  schedule(act: Act, member: number, delay: number): void {
    this.enqueue(act, member, delay, undefined);
  }

  /** Unless one of its kind is waiting already. */
  scheduleOnce(act: Act, member: number, delay: number): void {
    if (this.#scheduled[member]!.has(act)) return;
    this.#scheduled[member]!.add(act);
    this.schedule(act, member, delay);
  }

  /** What scheduleOnce was asked for has come. */
  begin(act: Act, member: number): void {
    this.#scheduled[member]!.delete(act);
  }

  /** Kept sorted, latest first, so that the next event is popped. */
  enqueue(act: Act, member: number, delay: number, message: Message | undefined): void {
    const event: Event = { time: this.now + delay, order: this.#order++, act, member, message };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle]!;
      if (other.time > event.time || (other.time === event.time && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
