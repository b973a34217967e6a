// T46, T49: whatever goes wrong between a write and its answer, it never takes effect twice, and its outcome is never a lie. Faults are drawn
// from a seed: answers lost before or after the write was applied, connections cut, leaders changed, sessions evicted, requests delivered late.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandResult } from '@raftkv/kv';
import { RaftkvError, encodeCommand } from '@raftkv/wire';
import { FakeCluster, client } from './fake-cluster.ts';
import type { FakeNode } from './fake-cluster.ts';

type Fault =
  | 'none'
  | 'lost before'
  | 'lost after'
  | 'refused'
  | 'unknown'
  | 'late'
  | 'evict'
  | 'elect'
  | 'stale leader';

const fault = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>('none') },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Fault>(
      'lost before',
      'lost after',
      'refused',
      'unknown',
      'late',
      'evict',
      'elect',
      'stale leader',
    ),
  },
);

describe('a write', () => {
  it('takes effect at most once, once if it succeeded, and not if its failure is definite', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 10, maxLength: 80 }), async (faults) => {
        const cluster = new FakeCluster(3);
        const left = [...faults];
        for (const node of cluster.nodes) {
          node.onWrite = (apply) => meet(left.shift() ?? 'none', cluster, node, apply);
        }
        const kv = client(cluster, { retries: 4, retryDelayMilliseconds: 1, requestTimeoutMilliseconds: 2_000 });
        const keys = Array.from({ length: 24 }, (_, i) => `k${i}`);
        const outcomes: (RaftkvError | undefined)[] = [];
        for (let i = 0; i < keys.length; i += 6) {
          const some = keys.slice(i, i + 6).map((key) =>
            kv.put(key, key).then(
              () => undefined,
              (error: RaftkvError) => error,
            ),
          );
          outcomes.push(...(await Promise.all(some)));
        }
        await new Promise((resolve) => setTimeout(resolve, 5)); // the late ones
        for (const [i, key] of keys.entries()) {
          const found = cluster.store.get(key);
          if (found.type === 'error') throw new Error(found.message);
          const times = found.entry?.version ?? 0;
          const outcome = outcomes[i];
          if (outcome === undefined) expect([key, times]).toEqual([key, 1]);
          else if (outcome.definite) expect([key, outcome.code, times]).toEqual([key, outcome.code, 0]);
          else expect(times).toBeLessThanOrEqual(1);
        }
        await kv.close();
      }),
      { numRuns: 60 },
    );
  });
});

function meet(
  kind: Fault,
  cluster: FakeCluster,
  node: FakeNode,
  apply: () => CommandResult,
): CommandResult | Promise<CommandResult> {
  switch (kind) {
    case 'none':
      return apply();
    case 'lost before':
      cut(node);
      return new Promise(() => {});
    case 'lost after':
      apply();
      cut(node);
      return new Promise(() => {});
    case 'refused':
      throw new RaftkvError('busy', 'too much to do');
    case 'unknown':
      apply();
      throw new RaftkvError('timeout', 'not committed in time', { definite: false });
    case 'late':
      setTimeout(apply, 3);
      throw new RaftkvError('no_leader', 'leadership moved', { definite: false });
    case 'evict':
      for (let clientId = 1; clientId < 100; clientId += 1) {
        cluster.apply(encodeCommand({ session: undefined, command: { type: 'closeSession', clientId } }));
      }
      return apply();
    case 'elect':
      cluster.elect((cluster.leader + 1) % 3);
      return apply();
    case 'stale leader':
      throw new RaftkvError('no_leader', 'not me', { leader: cluster.nodes[(cluster.leader + 1) % 3]!.address });
  }
}

function cut(node: FakeNode): void {
  for (const pair of node.channels.splice(0)) pair.cut();
}
