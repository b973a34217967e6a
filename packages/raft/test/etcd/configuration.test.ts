// etcd's scripts over a configuration alone (etcd-io/raft, confchange/testdata), retold as tables for planChange and what follows
// it. Theirs name newcomers; here a newcomer's id is made of the entry's index, so newcomers stand as learners beforehand
// where their id matters. A change of voters is always joint here, so what they forbid a simple change is a joint one.
import { describe, expect, it } from 'vitest';
import { planChange, withoutOutgoing } from '../../src/configuration-change.ts';
import type { Configuration, MemberChange } from '../../src/index.ts';
import { describeConfiguration } from '../trace.ts';
import { isJoint, isWellFormed } from '../../src/configuration.ts';

/** "12+34": voters and learners. */
function parse(text: string): Configuration {
  const [voters = '', learners = ''] = text.split('+');
  return { voters: [...voters], votersOutgoing: [], learners: [...learners] };
}

/** "v2 l1 r3": to be voter, learner, gone. */
function changesOf(text: string): MemberChange[] {
  const types = { v: 'promote', l: 'demote', r: 'remove' } as const;
  return text.split(' ').map((word) => ({ type: types[word[0] as 'v' | 'l' | 'r'], id: word.slice(1) }));
}

/** Through a change and out of it: what was entered and what is left, or why not. */
function carryOut(before: string, changes: string | MemberChange[]): string[] {
  const list = typeof changes === 'string' ? changesOf(changes) : changes;
  const { configuration, refused } = planChange(parse(before), list, { index: 9, isCaughtUp: () => true });
  if (configuration === undefined) return [refused];
  expect(isWellFormed(configuration)).toBe(true);
  const entered = describeConfiguration(configuration);
  return isJoint(configuration) ? [entered, describeConfiguration(withoutOutgoing(configuration))] : [entered];
}

describe('etcd’s configuration scripts', () => {
  it.each([
    // configuration before, change, joint configuration and what it leads to
    ['joint_autoleave: two voters at once, left without being asked', '1+23', 'v2 v3', ['123/1', '123']],
    ['joint_idempotency: who is absent cannot go', '1', 'r9', ['invalid']],
    ['joint_idempotency: nor be changed twice in one change', '1+234', 'v2 v3 v4 r4', ['invalid']],
    ['joint_idempotency: the first voter demoted, another in its place', '1+23', 'v3 l1', ['3/1+2 (1)', '3+12']],
    [
      'joint_learners_next: a voter that is demoted is a learner only when the old half is gone',
      '1+2',
      'v2 l1',
      ['2/1 (1)', '2+1'],
    ],
    ['joint_safety: nobody to vote', '1', 'r1', ['invalid']],
    ['joint_safety: all voters replaced, a learner stays', '1+234', 'r1 v2 v3', ['23/1+4', '23+4']],
    ['simple_idempotency: who votes cannot be made to', '1', 'v1', ['invalid']],
    ['simple_idempotency: who learns cannot be made to', '2+1', 'l1', ['invalid']],
    ['simple_idempotency: demoted', '12', 'l1', ['2/12 (1)', '2+1']],
    ['simple_idempotency: a learner goes in one step', '2+1', 'r1', ['2']],
    ['simple_promote_demote: both at once for one member', '12', 'l1 v1', ['invalid']],
    ['simple_promote_demote: demoted', '123', 'l2', ['13/123 (2)', '13+2']],
    ['simple_promote_demote: promoted', '13+2', 'v2', ['123/13', '123']],
    ['simple_safety: a configuration without voters', '12', 'l1 l2', ['invalid']],
    ['simple_safety: all removed', '12', 'r1 r2', ['invalid']],
    ['simple_safety: the only voter demoted', '1', 'l1', ['invalid']],
    ['simple_safety: two voters change, which takes the joint configuration', '12+5', 'r1 v5', ['25/12', '25']],
    ['simple_safety: two voters come', '12+34', 'v3 v4', ['1234/12', '1234']],
    ['simple_safety: learners go by the handful', '1+2345', 'r2 r3 r4 r5', ['1']],
    ['zero: an id that nobody has', '1', 'v0', ['invalid']],
  ])('%s', (_, before, changes, expected) => {
    expect(carryOut(before, changes)).toEqual(expected);
  });

  it('update: a record alone changes in one step, and nothing else with it', () => {
    const update: MemberChange = { type: 'update', id: '1', name: 'n1', address: 'host:1' };
    expect(carryOut('12', [update])).toEqual(['12']);
    expect(carryOut('1+2', [update, { type: 'promote', id: '2' }])).toEqual(['12/1', '12']);
    expect(carryOut('12', [{ type: 'update', id: '3', name: 'n3' }])).toEqual(['invalid']);
  });

  it('simple_safety: learners come in one step, as many as there are', () => {
    const newcomers = ['n3', 'n4'].map((name): MemberChange => ({
      type: 'add',
      member: { name, address: name, storeId: undefined },
      as: 'learner',
    }));
    expect(carryOut('12', newcomers)).toEqual(['12+[9][9.1]']);
  });
});
