// A client that floods, over real processes: what is above the limits is refused as `busy`, definitely; memory stays bounded, also with a
// follower down for whom the log is kept; and a client that asks for little goes on being served.
import { bytes, connect } from 'raftkv';
import type { Kv } from 'raftkv';
import { describe, expect, it } from 'vitest';
import type { Cluster } from './harness/cluster.ts';
import { withCluster } from './harness/cluster.ts';

const valueBytes = 256 * 1024;
const putsPerClient = 500;
/** Bytes that a member may hold: the store is 4 MiB, what waits 16 MiB, the log kept in memory some 100 MB, and V8 takes its time to collect. */
const maxResidentBytes = 900_000_000;

interface Outcomes {
  acknowledged: number;
  busy: number;
  readonly others: unknown[];
}

/** All at once, no retries: everything that the limits of the client itself let through. */
async function flood(kv: Kv<Uint8Array>, outcomes: Outcomes): Promise<void> {
  const value = new Uint8Array(valueBytes);
  for (let at = 0; at < value.length; at += 65_536) crypto.getRandomValues(value.subarray(at, at + 65_536));
  const puts = Array.from({ length: putsPerClient }, async (_, at) => {
    try {
      await kv.put(`flood/${at % 16}`, value);
      outcomes.acknowledged++;
    } catch (error) {
      const { code, definite } = error as { code?: string; definite?: boolean };
      if (code === 'busy' && definite === true) outcomes.busy++;
      // A machine that is slow beside may run out of time or lose its leader; nothing else may happen.
      else if (code !== 'timeout' && code !== 'no_leader') outcomes.others.push(error);
    }
  });
  await Promise.all(puts);
}

async function residentBytes(cluster: Cluster, node: number): Promise<number> {
  const response = await fetch(`http://${cluster.address(node)}/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(await response.text())![1]);
}

describe('a client that floods', () => {
  it('is refused as busy, costs bounded memory, and keeps nobody else from being served', { timeout: 300_000 }, () =>
    withCluster({}, async (cluster) => {
      const leader = await cluster.leader();
      const [follower, down] = [0, 1, 2].filter((node) => node !== leader) as [number, number];
      await cluster.kill(down);
      const outcomes: Outcomes = { acknowledged: 0, busy: 0, others: [] };
      const impatient = { codec: bytes, retries: 0, requestTimeoutMilliseconds: 60_000, compression: false } as const;
      const flooders = [leader, follower].map((node) => connect({ endpoints: [cluster.address(node)], ...impatient }));
      const calm = connect({
        endpoints: [cluster.address(leader), cluster.address(follower)],
        requestTimeoutMilliseconds: 30_000,
      });
      let isFlooding = true;
      const floods = Promise.all(flooders.map((kv) => flood(kv, outcomes))).finally(() => (isFlooding = false));
      let [peak, calmPuts] = [0, 0];
      while (isFlooding) {
        for (const node of [leader, follower]) peak = Math.max(peak, await residentBytes(cluster, node));
        await calm.put('calm', calmPuts);
        calmPuts++;
      }
      await floods;
      expect(outcomes.others).toEqual([]);
      expect(outcomes.busy).toBeGreaterThan(0);
      expect(outcomes.acknowledged).toBeGreaterThan(0);
      expect(peak).toBeLessThan(maxResidentBytes);
      expect(await calm.get('calm')).toBe(calmPuts - 1);
      await Promise.all([...flooders, calm].map((kv) => kv.close()));
    }),
  );
});
