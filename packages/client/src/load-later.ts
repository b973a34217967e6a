// Loads code that is needed now, in a page's production build, for `make-watch-later.ts` and `rare-later.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { Clock } from './clock.ts';

/** Before each further attempt. A browser may say at once, and again, that it has no network. */
const pausesMilliseconds: readonly number[] = [100, 1_000];

/** Rejects with `connect_failed` if it cannot be had. */
export async function loadLater<T>(clock: Clock, load: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await load();
    } catch (error) {
      const pause = pausesMilliseconds[attempt];
      if (pause === undefined) throw RaftkvError.from(error, 'connect_failed');
      await new Promise<void>((resolve) => void clock.schedule(resolve, pause));
    }
  }
}
