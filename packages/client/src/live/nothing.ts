// What a binding shows where there is nothing to look at: no copy yet (and never on a server), no question, or a question that cannot be asked.
import { RaftkvError } from '@raftkv/wire';
import type { Live, ReadState } from '../live.ts';
import { LiveValue } from './live-value.ts';
import { pendingState } from './read-state.ts';

/** There is no copy yet. The same state as that of a query on a server. */
export const pendingRead: Live<ReadState<never>> = new LiveValue(pendingState);

/** No key or range is asked for. */
export const idleRead: Live<ReadState<never>> = new LiveValue<ReadState<never>>({
  ...pendingState,
  fetchStatus: 'idle',
});

let lastFailure: LiveValue<ReadState<never>> | undefined;

/** A live query, or where it cannot be asked (keys come from users) one whose state is that error; the same one for the same error. */
export function asked<Data>(ask: () => Live<ReadState<Data>>): Live<ReadState<Data>> {
  try {
    return ask();
  } catch (thrown) {
    const error = RaftkvError.from(thrown);
    const last = lastFailure?.getSnapshot().error;
    if (lastFailure === undefined || last?.code !== error.code || last.message !== error.message) {
      lastFailure = new LiveValue<ReadState<never>>(
        { ...pendingState, status: 'error', error, fetchStatus: 'idle' },
        pendingState,
      );
    }
    return lastFailure;
  }
}
