// Changes of members in few words, and what a cluster of tests says of them. Used by the suites about membership.
import type { MemberChange } from '../src/index.ts';
import type { Cluster } from './cluster.ts';

export const promote = (id: string): MemberChange => ({ type: 'promote', id });
export const demote = (id: string): MemberChange => ({ type: 'demote', id });
export const remove = (id: string): MemberChange => ({ type: 'remove', id });

/** The lines of the trace that tell of configurations and roles. */
export function turns(cluster: Cluster): string[] {
  return cluster.takeTrace().filter((line) => / (has|is) /.test(line));
}

/** Of the one change that was proposed there: why it was refused, or its index and term. */
export function outcome(cluster: Cluster, id: string): string {
  const [result, ...more] = cluster.results(id);
  if (result === undefined || more.length > 0) throw new Error(`${more.length + 1} results`);
  return result.refused ?? `${result.index}/${result.term}`;
}
