// What goes wrong with members, as processes: a disk that is lost, one that was removed and comes back, commands that are taken for each other, a removal
// that would leave too few. Each ends in one line that says what to do. Coming and going under load is in members.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOneErrorLine, runCli } from './harness/cli.ts';
import type { CliResult } from './harness/cli.ts';
import { GatewayClient } from './harness/gateway.ts';
import { Members, withMembers } from './harness/members.ts';
import { waitFor } from './harness/wait.ts';

/** A refusal: its exit code, one line for people beside what it may have logged, and what that says. */
function expectRefusal(result: CliResult, code: 1 | 2, says: RegExp): void {
  expect(result.code, JSON.stringify(result)).toBe(code);
  const said = result.stderr.replaceAll(/^\{.*\}\n/gm, '');
  expect(isOneErrorLine(said), result.stderr).toBe(true);
  expect(said).toMatch(says);
}

const three = ['node1', 'node2', 'node3'];

describe('a member', () => {
  it('that lost its disk is refused under its old identity, also by those that joined, and comes back as a new one', () =>
    withMembers({ founders: 3 }, async (members) => {
      await members.join('node4', three);
      await members.settled(three, [...three, 'node4']);
      await members.stop('node2', 'SIGKILL');
      members.wipe('node2');
      // The list of peers has it, so it would found; the others know better.
      expectRefusal(await members.refused('node2', ['serve', '--peers', members.peers]), 1, /member_amnesia/);
      members.wipe('node2');
      const rejoin = ['join', ...members.joinWords('node2', ['node1', 'node4'])];
      expectRefusal(await members.refused('node2', rejoin), 2, /does not answer .*remove it first/);
      await members.join('node2', ['node1', 'node4'], ['--replace', 'node2']);
      await members.settled(['node4'], [...three, 'node4']);
      const { members: all } = await members.list(['node4']);
      expect(all.find(({ name }) => name === 'node2')?.id).toMatch(/^0000/);
      // It goes on as that one, whichever command starts it, with or without words about where it is.
      await members.stop('node2');
      await members.serve('node2');
      await members.settled(['node2'], [...three, 'node4']);
    }));

  it('that founded alone and lost its disk does not found once more beside those that it let in', () =>
    withMembers({ founders: 1 }, async (members) => {
      const names = ['node1', 'node2', 'node3'];
      for (const name of names.slice(1)) await members.join(name, ['node1']);
      await members.settled(['node1'], names);
      await members.stop('node1', 'SIGKILL');
      members.wipe('node1');
      await members.serve('node1');
      expect((await members.ended('node1')).code).toBe(1);
      expect(members.process('node1').stderr).toMatch(/founded before.*\[member_amnesia\]/);
      await members.settled(['node2', 'node3'], names);
    }));

  it('that was removed while it was down is told when it comes back, ends, and disturbs nobody', () =>
    // So patient that a busy machine is no reason for an election.
    withMembers({ founders: 3, args: ['--election-timeout', '2s'] }, async (members) => {
      await members.ask(three, 'transfer-leader', 'node1');
      await members.stop('node3', 'SIGKILL');
      await members.ask(['node1', 'node2'], 'member', 'remove', 'node3');
      await members.settled(['node1'], ['node1', 'node2']);
      const gateway = new GatewayClient(members.address('node1'));
      const { term } = await gateway.status();
      await members.serve('node3');
      expect((await members.ended('node3')).code).toBe(1);
      expect(members.process('node3').stderr).toMatch(/was removed .*\[member_removed\]/);
      // It noted that: it does not even ask any more.
      expectRefusal(await members.refused('node3', ['serve', '--peers', members.peers]), 1, /member_removed/);
      expectRefusal(
        await members.refused('node3', ['join', ...members.joinWords('node3', ['node1'])]),
        1,
        /empty its data directory and join/,
      );
      expect((await gateway.status()).term).toBe(term);
      gateway.close();
      members.wipe('node3');
      await members.join('node3', ['node1', 'node2']);
      await members.settled(['node1'], three);
    }));

  it('goes on from its directory whatever its list of peers says by then', () =>
    withMembers({ founders: 3 }, async (members) => {
      await members.join('node4', three);
      await members.settled(three, [...three, 'node4']);
      const leader = await members.leader();
      const leaving = three.find((name) => name !== leader)!;
      await members.ask(
        three.filter((name) => name !== leaving),
        'member',
        'remove',
        leaving,
      );
      await members.ended(leaving);
      const left = [...three, 'node4'].filter((name) => name !== leaving);
      await members.settled(left, left);
      for (const name of left) await members.stop(name);
      // The founders with the list of the founding, which names one that is gone; the other by `serve`, without its address and by `join`.
      await Promise.all(left.filter((name) => name !== 'node4').map((name) => members.serve(name)));
      await members.serve('node4');
      await members.settled(['node4'], left);
      await members.stop('node4');
      await members.join('node4', left);
      await members.settled(['node4'], left);
    }));

  it('told to join with its directory goes on although no endpoint answers, so that a whole cluster can start that way', () =>
    withMembers({ founders: 1 }, async (members) => {
      await members.join('node2', ['node1']);
      await members.settled(['node1'], ['node1', 'node2']);
      for (const name of ['node2', 'node1']) await members.stop(name);
      // Neither has a quorum without the other, nor is anybody else there to be asked.
      await members.join('node2', ['node1']);
      expect(members.process('node2').stderr).toMatch(/the endpoints do not answer/);
      await members.join('node1', ['node9']);
      await members.settled(['node2'], ['node1', 'node2']);
    }));
});

describe('confusions', () => {
  let members: Members;
  beforeAll(async () => {
    members = await Members.found(3);
  });
  afterAll(() => members?.destroy());

  it('serve with an empty directory and a name that is not listed says how to join', async () => {
    const result = await members.refused('node8', ['serve', '--peers', members.peers]);
    expectRefusal(result, 2, /node8 is not in the list of peers .*raftkv join/);
  });

  it('join under the name of a member that answers is refused, and leaves nothing behind', async () => {
    const words = ['join', '--endpoints', members.address('node1'), '--port', String(members.port('node9'))];
    const result = await runCli([...words, '--id', 'node2', '--data-dir', `${members.directory}/another`]);
    expectRefusal(result, 2, /node2 is the name of a member that answers/);
    const again = await runCli([
      'serve',
      '--id',
      'node8',
      '--peers',
      members.peers,
      '--data-dir',
      `${members.directory}/another`,
    ]);
    expectRefusal(again, 2, /holds no member/);
    expect((await members.list(three)).members).toHaveLength(3);
  });

  it('join at an address that a member has, or that is taken here, is refused', async () => {
    const join = ['join', '--endpoints', members.address('node1')];
    const taken = await members.refused('node8', [...join, '--port', String(members.port('node1'))]);
    expectRefusal(taken, 1, /port_in_use/);
    const advertised = ['--port', String(members.port('node8')), '--advertise', members.address('node1')];
    expectRefusal(await members.refused('node8', [...join, ...advertised]), 2, /is the address of node1/);
    expect((await members.list(three)).members).toHaveLength(3);
  });

  it('join where nobody answers, or in the place of nobody, is refused', async () => {
    const nowhere = ['join', '--endpoints', '127.0.0.1:9', '--port', String(members.port('node8'))];
    expectRefusal(await members.refused('node8', nowhere), 1, /connect_failed/);
    const words = ['join', ...members.joinWords('node8', ['node1'])];
    expectRefusal(await members.refused('node8', [...words, '--replace', 'node7']), 1, /no member "node7"/);
    expectRefusal(
      await members.refused('node8', [...words, '--replace', 'node1', '--learner']),
      2,
      /takes nobody’s place/,
    );
  });

  it('a directory of another cluster, or of another member, is refused by serve and join alike', async () => {
    const other = await Members.found(1);
    try {
      await other.stop('node1');
      const directory = ['--data-dir', other.dataDirectory('node1')];
      const join = [
        'join',
        '--endpoints',
        members.address('node1'),
        '--port',
        String(members.port('node8')),
        ...directory,
      ];
      expectRefusal(await runCli([...join, '--id', 'node1']), 1, /storage_identity/);
      expectRefusal(await runCli([...join, '--id', 'node8']), 1, /belongs to member "node1".*opened as "node8"/);
      const serve = ['serve', '--id', 'node2', '--peers', members.peers, ...directory];
      expectRefusal(await runCli(serve), 1, /storage_identity/);
    } finally {
      await other.destroy();
    }
  });

  it('commands about members that are none say who there are', async () => {
    const endpoints = ['--endpoints', members.addresses(...three).join(',')];
    for (const words of [
      ['remove', 'node7'],
      ['promote', 'node7'],
      ['replace', 'node1', 'node7'],
    ]) {
      expectRefusal(await runCli(['member', ...words, ...endpoints]), 1, /no member "node7"; there are .*node1/);
    }
    expectRefusal(await runCli(['transfer-leader', 'node7', ...endpoints]), 1, /not_found/);
    expectRefusal(await runCli(['member', 'promote', 'node1', ...endpoints]), 2, /votes already/);
    expectRefusal(await runCli(['member', 'add', 'node8', 'nowhere', ...endpoints]), 2, /no HOST:PORT/);
    expectRefusal(await runCli(['member', 'remove', ...endpoints]), 2, /missing required argument/);
  });
});

describe('an operator', () => {
  it('keeps places, joins learners, promotes, replaces, moves and hands over by command', () =>
    withMembers({ founders: 3 }, async (members) => {
      const added = JSON.parse(
        await members.ask(three, 'member', 'add', 'node4', members.address('node4'), '--learner', '--json'),
      );
      expect(added).toMatchObject({ name: 'node4', address: members.address('node4') });
      // Who joins under the name takes the place, with another id, and with what was planned for it.
      await members.join('node4', ['node1']);
      const joined = await waitFor('node4 is there', async () => {
        const { members: all } = await members.list(three);
        return all.find(({ name, isReachable }) => name === 'node4' && isReachable);
      });
      expect(joined).toMatchObject({ role: 'learner', plan: 'stay' });
      expect(joined.id).not.toBe(added.id);
      expect(await members.ask(three, 'member', 'list')).toMatch(/node4 .*learner/);
      expect(await members.ask([...three, 'node4'], 'status')).toMatch(/node4 +learner/);
      await waitFor('it has caught up', () => members.ask(three, 'member', 'promote', 'node4'));
      await members.settled(three, [...three, 'node4']);
      const leader = await members.leader();
      await members.ask(three, 'transfer-leader', 'node4');
      expect(leader).not.toBe('node4');
      expect(await members.leader(['node4'])).toBe('node4');
      await members.join('node5', ['node4'], ['--learner']);
      await members.ask(['node4'], 'member', 'replace', 'node1', 'node5');
      const names = ['node2', 'node3', 'node4', 'node5'];
      await members.settled(names, names);
      expect((await members.ended('node1')).code).toBe(1);
    }));

  it('moves a founder, as the first change of all', () =>
    withMembers({ founders: 3 }, async (members) => {
      const leader = await members.leader();
      const follower = three.find((name) => name !== leader)!;
      const rest = three.filter((name) => name !== follower);
      await members.stop(follower);
      await members.ask(rest, 'member', 'update', follower, '--address', members.address('node9'));
      const { members: all } = await members.list(rest);
      expect(all.find(({ name }) => name === follower)?.address).toBe(members.address('node9'));
      await members.serve(follower, ['--port', String(members.port('node9'))]);
      await waitFor('it is reached there', async () => {
        const { members: now } = await members.list(rest);
        return now.every(({ isReachable }) => isReachable) || undefined;
      });
    }));

  it('cannot remove the last members that answer, and can remove the dead ones', () =>
    withMembers({ founders: 4 }, async (members) => {
      await members.stop('node4', 'SIGKILL');
      const words = (name: string): string[] => [
        'member',
        'remove',
        name,
        '--endpoints',
        members.addresses(...three).join(','),
      ];
      const dead = async (name: string): Promise<boolean> =>
        (await members.list([await members.leader(three)])).members.some(
          (each) => each.name === name && !each.isReachable,
        );
      await waitFor('node4 is missed', () => dead('node4'));
      // Three of four answer. Of three with one that is dead two would be left, and so a quorum; not of two with one that is dead.
      await waitFor('a living one goes', async () => (await runCli(words('node3'))).code === 0 || undefined);
      await members.ended('node3');
      const left = ['node1', 'node2'];
      const refused = await runCli(['member', 'remove', 'node2', '--endpoints', members.addresses(...left).join(',')]);
      expectRefusal(refused, 1, /unsafe_change/);
      await members.ask(left, 'member', 'remove', 'node4');
      await members.settled(left, left);
    }));
});
