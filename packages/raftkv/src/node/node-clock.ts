// The replica's clock in Node: monotonic time, timers, and `setImmediate`, which runs after the sockets of one poll were read,
// so that everything that arrived together becomes one turn of the loop.
import type { Clock } from '@raftkv/replica';

export const nodeClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  defer(callback) {
    setImmediate(callback);
  },
};
