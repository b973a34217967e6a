// How much a tab gives away of its way out: so many bytes a second for all that it feeds together. What comes faster waits.
import type { FeederClock } from './feeder-clock.ts';

/** What may go out at once after a rest, in seconds of the rate. */
const burstSeconds = 0.5;

export class Upload {
  readonly #clock: Pick<FeederClock, 'now'>;
  readonly #bytesPerSecond: number;
  #left: number;
  #at: number;
  /** Of all time. */
  bytes = 0;

  constructor(clock: Pick<FeederClock, 'now'>, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#left = bytesPerSecond * burstSeconds;
    this.#at = clock.now();
  }

  /** Until something may be sent, in milliseconds; 0 = now. */
  delay(): number {
    const now = this.#clock.now();
    const rate = this.#bytesPerSecond / 1000;
    this.#left = Math.min(this.#bytesPerSecond * burstSeconds, this.#left + (now - this.#at) * rate);
    this.#at = now;
    return this.#left > 0 ? 0 : 1 - this.#left / rate;
  }

  /** May pass the limit once; whoever is next waits for it. */
  spend(bytes: number): void {
    this.#left -= bytes;
    this.bytes += bytes;
  }
}
