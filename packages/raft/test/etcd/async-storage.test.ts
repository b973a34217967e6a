// etcd's scripts about storage that lags behind (etcd-io/raft, testdata), retold: async_storage_writes,
// async_storage_writes_append_aba_race. A script's append thread is a disk that persists one write when it is told to,
// its apply thread a state machine likewise. Indexes are the scripts'.
import { describe, expect, it } from 'vitest';
import { Scenario } from './scenario.ts';
import { ofType } from '../cluster.ts';

describe('async_storage_writes', () => {
  /** Everybody's oldest write, then what the disks' words make possible. */
  function persist(scenario: Scenario, ids = '123'): void {
    for (const id of ids) scenario.persistOne(id);
  }
  function apply(scenario: Scenario, ids = '123'): void {
    for (const id of ids) {
      scenario.member(id).applyOne();
      scenario.pump(id);
    }
  }
  const depth = (scenario: Scenario): number[] => [...'123'].map((id) => scenario.member(id).pendingWrites.length);
  const committed = (scenario: Scenario): number[] => [...'123'].map((id) => scenario.status(id).commitIndex);
  const appliedTo = (scenario: Scenario): number[] => [...'123'].map((id) => scenario.status(id).appliedIndex);

  it('a vote is told when it is durable, and a candidate asks for none before its own is', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.outwait('23');
    for (const id of '12') scenario.holdDisk(id);
    scenario.campaign('1');
    scenario.deliverTo('23');
    scenario.deliverTo('1');
    expect(scenario.status('1')).toMatchObject({ role: 'candidate', term: 2 });
    expect(scenario.inTransit).toEqual([]);
    scenario.persistOne('1');
    scenario.dropTo('3');
    expect(scenario.inTransit).toMatchObject([{ type: 'voteRequest', to: '2' }]);
    scenario.deliverTo('2');
    expect(scenario.inTransit).toEqual([]);
    scenario.persistOne('2');
    expect(scenario.inTransit).toMatchObject([{ type: 'voteResponse', from: '2', granted: true }]);
    scenario.deliverTo('1');
    expect(scenario.status('1').role).toBe('leader');
  });

  it('a pipeline of writes, two deep on every disk: each is acknowledged when it is durable, and applied later still', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    for (const id of '123') {
      scenario.holdDisk(id);
      scenario.holdMachine(id);
    }
    scenario.propose('1', 'prop_1');
    scenario.deliverTo('123');
    scenario.propose('1', 'prop_2');
    scenario.deliverTo('123');
    expect(depth(scenario)).toEqual([2, 2, 2]);
    expect(scenario.inTransit).toEqual([]);
    expect(committed(scenario)).toEqual([11, 11, 11]);

    // One disk is no quorum, whosever it is: the leader's own does not count before it has written.
    persist(scenario, '2');
    expect(scenario.inTransit).toMatchObject([{ type: 'appendResponse', from: '2', matchIndex: 12 }]);
    scenario.deliverTo('1');
    expect(scenario.status('1')).toMatchObject({ persistedIndex: 11, commitIndex: 11 });
    persist(scenario, '13');
    expect(scenario.status('1')).toMatchObject({ persistedIndex: 12, commitIndex: 12 });
    scenario.dropTo('23');
    scenario.deliverTo('123');
    expect(committed(scenario)).toEqual([12, 11, 11]);
    scenario.propose('1', 'prop_3');
    scenario.deliverTo('123');
    expect(committed(scenario)).toEqual([12, 12, 12]);
    expect(depth(scenario)).toEqual([2, 2, 2]);

    persist(scenario);
    scenario.deliverTo('123');
    scenario.propose('1', 'prop_4');
    scenario.deliverTo('123');
    expect(committed(scenario)).toEqual([13, 13, 13]);
    // Nothing was applied so far; committed entries wait with the state machine, not with the disk.
    expect(appliedTo(scenario)).toEqual([11, 11, 11]);
    apply(scenario);
    expect(appliedTo(scenario)).toEqual([12, 12, 12]);
    persist(scenario);
    apply(scenario);
    scenario.deliverTo('123');
    scenario.deliverTo('123');
    expect(committed(scenario)).toEqual([14, 14, 14]);
    persist(scenario, '23');
    scenario.deliverTo('1');
    // The others hold 15: it is committed, though the leader's disk does not have it and so it is not applied here.
    expect(scenario.status('1')).toMatchObject({ commitIndex: 15, persistedIndex: 14 });
    scenario.deliverTo('23');
    apply(scenario);
    apply(scenario);
    expect(appliedTo(scenario)).toEqual([14, 15, 15]);
    for (const id of '123') {
      scenario.releaseDisk(id);
      scenario.releaseMachine(id);
    }
    scenario.stabilize();
    expect(scenario.state()).toEqual([
      '1 leader term 2 commit 15',
      '2 follower term 2 commit 15',
      '3 follower term 2 commit 15',
    ]);
    for (const id of '123') {
      expect(scenario.applied(id)).toEqual(['start', '', 'prop_1', 'prop_2', 'prop_3', 'prop_4']);
    }
  });
});

describe('async_storage_writes_append_aba_race', () => {
  /** `id` is elected by those who give it a vote, and appends; what it sends to anybody waits. */
  function win(scenario: Scenario, id: string, voters: string): void {
    scenario.outwait(voters);
    scenario.campaign(id);
    scenario.deliverTo(voters);
    scenario.deliverTo(id);
    scenario.work(id);
    scenario.deliverTo(voters);
    for (const voter of voters) scenario.work(voter);
    scenario.deliverTo(id);
    expect(scenario.status(id).role).toBe('leader');
  }

  it('three leaders put three entries at one index of a slow disk: only the last write speaks for the last entry', () => {
    const scenario = new Scenario('1234567', { index: 10 });
    scenario.elect('2');
    const slow = scenario.member('1');
    scenario.holdDisk('1');

    scenario.propose('2', 'init_prop');
    scenario.deliverTo('1');
    scenario.dropTo('34567');
    expect(scenario.log('1')).toBe('11/2 12/2');

    win(scenario, '3', '456');
    scenario.deliverTo('1');
    scenario.dropTo('24567');
    expect(scenario.log('1')).toBe('11/2 12/3');

    // 3 dies. 1 hears of the next term by a heartbeat first, so that the term is one write and the entry another.
    win(scenario, '4', '567');
    const appends = scenario.lose(({ to, type }) => to === '1' && type === 'appendRequest');
    expect(appends).toHaveLength(1);
    scenario.dropTo('1');
    scenario.beat('4');
    scenario.deliverTo('1');
    scenario.receive(appends[0]!);
    expect(scenario.status('1')).toMatchObject({ term: 4, leaderId: '4', persistedIndex: 11 });
    expect(scenario.log('1')).toBe('11/2 12/4');
    expect(slow.pendingWrites.map(({ hardState, entries }) => [hardState?.term, entries[0]?.term])).toEqual([
      [2, 2],
      [3, 3],
      [4, undefined],
      [undefined, 4],
    ]);

    const fromSlow = (): unknown[] => scenario.inTransit.filter(({ from }) => from === '1');
    const onDisk = (): number | undefined => slow.disk.entries.at(-1)?.term;
    // The entry of 2, then that of 3: durable, and long replaced in the log. Nobody is told of them.
    scenario.persistOne('1');
    expect([onDisk(), scenario.status('1').persistedIndex]).toEqual([2, 11]);
    scenario.persistOne('1');
    expect([onDisk(), scenario.status('1').persistedIndex]).toEqual([3, 11]);
    expect(fromSlow()).toEqual([]);
    // The term: the heartbeat may be answered.
    scenario.persistOne('1');
    expect([onDisk(), scenario.status('1').persistedIndex]).toEqual([3, 11]);
    expect(fromSlow()).toMatchObject([
      { type: 'appendResponse', to: '4', term: 4, matchIndex: 11 },
      { type: 'heartbeatResponse', to: '4', term: 4 },
    ]);
    scenario.lose(ofType('appendResponse'));
    scenario.persistOne('1');
    expect([onDisk(), scenario.status('1').persistedIndex]).toEqual([4, 12]);
    expect(fromSlow()).toMatchObject([
      { type: 'heartbeatResponse' },
      { type: 'appendResponse', to: '4', matchIndex: 12 },
    ]);
    expect(slow.disk.entries.map(({ index, term }) => `${index}/${term}`).join(' ')).toBe(scenario.log('1'));
  });
});
