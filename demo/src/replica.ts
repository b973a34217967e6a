// Opens this tab's replica, and forgets what is kept of it. The only place that knows how the page's replica is made: `?replica=per-tab` and
// `?storage=strict|memory` in the address choose another kind.
import { connect, forgetReplica, openReplica } from 'raftkv';
import type { Kv, LiveKv, ReplicaOptions } from 'raftkv';
import { keptWrites } from 'raftkv/outbox';

const name = 'demo';
const asked = new URLSearchParams(location.search);

/** Whether this tab shares its replica with the others of this browser. */
export const isShared = asked.get('replica') !== 'per-tab';

/** `endpoints`: none = the server that this page came from. */
export function openTab(endpoints: readonly string[]): Promise<LiveKv> {
  return openReplica({
    endpoints: endpointsOr(endpoints),
    name,
    replica: isShared ? 'shared' : 'per-tab',
    outbox: keptWrites({ name }),
    storage: (asked.get('storage') ?? 'relaxed') as NonNullable<ReplicaOptions['storage']>,
  });
}

/** A client apart from the replica, to look at the cluster with also while the tab is offline. */
export function openOperator(endpoints: readonly string[]): Kv {
  return connect({ endpoints: endpointsOr(endpoints), retries: 0 });
}

/** Deletes what the tabs of this origin keep of the cluster. It is fetched anew at the next start. */
export function forgetCopy(): Promise<void> {
  return forgetReplica({ name });
}

function endpointsOr(endpoints: readonly string[]): readonly string[] {
  return endpoints.length > 0 ? endpoints : [location.host];
}
