// A cluster is founded once, as processes: founders that lost all they had make another one when they are started again, and nobody takes it for the first.
// And a member that is killed while it joins goes on joining.
import path from 'node:path';
import { RaftkvError, connect, text } from 'raftkv';
import { expect, it } from 'vitest';
import { straced } from './harness/faults.ts';
import { withMembers } from './harness/members.ts';
import { NodeProcess } from './harness/node-process.ts';
import { waitFor } from './harness/wait.ts';

const three = ['node1', 'node2', 'node3'];
it('founders that were wiped found another cluster: old clients and those that joined the first one refuse it', () =>
  withMembers({ founders: 3 }, async (members) => {
    await members.join('node4', three);
    await members.settled(three, [...three, 'node4']);
    const { clusterId } = await members.list(three);
    const old = connect({
      endpoints: members.addresses(...three, 'node4'),
      codec: text,
      requestTimeoutMilliseconds: 5_000,
    });
    await waitFor('a write', () => old.put('key', 'of the first'));
    // It knows each of them.
    await waitFor('a client that is connected', async () => (await old.status()).clusterId === clusterId);
    // Not yet: its knocking tells the founders of the second what they are.
    members.process('node4').signal('SIGSTOP');
    for (const name of three) await members.stop(name, 'SIGKILL');
    for (const name of three) members.wipe(name);
    await Promise.all(three.map((name) => members.serve(name)));

    const newcomer = connect({ endpoints: members.addresses(...three), codec: text });
    await newcomer.put('key', 'of the second');
    expect((await newcomer.status()).clusterId).not.toBe(clusterId);
    // The second one answers whoever knows no other, and nobody who knows the first.
    const knowing = connect({ endpoints: members.addresses(...three), codec: text, clusterId, retries: 0 });
    for (const kv of [old, knowing]) {
      await expect(kv.put('key', 'lost')).rejects.toBeInstanceOf(RaftkvError);
    }
    expect(await newcomer.get('key')).toBe('of the second');
    await expect(knowing.get('key')).rejects.toMatchObject({ code: 'wrong_cluster' });
    // Whoever joined the first one has what it had, and takes nothing from the second.
    members.process('node4').signal('SIGCONT');
    const left = connect({ endpoints: members.addresses('node4'), codec: text, clusterId });
    expect(await left.get('key', { level: 'local' })).toBe('of the first');
    const ended = await Promise.race(three.map(async (name) => ({ name, ...(await members.process(name).exited) })));
    expect(ended.code).toBe(1);
    expect(members.process(ended.name).stderr).toMatch(/founded before.*\[member_amnesia\]/);
    await waitFor('it is told why', () => /refused by peer.*wrong_cluster/.test(members.process('node4').stderr));
    await Promise.all([old, newcomer, knowing, left].map((kv) => kv.close()));
  }));

it('a member that is killed in the middle of joining joins when it is told so again, as the same one', () =>
  withMembers({ founders: 1 }, async (members) => {
    // The third file that gets its name is the note of how it became a member; the one before says who it is.
    const fault = straced(path.join(members.directory, 'trace'), {
      calls: 'rename,renameat,renameat2',
      inject: 'signal=KILL:when=3',
    });
    const words = ['join', ...members.joinWords('node2', ['node1'])];
    const args = [...words, '--id', 'node2', '--data-dir', members.dataDirectory('node2')];
    const killed = new NodeProcess({ name: 'node2', args, ...fault });
    expect(await killed.exited).toMatchObject({ signal: 'SIGKILL' });
    const admitted = (await members.list(['node1'])).members.find(({ name }) => name === 'node2')!;
    // It cannot be taken for something else meanwhile.
    const served = await members.refused('node2', ['serve', '--peers', `node2:${members.address('node2')}`]);
    expect(served.stderr).toMatch(/joining with it was cut short.*\[storage_identity\]/);
    await members.join('node2', ['node1']);
    await members.settled(['node1'], ['node1', 'node2']);
    expect((await members.list(['node2'])).members.find(({ name }) => name === 'node2')!.id).toBe(admitted.id);
  }));
