// Time as this member's core sees it: its ticks, and what it must be told beside them. That the event loop stalls again and again, so that
// a leader hands over (T13); and, where reads are served under leases, that ticks do not count all the time that passed, before any read
// is served by them (T17). Called by the replica.
import type { Input } from '@raftkv/raft';
import type { Clock } from './clock.ts';
import { StallWatch } from './stall-watch.ts';
import { Ticker } from './ticker.ts';

export interface PulseOptions {
  readonly tickMilliseconds: number;
  readonly electionTimeoutTicks: number;
  readonly hasLeases: boolean;
}

export class Pulse {
  readonly #clock: Clock;
  readonly #tickMilliseconds: number;
  readonly #hasLeases: boolean;
  readonly #ticker: Ticker;
  /** Wall time less monotonic time: it changes when the wall clock is set, and when a machine slept while its monotonic clock stood still. */
  #offset = 0;

  constructor(clock: Clock, options: PulseOptions, post: (input: Input) => void, onTicks: (count: number) => void) {
    const { tickMilliseconds, electionTimeoutTicks } = options;
    this.#clock = clock;
    this.#tickMilliseconds = tickMilliseconds;
    this.#hasLeases = options.hasLeases;
    const stalls = new StallWatch(electionTimeoutTicks * tickMilliseconds, () => post({ type: 'unwell' }));
    this.#ticker = new Ticker(
      clock,
      {
        tickMilliseconds,
        // At most a quarter of an election timeout at once: a member that slept must hear its leader before it campaigns.
        maxTicksPerWakeup: Math.max(1, Math.floor(electionTimeoutTicks / 4)),
        onLate: (milliseconds) => stalls.late(milliseconds, clock.now()),
        // The race: (1) a heartbeat is read and waits for its turn; (2) the timer fires late and queues ticks behind it; (3) the core counts
        // them to the promise that the heartbeat began, which then ends too soon. So with leases ticks are given when a turn begins.
        isAsked: options.hasLeases,
      },
      onTicks,
    );
  }

  get maxStallMilliseconds(): number {
    return this.#ticker.maxStallMilliseconds;
  }

  start(): void {
    this.#offset = this.#wallOffset();
    this.#ticker.start();
  }

  stop(): void {
    this.#ticker.stop();
  }

  /**
   * With leases, in each turn before messages are taken in and again before reads are: the core counts the ticks that are due by now, and
   * hears if there are more than it may count. Timers are late when the loop is busy: a leader's lease must not last longer for that,
   * nor a voter's promise shorter. Ticks of before a message came are never counted after it.
   */
  catchUp(step: (input: Input) => void): void {
    if (!this.#hasLeases) return;
    const { count, isGap } = this.#ticker.takeDue();
    const offset = this.#wallOffset();
    const hasJumped = Math.abs(offset - this.#offset) > this.#tickMilliseconds;
    // A clock that is merely adjusted drifts by less in a turn; what adds up over days is not a jump.
    this.#offset = offset;
    if (isGap || hasJumped) step({ type: 'clockGap' });
    for (let i = 0; i < count; i++) step({ type: 'tick' });
  }

  #wallOffset(): number {
    const { wallNow } = this.#clock;
    return wallNow === undefined ? 0 : wallNow.call(this.#clock) - this.#clock.now();
  }
}
