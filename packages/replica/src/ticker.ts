// Turns elapsed time into ticks. The core counts ticks; only this file knows that they are milliseconds. It copes with
// a stalled event loop (a long collection, a sleeping laptop, a hidden tab): missed ticks are never made up in a burst.
import type { Clock } from './clock.ts';

export interface TickerOptions {
  readonly tickMilliseconds: number;
  /** Most ticks for one wake-up; what is beyond is forgotten, as if this member had been frozen. */
  readonly maxTicksPerWakeup: number;
  /** A wake-up came so many milliseconds too late (0 and more). */
  readonly onLate?: (milliseconds: number) => void;
  /** Ticks are given by `takeDue` alone; a wake-up only says, with a count of 0, that it is time to ask. Default false. */
  readonly isAsked?: boolean;
}

export class Ticker {
  readonly #clock: Clock;
  readonly #options: TickerOptions;
  readonly #onTicks: (count: number) => void;
  #cancel: (() => void) | undefined;
  /** Up to when time was given in ticks, or forgotten. */
  #last = 0;
  #armedAt = 0;
  /** Longest time that a wake-up came too late since the start, in milliseconds. */
  maxStallMilliseconds = 0;

  constructor(clock: Clock, options: TickerOptions, onTicks: (count: number) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#onTicks = onTicks;
  }

  start(): void {
    this.#last = this.#clock.now();
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** For who must know now what time it is: the ticks that are due and were not given yet, which are given by this; and whether more were forgotten. */
  takeDue(): { readonly count: number; readonly isGap: boolean } {
    const { tickMilliseconds, maxTicksPerWakeup } = this.#options;
    const now = this.#clock.now();
    const count = Math.floor((now - this.#last) / tickMilliseconds);
    if (count > maxTicksPerWakeup) {
      this.#last = now;
      return { count: maxTicksPerWakeup, isGap: true };
    }
    this.#last += count * tickMilliseconds;
    return { count, isGap: false };
  }

  #arm(): void {
    this.#armedAt = this.#clock.now();
    this.#cancel = this.#clock.schedule(() => this.#wake(), this.#options.tickMilliseconds);
  }

  #wake(): void {
    const { tickMilliseconds, maxTicksPerWakeup, isAsked = false } = this.#options;
    const now = this.#clock.now();
    const stall = now - this.#armedAt - tickMilliseconds;
    if (stall > this.maxStallMilliseconds) this.maxStallMilliseconds = stall;
    this.#options.onLate?.(Math.max(0, stall));
    if (isAsked) {
      this.#arm();
      this.#onTicks(0);
      return;
    }
    const due = Math.floor((now - this.#last) / tickMilliseconds);
    if (due > maxTicksPerWakeup) {
      // The race: (1) the loop stalls for longer than an election timeout; (2) the leader's heartbeats wait in the
      // socket meanwhile; (3) timers run before sockets are read, so the ticks would start an election against a leader
      // that is well. So the ticks wait until the events that are already queued were handled, and are few.
      this.#last = now;
      this.#cancel = undefined;
      let isStopped = false;
      this.#cancel = () => {
        isStopped = true;
      };
      this.#clock.defer(() => {
        if (isStopped) return;
        this.#arm();
        this.#onTicks(maxTicksPerWakeup);
      });
      return;
    }
    this.#last += due * tickMilliseconds;
    this.#arm();
    if (due > 0) this.#onTicks(due);
  }
}
