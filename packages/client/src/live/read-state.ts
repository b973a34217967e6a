// The state of a live query that knows nothing yet, and when two states are the same: for queries, and for bindings, which share it.
import type { ReadState } from '../live.ts';

export const pendingState: ReadState<never> = {
  status: 'pending',
  data: undefined,
  error: undefined,
  fetchStatus: 'fetching',
  source: 'confirmed',
  pendingWrites: 0,
  revision: 0,
};

/** `data` and `error` by identity. */
export function isSameState<T>(a: ReadState<T>, b: ReadState<T>): boolean {
  return (
    Object.is(a.data, b.data) &&
    a.status === b.status &&
    a.fetchStatus === b.fetchStatus &&
    a.source === b.source &&
    a.pendingWrites === b.pendingWrites &&
    a.error === b.error &&
    a.revision === b.revision
  );
}
