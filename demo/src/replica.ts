// Opens this tab's replica, and forgets what it keeps. The only place that knows how the page's replica is made.
import { openReplica } from '@raftkv/observer';
import { connect } from 'raftkv';
import type { Kv, LiveKv } from '@raftkv/client';

/** `endpoints`: none = the server that this page came from. */
export async function openTab(endpoints: readonly string[]): Promise<LiveKv> {
  return openReplica({ endpoints: endpoints.length > 0 ? endpoints : [location.host] });
}

/** A client apart from the replica, to look at the cluster with also while the tab is offline. */
export function openOperator(endpoints: readonly string[]): Kv {
  return connect({ endpoints: endpoints.length > 0 ? endpoints : [location.host], retries: 0 });
}

/** Deletes what the tabs of this origin keep of the cluster. It is fetched anew at the next start. */
export async function forgetCopies(): Promise<void> {
  const databases = await indexedDB.databases();
  for (const { name } of databases) if (name?.startsWith('raftkv') === true) indexedDB.deleteDatabase(name);
}
