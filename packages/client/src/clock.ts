// The client's only source of time and randomness, injected, so that tests own them. Everything here that waits, waits through it.
import { mayRunInNode } from '@raftkv/wire';

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Runs `callback` once after at least `milliseconds`, or after 24 days if that is sooner; answers a function that cancels it. */
  schedule(callback: () => void, milliseconds: number): () => void;
  /** Runs `callback` soon, after what is already due: what lets the calls of one turn leave in one frame. */
  defer(callback: () => void): void;
}

/** Runtimes take what is longer for 1 ms. Whoever waits looks at the time again, so that waking early is harmless. */
const longestTimerMilliseconds = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (callback, milliseconds) => {
    const timer = setTimeout(callback, Math.min(milliseconds, longestTimerMilliseconds));
    return () => clearTimeout(timer);
  },
  defer: deferrer(),
};

/**
 * Node's setImmediate runs after all continuations of the present turn, so that callers who each `await` before their next call share a
 * frame. Where there is none, two hops of microtasks catch most of them.
 */
function deferrer(): (callback: () => void) => void {
  const { setImmediate } = globalThis as { readonly setImmediate?: (callback: () => void) => void };
  if (mayRunInNode && setImmediate !== undefined) return (callback) => setImmediate(callback);
  return (callback) => queueMicrotask(() => queueMicrotask(callback));
}
