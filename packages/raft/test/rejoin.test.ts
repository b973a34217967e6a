// Who comes back disturbs nobody: a member that was cut off, that was restarted, or that is a member no longer.
import { Cluster } from './cluster.ts';
import { describe, expect, it } from 'vitest';

describe('a member that comes back', () => {
  it('after a long partition asks around before it takes a term, and the leader leads on', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.isolate('c');
    cluster.pass(300);
    expect(cluster.status('c')).toMatchObject({ term: 1, leaderId: undefined });
    cluster.propose('a', 'p1');
    cluster.heal();
    cluster.pass(5);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(cluster.status('c')).toMatchObject({ role: 'follower', term: 1, leaderId: 'a' });
    expect(cluster.applied('c')).toEqual(['', 'p1']);
  });

  it('after a restart waits for its leader, however short its luck with the dice', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    for (let i = 0; i < 20; i++) {
      cluster.crash('c');
      cluster.pass(3);
      cluster.restart('c');
      cluster.pass(25);
    }
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(cluster.status('c')).toMatchObject({ role: 'follower', leaderId: 'a' });
  });

  it('one heartbeat after a restart may campaign, and is ignored by those who hear the leader', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.crash('c');
    cluster.restart('c');
    cluster.campaign('c');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
    cluster.pass(3);
    expect(cluster.status('c')).toMatchObject({ role: 'follower', leaderId: 'a' });
  });

  it('with a higher term, as a candidate that was cut off, costs one election and no more', () => {
    const cluster = new Cluster('abc');
    cluster.elect('a');
    cluster.cut('c', 'a');
    cluster.cut('c', 'b');
    cluster.receive({ type: 'timeoutNowRequest', from: 'a', to: 'c', term: 1 });
    cluster.work('c');
    expect(cluster.status('c')).toMatchObject({ role: 'candidate', term: 2 });
    cluster.lose();
    cluster.heal();
    cluster.pass(60);
    const leaders = cluster.ids.filter((id) => cluster.status(id).role === 'leader');
    expect(leaders).toHaveLength(1);
    expect(cluster.status(leaders[0]!).term).toBeLessThanOrEqual(3);
    cluster.pass(200);
    expect(cluster.ids.filter((id) => cluster.status(id).role === 'leader')).toEqual(leaders);
  });

  it('and is a member no longer is not heard, whatever it asks and however long', () => {
    // d was removed while it was away; it still believes in a configuration of four.
    const four = new Cluster('abcd');
    const cluster = new Cluster('abc');
    cluster.elect('a');
    for (let i = 0; i < 200; i++) {
      cluster.pass(1);
      four.tick('d');
      for (const message of four.lose(({ from }) => from === 'd')) {
        if (message.to !== 'd') cluster.receive(message);
      }
      cluster.receive({ type: 'voteRequest', from: 'd', to: 'b', term: 50 + i, lastIndex: 99, lastTerm: 49 });
    }
    cluster.lose(({ to }) => to === 'd');
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
  });
});
