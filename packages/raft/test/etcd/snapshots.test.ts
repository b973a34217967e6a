// etcd's scripts about snapshots (etcd-io/raft, testdata), retold: slow_follower_after_compaction,
// snapshot_succeed_via_app_resp, snapshot_succeed_via_app_resp_behind; and of raft_test.go RestoreIgnoreSnapshot. Indexes are the scripts'.
import { describe, expect, it } from 'vitest';
import { Scenario } from './scenario.ts';
import { bytesOf, emptyDisk } from '../member.ts';
import { ofType } from '../cluster.ts';
import type { Message } from '../../src/index.ts';

describe('slow_follower_after_compaction', () => {
  it('a follower that waits behind a full window is brought up by a snapshot when the log under it is gone', () => {
    const scenario = new Scenario('123', { index: 10, inflight: 2 });
    scenario.elect('1');
    for (const text of ['prop_12', 'prop_13', 'prop_14']) scenario.propose('1', text);
    scenario.stabilize();
    expect(scenario.progress('1')).toEqual(['2 replicate match 14 next 15', '3 replicate match 14 next 15']);

    for (const text of ['prop_15', 'prop_16', 'prop_17', 'prop_18']) scenario.propose('1', text);
    scenario.stabilize('12');
    expect(scenario.progress('1')).toEqual([
      '2 replicate match 18 next 19',
      '3 replicate match 14 next 17 inflight 2 full',
    ]);
    scenario.dropTo('3');
    scenario.compact('1', 1);
    expect(scenario.status('1').firstIndex).toBe(18);

    scenario.beat('1');
    scenario.stabilize();
    expect(scenario.progress('1')).toEqual(['2 replicate match 18 next 19', '3 replicate match 18 next 19']);
    expect(scenario.status('3').snapshotIndex).toBe(18);
    expect(scenario.applied('3')).toEqual(scenario.applied('1'));
    scenario.propose('1', 'prop_19');
    scenario.stabilize();
    expect(scenario.log('3')).toBe('19/2');
  });
});

describe('snapshot_succeed_via_app_resp', () => {
  it('a member with nothing is caught up by a snapshot alone: it replicates without a further entry', () => {
    const scenario = new Scenario('123', { index: 10, disks: { '3': emptyDisk() } });
    scenario.campaign('1');
    scenario.stabilize('12');
    scenario.compact('1');
    expect(scenario.status('1')).toMatchObject({ role: 'leader', firstIndex: 12, lastIndex: 11, commitIndex: 11 });
    scenario.dropTo('3');
    // Nobody has heard of 3: it gets no snapshot yet.
    expect(scenario.progress('1')[1]).toBe('3 probe match 0 next 11');

    scenario.beat('1');
    scenario.stabilize('3');
    scenario.stabilize('1');
    expect(scenario.progress('1')[1]).toMatch(/^3 snapshot match 0/);
    expect(scenario.inTransit).toMatchObject([{}, { type: 'installSnapshotRequest', meta: { lastIncludedIndex: 11 } }]);
    scenario.stabilize('3');
    scenario.stabilize('1');
    expect(scenario.progress('1')[1]).toBe('3 replicate match 11 next 12');
    scenario.stabilize();
    expect(scenario.state('3')).toEqual(['3 follower term 2 commit 11']);
    expect(scenario.applied('3')).toEqual(['start', '']);
  });

  it('a member that turns out to have it all is sent no more of the snapshot: its word in answer to an append is enough', () => {
    const scenario = new Scenario('123', { index: 10, disks: { '3': emptyDisk() } });
    scenario.campaign('1');
    scenario.stabilize('12');
    scenario.compact('1');
    scenario.dropTo('3');
    scenario.beat('1');
    scenario.stabilize('3');
    scenario.stabilize('1');
    expect(scenario.progress('1')[1]).toMatch(/^3 snapshot match 0/);
    scenario.dropTo('3');
    const nothing = { rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 };
    scenario.receive({
      type: 'appendResponse',
      from: '3',
      to: '1',
      term: 2,
      success: true,
      matchIndex: 11,
      ...nothing,
    });
    expect(scenario.progress('1')[1]).toBe('3 replicate match 11 next 12');
  });
});

describe('RestoreIgnoreSnapshot', () => {
  it('a snapshot of what is there already only tells what is committed; an older one not even that', () => {
    const scenario = new Scenario('123', { index: 10 });
    scenario.elect('1');
    scenario.propose('1', 'prop_12', 'prop_13');
    scenario.stabilize('1');
    scenario.lose(({ to }) => to === '2');
    scenario.stabilize('3');
    scenario.lose();
    expect(scenario.status('3')).toMatchObject({ commitIndex: 11, lastIndex: 13, snapshotIndex: 10 });
    const snapshotOf = (lastIncludedIndex: number, lastIncludedTerm = 2): Message => {
      const configuration = { voters: ['1', '2', '3'], votersOutgoing: [], learners: [] };
      const meta = { lastIncludedIndex, lastIncludedTerm, configuration };
      return {
        type: 'installSnapshotRequest',
        from: '1',
        to: '3',
        term: 2,
        meta,
        offset: 0,
        data: bytesOf('[]'),
        done: true,
      };
    };
    scenario.receive(snapshotOf(12));
    scenario.stabilize('3');
    const after = { commitIndex: 12, lastIndex: 13, snapshotIndex: 10 };
    expect(scenario.status('3')).toMatchObject(after);
    expect(scenario.log('3')).toBe('11/2 12/2 13/2');
    for (const older of [snapshotOf(11), snapshotOf(5, 1)]) {
      scenario.receive(older);
      scenario.stabilize('3');
    }
    expect(scenario.status('3')).toMatchObject(after);
    expect(scenario.lose(ofType('installSnapshotResponse'))).toMatchObject([
      { done: true },
      { done: true },
      { done: true },
    ]);
  });
});

describe('snapshot_succeed_via_app_resp_behind', () => {
  it('a snapshot that is older than the leader’s newest serves as well, if the log goes on from it', () => {
    const scenario = new Scenario('123', {
      index: 10,
      disks: { '3': new Scenario('123', { index: 5 }).member('3').disk },
    });
    scenario.campaign('1');
    scenario.stabilize('12');
    scenario.compact('1');
    scenario.stabilize('3');
    scenario.stabilize('1');
    // 3 took the entry after 10 for one after a gap; a snapshot at 11 is on its way.
    expect(scenario.status('1').progress.get('3')).toMatchObject({ state: 'snapshot', transferIndex: 11 });
    const chunks = scenario.lose(ofType('installSnapshotRequest'));
    expect(chunks).toHaveLength(1);

    scenario.propose('1', 'foo');
    scenario.stabilize('12');
    scenario.compact('1', 1);
    expect(scenario.status('1')).toMatchObject({ snapshotIndex: 12, firstIndex: 12, commitIndex: 12 });
    scenario.dropTo('3');
    scenario.receive(chunks[0]!);
    scenario.stabilize('3');
    expect(scenario.status('3')).toMatchObject({ snapshotIndex: 11, commitIndex: 11 });
    scenario.stabilize('1');
    expect(scenario.progress('1')[1]).toBe('3 replicate match 11 next 13 inflight 1');
    scenario.stabilize();
    expect(scenario.progress('1')[1]).toBe('3 replicate match 12 next 13');
    expect(scenario.applied('3')).toEqual(['start', '', 'foo']);
  });
});
