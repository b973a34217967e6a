// When to dial one peer: at once, after a pause that grows and jitters, or slowly after a refusal. How to dial, and whether a channel that
// stands makes dialling needless, is the mesh's business.
import type { TransportClock } from './clock.ts';

/** `refused`: for a reason that a person must lift. */
export type DialOutcome = 'connected' | 'failed' | 'refused';

export interface DiallerOptions {
  readonly clock: TransportClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly minBackoffMilliseconds: number;
  readonly maxBackoffMilliseconds: number;
  readonly refusedBackoffMilliseconds: number;
  /** One attempt; must not reject, and must end soon once the signal is aborted. */
  readonly attempt: (signal: AbortSignal) => Promise<DialOutcome>;
  /** False while there is a channel, whoever dialled it. */
  readonly isNeeded: () => boolean;
}

export class Dialler {
  readonly #options: DiallerOptions;
  /** Attempts since the last channel that stood. */
  #attempts = 0;
  #cancelTimer: (() => void) | undefined;
  #underWay: AbortController | undefined;
  #isStopped = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** One attempt at a time: while one is under way, or none is needed, this does nothing. */
  dialNow(): void {
    this.#clearTimer();
    if (this.#isStopped || this.#underWay !== undefined || !this.#options.isNeeded()) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    void this.#options.attempt(underWay.signal).then((outcome) => {
      this.#underWay = undefined;
      if (outcome === 'refused') this.#dialAfter(this.#options.refusedBackoffMilliseconds);
      else if (outcome === 'failed') this.#dialAfter(this.#nextBackoff());
    });
  }

  /** The channel ended. `hasProved`: it had stood long enough for the pauses to begin anew with the shortest. */
  lost(hasProved: boolean): void {
    if (hasProved) this.#attempts = 0;
    if (this.#underWay === undefined) this.#dialAfter(this.#nextBackoff());
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    this.#clearTimer();
    this.#underWay?.abort();
  }

  #nextBackoff(): number {
    const { minBackoffMilliseconds, maxBackoffMilliseconds } = this.#options;
    const pause = Math.min(maxBackoffMilliseconds, minBackoffMilliseconds * 2 ** Math.min(this.#attempts, 20));
    this.#attempts += 1;
    return pause;
  }

  #dialAfter(milliseconds: number): void {
    this.#clearTimer();
    if (this.#isStopped || !this.#options.isNeeded()) return;
    // Between half and all of it, so that members that lost each other together do not come back in step.
    const pause = milliseconds * (0.5 + this.#options.random() / 2);
    this.#cancelTimer = this.#options.clock.schedule(() => this.dialNow(), pause);
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
