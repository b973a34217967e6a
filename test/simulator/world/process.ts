// A host with its clock, and the process that runs on it: the Clock that production code is given. A clock runs at a rate of its own, jumps
// forward, and stands still while its host is suspended; it never goes back. A process that died is never run again: a restart makes another one.
import type { Random } from './random.ts';
import type { Party, Scheduler } from './scheduler.ts';

export class HostClock {
  readonly #scheduler: Scheduler;
  #rate: number;
  #base: number;
  #since = 0;
  #slept = 0;

  constructor(scheduler: Scheduler, rate: number, base: number) {
    this.#scheduler = scheduler;
    this.#rate = rate;
    this.#base = base;
  }

  get rate(): number {
    return this.#rate;
  }

  now(): number {
    return this.#base + (this.#scheduler.now - this.#since) * this.#rate;
  }

  setRate(rate: number): void {
    this.#base = this.now();
    this.#since = this.#scheduler.now;
    this.#rate = rate;
  }

  /** Forward. */
  jump(milliseconds: number): void {
    this.#base += milliseconds;
  }

  /** The host is suspended for so long from now on: this clock will not have counted it, the wall clock will. */
  sleep(milliseconds: number): void {
    this.#base -= milliseconds * this.#rate;
    this.#slept += milliseconds * this.#rate;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.now() + this.#slept;
  }
}

export class Process implements Party {
  isAlive = true;
  pausedUntil = 0;
  readonly host: number;
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #clock: HostClock;
  readonly #random: Random;
  readonly #lateness: number;

  /** `lateness`: timers come up to so many milliseconds late. */
  constructor(
    scheduler: Scheduler,
    options: {
      readonly host: number;
      readonly name: string;
      readonly clock: HostClock;
      readonly random: Random;
      readonly lateness: number;
    },
  ) {
    this.#scheduler = scheduler;
    this.host = options.host;
    this.name = options.name;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#lateness = options.lateness;
  }

  /** The world's time, which no production code sees. */
  get worldNow(): number {
    return this.#scheduler.now;
  }

  /** Production code takes this apart: `now`, `schedule` and `defer` are bound. */
  readonly now = (): number => this.#clock.now();

  readonly wallNow = (): number => this.#clock.wallNow();

  readonly schedule = (callback: () => void, milliseconds: number): (() => void) => {
    const due = this.#clock.now() + Math.max(0, milliseconds);
    let cancel: () => void;
    const fire = (): void => {
      // The clock may run slower than it did, or have stood still.
      const left = due - this.#clock.now();
      if (left > 1e-6) cancel = this.#arm(left, fire);
      else callback();
    };
    cancel = this.#arm(Math.max(0, milliseconds), fire);
    return () => cancel();
  };

  readonly defer = (callback: () => void): void => {
    this.#scheduler.at(this.#scheduler.now, this, callback);
  };

  /** Runs `callback` in this process after so much of the world's time, as an answer of a disk or a network does. */
  after(delay: number, callback: () => void): () => void {
    return this.#scheduler.at(this.#scheduler.now + delay, this, callback);
  }

  kill(): void {
    this.isAlive = false;
  }

  #arm(milliseconds: number, fire: () => void): () => void {
    const late = this.#lateness === 0 ? 0 : this.#random.next() * this.#lateness;
    return this.#scheduler.at(this.#scheduler.now + milliseconds / this.#clock.rate + late, this, fire, true);
  }
}
