// What a binding shows where there is nothing to look at: no copy yet (and never on a server), or no question.
import type { Live, ReadState } from '../live.ts';
import { LiveValue } from './live-value.ts';
import { pendingState } from './query.ts';

/** There is no copy yet. The same state as that of a query on a server. */
export const pendingRead: Live<ReadState<never>> = new LiveValue(pendingState);

/** No key or range is asked for. */
export const idleRead: Live<ReadState<never>> = new LiveValue<ReadState<never>>({
  ...pendingState,
  fetchStatus: 'idle',
});
