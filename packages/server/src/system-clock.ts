// The clock of the process, for whoever was given none. Universal: Node and a tab have these.
import type { Clock } from '@raftkv/replica';

export const systemClock: Pick<Clock, 'now' | 'schedule'> = {
  now: () => performance.now(),
  schedule: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
