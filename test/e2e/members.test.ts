// Members come and go under load, as processes: a cluster grows and shrinks, and every member is replaced, while clients that know only the founders write
// on. No write fails that the client does not repeat by itself, and what they were told is linearizable.
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from '../linearizability/checker.ts';
import { withMembers } from './harness/members.ts';
import type { Members } from './harness/members.ts';
import { NativeWorkloadClient } from './harness/native-workload.ts';
import { Workload } from './harness/workload.ts';

/** No change may let a write fail, and how long one takes is the machine's business. */
const timeoutMilliseconds = 60_000;

/** Runs `change` with clients at work that were given the founders alone, and judges what they were told. */
async function underLoad(members: Members, founders: readonly string[], change: () => Promise<void>): Promise<void> {
  const seed = Number(process.env.RAFTKV_TEST_SEED ?? 1);
  const addresses = members.addresses(...founders);
  const clients = [0, 1, 2, 0].map((first) => NativeWorkloadClient.connect(addresses, { first, timeoutMilliseconds }));
  const workload = new Workload({ seed, keys: 6, clients, pauseMilliseconds: 12 });
  workload.start();
  try {
    await change();
    await workload.stop();
    await workload.readAll(clients[0]!);
    for (const [key, value] of workload.acknowledged) expect(await clients[1]!.get(key), key).toBe(value);
  } finally {
    await workload.stop();
    await Promise.all(clients.map((client) => client.close()));
  }
  const { answered, refused, unknown } = workload.counts;
  console.log(`seed ${seed}: ${answered} answered, ${unknown} unknown, ${refused} refused`);
  expect({ refused, unknown }).toEqual({ refused: 0, unknown: 0 });
  // A store that answers nothing is linearizable too.
  expect(answered).toBeGreaterThan(300);
  const result = checkLinearizability(workload.operations);
  expect(result.verdict, result.explanation).toBe('linearizable');
}

describe('under load', () => {
  it('a cluster grows from three to five to seven and shrinks to three, its leader and founders among those that go', () =>
    withMembers({ founders: 3 }, (members) =>
      underLoad(members, ['node1', 'node2', 'node3'], async () => {
        const names = ['node1', 'node2', 'node3'];
        for (const joining of [
          ['node4', 'node5'],
          ['node6', 'node7'],
        ]) {
          await Promise.all(joining.map((name) => members.join(name, names)));
          names.push(...joining);
          await members.settled(names, names);
        }
        for (let count = 7; count > 3; count -= 1) {
          const leader = await members.leader();
          // The leader, a founder, whoever came last, the leader again.
          const leaving =
            count % 3 === 1 ? leader : count === 6 ? names.find((name) => name !== leader)! : names.at(-1)!;
          names.splice(names.indexOf(leaving), 1);
          await members.ask(names, 'member', 'remove', leaving);
          expect((await members.ended(leaving)).code).toBe(1);
          expect(members.process(leaving).stderr).toMatch(/was removed .*\[member_removed\]/);
        }
        await members.settled(names, names);
      }),
    ));

  it('every member is replaced by a new one, one after another, and the clients follow', () =>
    withMembers({ founders: 3 }, (members) =>
      underLoad(members, ['node1', 'node2', 'node3'], async () => {
        const names = ['node1', 'node2', 'node3'];
        for (const [old, next] of [
          ['node1', 'node4'],
          ['node2', 'node5'],
          ['node3', 'node6'],
        ] as const) {
          await members.join(next, names, ['--replace', old]);
          names.splice(names.indexOf(old), 1, next);
          await members.settled([next], names);
          expect((await members.ended(old)).code).toBe(1);
        }
      }),
    ));
});
