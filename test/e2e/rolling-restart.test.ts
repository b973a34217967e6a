// All members of a cluster are restarted one after another, as for an update, while clients write, the leader whenever it is still to be
// done: it hands over first, so that nobody ever waits for an election timeout.
import { connect, text } from 'raftkv';
import { describe, expect, it } from 'vitest';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { withCluster } from './harness/cluster.ts';
import { expectWithin, waitFor } from './harness/wait.ts';

const electionTimeoutMilliseconds = 3_000;

describe('a rolling restart', () => {
  it('of all three members stops no writer for as long as an election would take, and loses nothing', () =>
    withCluster(
      { nodes: 3, args: ['--election-timeout', `${electionTimeoutMilliseconds}ms`, '--heartbeat-interval', '200ms'] },
      async (cluster) => {
        const kv = connect({ endpoints: cluster.addresses, codec: text });
        const acknowledged = new Map<string, string>();
        let lastAt = performance.now();
        let longestGap = 0;
        let isOver = false;
        const write = async (writer: number): Promise<void> => {
          for (let i = 0; !isOver; i++) {
            const [key, value] = [`w${writer}/${i}`, `value ${i}`];
            await kv.put(key, value, { timeoutMilliseconds: 30_000 });
            acknowledged.set(key, value);
            const now = performance.now();
            longestGap = Math.max(longestGap, now - lastAt);
            lastAt = now;
          }
        };
        const writers = Promise.all([0, 1, 2, 3].map(write));
        let handOvers = 0;
        const left = new Set([0, 1, 2]);
        while (left.size > 0) {
          const before = acknowledged.size;
          await waitFor('writes go on', () => acknowledged.size > before + 50);
          const leader = await cluster.leader();
          const isLeader = left.has(leader);
          const node = isLeader ? leader : [...left][0]!;
          left.delete(node);
          const { term } = await cluster.gateways[node]!.status();
          expect(await cluster.stop(node)).toEqual({ code: 0, signal: null });
          const next = await cluster.leader();
          expect(next).not.toBe(node);
          // A hand-over is one term, not an election that somebody had to wait for, and perhaps to try again.
          if (isLeader) expect((await cluster.gateways[next]!.status()).term).toBe(term + 1);
          if (isLeader) handOvers++;
          await cluster.start(node);
          await waitFor('the member serves again', () => cluster.gateways[node]!.get('w0/0'));
        }
        isOver = true;
        await writers;
        await kv.close();
        expect(handOvers).toBeGreaterThanOrEqual(2);
        console.log(`the longest gap between two writes: ${Math.round(longestGap)} ms, ${handOvers} hand-overs`);
        // An election takes from the last heartbeat to the end of a timeout, which is as long at least.
        expectWithin(electionTimeoutMilliseconds - 200, 'the next write', longestGap);
        expectPresent(await expectAgreement(cluster), acknowledged);
      },
    ));
});
