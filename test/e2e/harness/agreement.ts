// Checks that hold at the end of every test over real processes: all nodes hold the same state, and all that was
// acknowledged is in it. Read from each node alone (serializable), not through the leader.
import { expect } from 'vitest';
import type { Cluster } from './cluster.ts';
import type { GatewayKeyValue } from './gateway.ts';
import { waitFor } from './wait.ts';

export interface NodeState {
  readonly revision: number;
  readonly keyValues: readonly GatewayKeyValue[];
}

/**
 * Waits until every running node has come as far as the store is now, then compares everything that they hold: keys, values,
 * all their revisions and versions. Returns the common state.
 */
export async function expectAgreement(cluster: Cluster, { timeoutMilliseconds = 60_000 } = {}): Promise<NodeState> {
  const nodes = cluster.ports.map((_, node) => node).filter((node) => cluster.isRunning(node));
  const { revision } = await waitFor(
    'a linearizable read',
    () => cluster.gateways[nodes[0]!]!.scan('no such key', { limit: 1 }),
    { timeoutMilliseconds },
  );
  const states = await Promise.all(
    nodes.map((node) =>
      waitFor(
        `${cluster.name(node)} has come to revision ${revision}`,
        async () => {
          const state = await cluster.gateways[node]!.scan('', { serializable: true });
          return state.revision >= revision && state;
        },
        { timeoutMilliseconds },
      ),
    ),
  );
  const [first, ...others] = states;
  for (const [at, other] of others.entries()) {
    expect(other.revision, `${cluster.name(nodes[at + 1]!)} and ${cluster.name(nodes[0]!)}`).toBe(first!.revision);
    expect(other.keyValues).toEqual(first!.keyValues);
  }
  return first!;
}

/** Every acknowledged key is there with its value. */
export function expectPresent(state: NodeState, acknowledged: ReadonlyMap<string, string>): void {
  const values = new Map(state.keyValues.map((one) => [one.key, one.value]));
  const lost = [...acknowledged].filter(([key, value]) => values.get(key) !== value);
  expect(lost, 'acknowledged and not there').toEqual([]);
}
