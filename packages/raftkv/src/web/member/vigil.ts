// The clock of a member in a tab, which notices that the tab did not run: it was frozen, its machine slept, or the browser put it away. What was known before is
// then worth nothing, so before anything else happens the owner is told. Time is measured by whatever happens, not by ticks alone: a hidden tab's timers come
// once a second or once a minute, and messages in between are signs of life.
import type { Clock } from '@raftkv/replica';

/** A hidden tab in which nothing happens is woken once a minute. */
const hiddenPatienceMilliseconds = 70_000;

export interface VigilOptions {
  /** A gap in a visible tab, and in one that is shown again, may be so long: the election timeout. In a hidden one 70 s, at least. */
  readonly patienceMilliseconds: number;
  readonly isHidden: () => boolean;
  /** Told once. What was due then does not happen, but for what was scheduled, which comes a turn later. */
  readonly onGap: (milliseconds: number) => void;
  /** Default: the page's. */
  readonly time?: Required<Clock> | undefined;
}

export class Vigil {
  readonly clock: Required<Clock>;
  readonly #options: VigilOptions;
  readonly #time: Required<Clock>;
  #deferred: (() => void)[] = [];
  #lastNow: number;
  #lastWallNow: number;
  #isOver = false;

  constructor(options: VigilOptions) {
    this.#options = options;
    this.#time = options.time ?? pageClock();
    this.#lastNow = this.#time.now();
    this.#lastWallNow = this.#time.wallNow();
    this.clock = {
      now: () => this.#time.now(),
      wallNow: () => this.#time.wallNow(),
      schedule: (callback, milliseconds) => this.#schedule(callback, milliseconds),
      defer: (callback) => this.#defer(callback),
    };
  }

  /** Looks at both clocks: the monotonic one may stand still while a machine sleeps. `isShown`: the tab was hidden until now. True if there was a gap. */
  look({ isShown = false }: { readonly isShown?: boolean } = {}): boolean {
    if (this.#isOver) return false;
    const [now, wallNow] = [this.#time.now(), this.#time.wallNow()];
    const gap = Math.max(now - this.#lastNow, wallNow - this.#lastWallNow);
    this.#lastNow = now;
    this.#lastWallNow = wallNow;
    const { patienceMilliseconds, isHidden, onGap } = this.#options;
    const isUnseen = isHidden() && !isShown;
    if (gap <= (isUnseen ? Math.max(patienceMilliseconds, hiddenPatienceMilliseconds) : patienceMilliseconds))
      return false;
    this.#isOver = true;
    this.#deferred = [];
    onGap(gap);
    return true;
  }

  /** Does at once what was to be done soon: this may be the last turn that the tab has. */
  flush(): void {
    for (let turns = 0; turns < 8 && this.#deferred.length > 0; turns += 1) this.#run();
  }

  #schedule(callback: () => void, milliseconds: number): () => void {
    let isCancelled = false;
    const run = (): void => {
      if (!isCancelled) callback();
    };
    const cancel = this.#time.schedule(() => {
      // Whoever closes may wait for it; by then nothing else runs.
      if (this.look()) this.#time.defer(run);
      else run();
    }, milliseconds);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  #defer(callback: () => void): void {
    this.#deferred.push(callback);
    if (this.#deferred.length === 1) this.#time.defer(() => this.#run());
  }

  #run(): void {
    if (this.look()) return;
    const due = this.#deferred;
    this.#deferred = [];
    for (const callback of due) callback();
  }
}

/** `defer` through a message: timers of hidden tabs are held back, and nested ones everywhere. */
export function pageClock(): Required<Clock> {
  let due: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    const present = due;
    due = [];
    for (const callback of present) callback();
  });
  port1.start();
  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    schedule: (callback, milliseconds) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
    defer: (callback) => {
      due.push(callback);
      if (due.length === 1) port2.postMessage(undefined);
    },
  };
}
