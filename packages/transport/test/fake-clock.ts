// A clock that a test turns by hand. Between two timers it lets every promise and microtask that is due run.
import type { TransportClock } from '../src/index.ts';

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

export class FakeClock implements TransportClock {
  #now = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  schedule(callback: () => void, milliseconds: number): () => void {
    const timer = { dueAt: this.#now + milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Milliseconds from now to each timer that is set, soonest first. */
  pending(): number[] {
    return this.#timers.map((timer) => timer.dueAt - this.#now).sort((a, b) => a - b);
  }

  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    await settled();
    for (;;) {
      const next = this.#timers.filter((timer) => timer.dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.dueAt;
      next.callback();
      await settled();
    }
    this.#now = until;
  }
}

/** Resolves when every promise that hangs on no event from outside has run its course. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
