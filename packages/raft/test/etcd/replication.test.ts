// etcd's scripts about replication (etcd-io/raft, testdata), retold: probe_and_replicate, lagging_commit, replicate_pause,
// heartbeat_resp_recovers_from_probing. Indexes are the scripts' but for the first, whose logs are the thesis's own.
import { between, diskOf, ofType } from '../cluster.ts';
import { describe, expect, it } from 'vitest';
import { Scenario } from './scenario.ts';

describe('probe_and_replicate', () => {
  // Figure 3.6 of the thesis, with a longer tail on 5: what a leader of term 8 may find.
  const logs = {
    '1': '1 1 1 4 4 5 5 6 6 6',
    '2': '1 1 1 4 4 5 5 6 6',
    '3': '1 1 1 4',
    '4': '1 1 1 4 4 5 5 6 6 6 6',
    '5': '1 1 1 4 4 5 5 6 7 7 7 7',
    '6': '1 1 1 4 4 4 4',
    '7': '1 1 1 2 2 2 3 3 3 3 3',
  };
  const agreed = '1/1 2/1 3/1 4/4 5/4 6/5 7/5 8/6 9/6 10/6 11/8';

  it('brings every log into line with the leader’s, each at its own time, after one rejection at most', () => {
    const disks = Object.fromEntries(Object.entries(logs).map(([id, terms]) => [id, diskOf(terms, 7)]));
    const scenario = new Scenario('1234567', { disks, raft: { maxAppendEntries: 1000 } });
    scenario.campaign('1');
    // 4 and 5 have more than the candidate and refuse; the others are enough.
    scenario.stabilize('1');
    scenario.deliverTo('234567');
    const grants = scenario.inTransit.filter((message) => message.type === 'preVoteResponse' && message.granted);
    expect(grants.map(({ from }) => from)).toEqual(['2', '3', '6', '7']);
    scenario.stabilize('1');
    scenario.deliverTo('234567');
    for (const id of '234567') scenario.work(id);
    scenario.deliverTo('1');
    expect(scenario.status('1')).toMatchObject({ role: 'leader', term: 8 });
    scenario.stabilize('1');

    // Each rejects once at most before its log is found to agree, as etcd's do: two hints pass over whole terms.
    const rejections: Record<string, number> = {};
    for (const id of '234567') {
      scenario.takeTrace();
      scenario.stabilize(`1${id}`);
      rejections[id] = scenario
        .takeTrace()
        .filter((line) => line.startsWith(`${id} → 1`) && line.includes('rejected')).length;
      expect(scenario.log(id)).toBe(agreed);
      expect(scenario.progress('1').find((line) => line.startsWith(id))).toBe(`${id} replicate match 11 next 12`);
    }
    expect(rejections).toEqual({ '2': 1, '3': 1, '4': 0, '5': 1, '6': 1, '7': 1 });
    scenario.stabilize();
    expect(scenario.state()).toEqual(
      [...'1234567'].map((id) => `${id} ${id === '1' ? 'leader' : 'follower'} term 8 commit 11`),
    );
  });
});

describe('lagging_commit', () => {
  it('a follower whose answer was lost learns of the commit within one heartbeat and two round trips', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.propose('1', 'data1');
    scenario.propose('1', 'data2');
    scenario.deliverTo('23');
    for (const id of '123') scenario.work(id);
    scenario.lose(between('3', '1'));
    scenario.stabilize('12');
    scenario.dropTo('3');
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 13',
      '2 follower term 2 commit 13',
      '3 follower term 2 commit 11',
    ]);
    expect(scenario.progress('1')).toEqual(['2 replicate match 13 next 14', '3 replicate match 11 next 14 inflight 2']);

    // The heartbeat says no more than what 3 is known to hold, though it holds it all.
    scenario.tick('3');
    scenario.beat('1');
    expect(scenario.inTransit.filter(ofType('heartbeatRequest'))).toMatchObject([
      { to: '2', commitIndex: 13 },
      { to: '3', commitIndex: 11 },
    ]);
    scenario.stabilize('13');
    expect(scenario.state('3')).toEqual(['3 follower term 2 commit 13']);
    expect(scenario.applied('3')).toEqual(['start', '', 'data1', 'data2']);
    expect(scenario.progress('1')[1]).toBe('3 replicate match 13 next 14');
  });
});

describe('replicate_pause', () => {
  it('stops streaming to a follower whose window is full, and finds out on a heartbeat that all of it was lost', () => {
    const scenario = new Scenario('123', { index: 10, inflight: 3 });
    scenario.elect('1');
    for (const text of ['prop_12', 'prop_13', 'prop_14']) scenario.propose('1', text);
    const full = 'replicate match 11 next 15 inflight 3 full';
    expect(scenario.progress('1')).toEqual([`2 ${full}`, `3 ${full}`]);
    scenario.stabilize('12');
    expect(scenario.progress('1')).toEqual(['2 replicate match 14 next 15', `3 ${full}`]);

    scenario.dropTo('3');
    for (const text of ['prop_15', 'prop_16', 'prop_17']) scenario.propose('1', text);
    expect(scenario.progress('1')).toEqual(['2 replicate match 14 next 18 inflight 3 full', `3 ${full}`]);
    scenario.stabilize('12');
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 17',
      '2 follower term 2 commit 17',
      '3 follower term 2 commit 11',
    ]);
    expect(scenario.progress('1')).toEqual(['2 replicate match 17 next 18', `3 ${full}`]);
    expect(scenario.inTransit).toEqual([]);

    scenario.beat('1');
    scenario.stabilize('23');
    scenario.deliverTo('1');
    expect(scenario.inTransit).toMatchObject([{ type: 'appendRequest', to: '3', prevLogIndex: 14, entries: [] }]);
    scenario.deliverTo('3');
    expect(scenario.inTransit).toMatchObject([
      { type: 'appendResponse', from: '3', success: false, rejectedIndex: 14 },
    ]);
    scenario.stabilize();
    expect(scenario.progress('1')).toEqual(['2 replicate match 17 next 18', '3 replicate match 17 next 18']);
    expect(scenario.log('3')).toBe(scenario.log('1'));
  });
});

describe('heartbeat_resp_recovers_from_probing', () => {
  it('a follower that has everything, but is probed, replicates again after a heartbeat, without a new entry', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.reportUnreachable('1', '2');
    // The probe that follows is lost like what was before it.
    scenario.dropTo('2');
    expect(scenario.progress('1')).toEqual(['2 probe match 11 next 12', '3 replicate match 11 next 12']);
    scenario.beat('1');
    scenario.stabilize();
    expect(scenario.progress('1')).toEqual(['2 replicate match 11 next 12', '3 replicate match 11 next 12']);
    expect(scenario.log('1')).toBe('11/2');
  });
});

describe('HandleMsgApp', () => {
  it('a follower commits no further than a new leader has found its log to agree', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.propose('1', 'prop_12', 'prop_13');
    scenario.stabilize('1');
    scenario.lose(({ to }) => to === '2');
    scenario.stabilize('3');
    expect(scenario.state('3')).toEqual(['3 follower term 2 commit 11']);
    const place = { prevLogIndex: 12, prevLogTerm: 2, leaderCommit: 13, entries: [] };
    scenario.receive({ type: 'appendRequest', from: '2', to: '3', term: 3, ...place });
    expect(scenario.state('3')).toEqual(['3 follower term 3 commit 12']);
  });
});
