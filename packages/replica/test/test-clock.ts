// A clock whose time the test moves by hand.
import type { Clock } from '../src/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class TestClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  schedule(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Runs what was deferred, and what that defers. */
  runDeferred(): void {
    while (this.#deferred.length > 0) this.#deferred.shift()!();
  }

  /** Moves time on, each timer firing on time. */
  advance(milliseconds: number): void {
    const until = this.#now + milliseconds;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
      this.runDeferred();
    }
    this.#now = until;
  }

  /** The loop was busy for so long: timers that were due meanwhile fire late, once, before deferred work; after what `before` does. */
  wakeLate(milliseconds: number, before: () => void = () => {}): void {
    this.#now += milliseconds;
    before();
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const timer of due) timer.callback();
  }
}
