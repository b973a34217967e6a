// The process's own clock, for tests that make a part of the observer by itself; the whole takes it from the client's options.
import type { CopyClock } from '../src/breathe.ts';

export const processClock: CopyClock = {
  now: () => performance.now(),
  schedule: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
