// Time for a copy: the client's clock, as far as a copy needs one, and the pause in which whatever else is due happens.
import type { Clock } from '@raftkv/client';

export type CopyClock = Pick<Clock, 'now' | 'schedule'>;

/** Lets whatever else is due happen. */
export function breathe(clock: CopyClock): Promise<void> {
  return new Promise((resolve) => void clock.schedule(resolve, 0));
}
