// How fast snapshots may be read for followers: a rate shared by all of them, so that a member that comes back does not take
// the disk and the wire from those that commit. Called by snapshot-transfer.ts alone.
import type { Clock } from './clock.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When what was spent so far fits the rate. */
  #freeAt = 0;
  #endPause: (() => void) | undefined;
  #isClosed = false;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when the next bytes may go, at once when closed. One caller at a time. */
  async pause(): Promise<void> {
    const milliseconds = this.#freeAt - this.#clock.now();
    if (milliseconds <= 0 || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(resolve, milliseconds);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
    this.#endPause = undefined;
  }

  /** So much was read. Time in which nothing was read is not saved up. */
  spend(bytes: number): void {
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now()) + (bytes * 1000) / this.#bytesPerSecond;
  }

  close(): void {
    this.#isClosed = true;
    this.#endPause?.();
  }
}
