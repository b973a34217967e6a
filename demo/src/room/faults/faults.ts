// What is broken on purpose in this tab, and nothing else: links that are cut, messages that are lost or late, time that stands still. Set by the fault panel,
// asked by the wrappers around the member's channels, clock and core.
import type { Clock } from '@raftkv/replica';
import { Observable } from '../../model/observable.ts';

export interface FaultSettings {
  /** Of a hundred messages, both ways. */
  readonly lossPercent: number;
  /** Each way. */
  readonly delayMilliseconds: number;
  /** Members by name. */
  readonly cut: ReadonlySet<string>;
  /** Until then nothing of the member runs, on the page's clock. Undefined: it runs. */
  readonly frozenUntil: number | undefined;
}

const noFaults: FaultSettings = { lossPercent: 0, delayMilliseconds: 0, cut: new Set(), frozenUntil: undefined };

export class Faults {
  readonly settings = new Observable<FaultSettings>(noFaults);
  /** What waits for the thaw. */
  #held: (() => void)[] = [];

  get now(): FaultSettings {
    return this.settings.getSnapshot();
  }

  get isFrozen(): boolean {
    return this.now.frozenUntil !== undefined;
  }

  change(changes: Partial<Pick<FaultSettings, 'lossPercent' | 'delayMilliseconds'>>): void {
    this.settings.set({ ...this.now, ...changes });
  }

  cut(name: string, isCut: boolean): void {
    const cut = new Set(this.now.cut);
    if (isCut) cut.add(name);
    else cut.delete(name);
    this.settings.set({ ...this.now, cut });
  }

  /** As if the tab were frozen: timers and messages wait, and all come at once in the end. */
  freeze(milliseconds: number): void {
    const frozenUntil = performance.now() + milliseconds;
    this.settings.set({ ...this.now, frozenUntil });
    setTimeout(() => {
      if (this.now.frozenUntil === frozenUntil) this.thaw();
    }, milliseconds);
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.settings.set({ ...this.now, frozenUntil: undefined });
    for (const run of this.#held.splice(0)) run();
  }

  heal(): void {
    this.thaw();
    this.settings.set(noFaults);
  }

  readonly isLost = (): boolean => {
    const { lossPercent } = this.now;
    return lossPercent > 0 && Math.random() * 100 < lossPercent;
  };

  /** Now, or when the member runs again. */
  whenAwake(run: () => void): void {
    if (this.isFrozen) this.#held.push(run);
    else run();
  }
}

/** A clock whose callbacks wait while the member is frozen, and never come once it is dead. Time itself goes on: who wakes sees a gap. */
export function faultyClock(faults: Faults, isDead: () => boolean = () => false): Clock {
  const run = (callback: () => void): void => faults.whenAwake(() => void (isDead() || callback()));
  // A turn of the loop that is no timer: those are slowed down in a hidden tab.
  const door = new MessageChannel();
  const turns: (() => void)[] = [];
  door.port1.addEventListener('message', () => turns.shift()?.());
  door.port1.start();
  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    schedule: (callback, milliseconds) => {
      let isCancelled = false;
      const timer = setTimeout(() => run(() => void (isCancelled || callback())), milliseconds);
      return () => {
        isCancelled = true;
        clearTimeout(timer);
      };
    },
    defer: (callback) => {
      turns.push(() => run(callback));
      door.port2.postMessage(undefined);
    },
  };
}

/** The same clock, whose callbacks wait while the member is frozen. */
export function withFaults(clock: Clock, faults: Faults): Clock {
  return {
    ...clock,
    schedule: (callback, milliseconds) => {
      let isCancelled = false;
      const cancel = clock.schedule(() => faults.whenAwake(() => void (isCancelled || callback())), milliseconds);
      return () => {
        isCancelled = true;
        cancel();
      };
    },
    defer: (callback) => clock.defer(() => faults.whenAwake(callback)),
  };
}
