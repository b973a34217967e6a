// How a tab comes by the lane of another one. It stands in the queue of its lock, leaves it for a while to a page that may only be reloading, and asks the one
// that has it now and then whether it runs: from one that does not answer, frozen or stuck, it takes it. Who was robbed is shut out by the fence of the storage.
import type { KeeperClock, LaneLocks } from './options.ts';

/** Lanes whose tabs answer when they are asked; those of an earlier build do not, and are never taken from anybody. */
const answering = 'v2.';
/** How often the tab that has the lane is asked, give or take a tenth: of those that began to wait together one is first to rob it, and tells the others. */
const askMilliseconds = 5_000;
/** How often in a row in vain until it is robbed: half a minute. */
const maxSilences = 6;
/** So long the others leave a lane to a page that may be about to come back: a reload is no reason to hand its writes to another tab. */
const reloadMilliseconds = 2_000;

export interface SuccessionOptions {
  readonly locks: LaneLocks;
  readonly clock: KeeperClock;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly onLost: () => void;
  /** From 0 to below 1. Default Math.random. */
  readonly random?: () => number;
}

export function drawLaneName(): string {
  return answering + [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join('-');
}

/** The wait for one lane. */
export class Succession {
  readonly #name: string;
  readonly #options: SuccessionOptions;
  #silences = 0;
  #hasAnswered = true;
  #askedAt = 0;
  #cancelAsking: (() => void) | undefined;
  #queueing = new AbortController();

  constructor(name: string, options: SuccessionOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** The tab that has it runs. */
  heard(): void {
    this.#hasAnswered = true;
  }

  /** Resolves with what gives the lane back once it is this tab's; with undefined when the wait is over. */
  async won(): Promise<(() => void) | undefined> {
    const { signal } = this.#options;
    const stop = (): void => this.#queueing.abort();
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const release = await this.#next();
        if (!signal.aborted) {
          if (release !== undefined) return release;
          continue;
        }
        release?.();
        return undefined;
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #next(): Promise<(() => void) | undefined> {
    const { locks, signal, onLost } = this.#options;
    const name = this.#name;
    this.#queueing = new AbortController();
    if (signal.aborted) return undefined;
    let isSilent = false;
    this.#askLater(() => {
      isSilent = true;
      this.#queueing.abort();
    });
    try {
      (await locks.take(name, { signal: this.#queueing.signal }))?.();
    } catch (error) {
      if (!isSilent) throw error;
      return locks.take(name, { isRobbery: true, onLost });
    } finally {
      this.#cancelAsking?.();
    }
    // It may be about to come back.
    if (name !== locks.former) await this.#pause(reloadMilliseconds);
    return signal.aborted ? undefined : locks.take(name, { ifFree: true, onLost });
  }

  #askLater(onSilent: () => void): void {
    if (!this.#name.startsWith(answering)) return;
    const { clock, locks, random = Math.random } = this.#options;
    this.#hasAnswered = false;
    this.#askedAt = clock.wallTime();
    locks.ask(this.#name);
    this.#cancelAsking = clock.schedule(
      () => {
        // Whoever slept itself cannot tell who answered meanwhile.
        const hasSlept = clock.wallTime() - this.#askedAt > askMilliseconds * 2;
        this.#silences = this.#hasAnswered || hasSlept ? 0 : this.#silences + 1;
        if (this.#silences < maxSilences) return this.#askLater(onSilent);
        this.#silences = 0;
        onSilent();
      },
      askMilliseconds * (0.9 + random() / 5),
    );
  }

  #pause(milliseconds: number): Promise<void> {
    const { clock, signal } = this.#options;
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const cancel = clock.schedule(over, milliseconds);
      signal.addEventListener('abort', over);
    });
  }
}
