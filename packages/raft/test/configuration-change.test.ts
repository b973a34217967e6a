// What a change of members makes of a configuration: the rules one by one, and by brute force that no two quorums of neighbouring
// configurations miss each other. How a cluster carries it out is in membership.test.ts.
import { describe, expect, it } from 'vitest';
import type { Configuration, MemberChange } from '../src/index.ts';
import { planChange, withoutOutgoing } from '../src/configuration-change.ts';
import { describeConfiguration } from './trace.ts';
import { isQuorum } from '../src/quorum.ts';
import { isWellFormed } from '../src/configuration.ts';

const records = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: `n-${id}`, address: `h:${id}`, storeId: `s-${id}` }));
const base: Configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: ['d'], members: records };
const circumstances = { index: 0x2f, isCaughtUp: (id: string) => id === 'd' };

function plan(...changes: MemberChange[]): Configuration {
  const { configuration, ...refused } = planChange(base, changes, circumstances);
  if (configuration === undefined) throw new Error(JSON.stringify(refused));
  return configuration;
}
function refusal(...changes: MemberChange[]): unknown {
  const { refused, ...rest } = planChange(base, changes, circumstances);
  return [refused, 'detail' in rest ? rest.detail : undefined];
}
function newcomer(name: string, as: 'learner' | 'voter' = 'learner'): MemberChange {
  return { type: 'add', member: { name, address: `h:${name}`, storeId: undefined }, as };
}

describe('a change of members', () => {
  it.each<[string, string, string, MemberChange[]]>([
    ['adds a learner in one step', 'abc+[47]d', 'abc+[47]d', [newcomer('e')]],
    ['adds several with ids of their own', 'abc+[47][47.1]d', 'abc+[47][47.1]d', [newcomer('e'), newcomer('f')]],
    ['removes a learner in one step', 'abc', 'abc', [{ type: 'remove', id: 'd' }]],
    ['promotes through a joint configuration', 'abcd/abc', 'abcd', [{ type: 'promote', id: 'd' }]],
    ['removes a voter through a joint configuration', 'ac/abc+d', 'ac+d', [{ type: 'remove', id: 'b' }]],
    ['makes a learner of a voter when the old half is gone', 'ac/abc+d (b)', 'ac+bd', [{ type: 'demote', id: 'b' }]],
    ['adds a voter', '[47]abc/abc+d', '[47]abc+d', [newcomer('e', 'voter')]],
    ['replaces', 'acd/abc', 'acd', [{ type: 'promote', id: 'd' }, { type: 'remove', id: 'b' }]], // prettier-ignore
    ['drops a learner and a voter at once', 'ab/abc', 'ab', [{ type: 'remove', id: 'd' }, { type: 'remove', id: 'c' }]], // prettier-ignore
  ])('%s', (_, entered, left, changes) => {
    const next = plan(...changes);
    expect(isWellFormed(next)).toBe(true);
    expect(describeConfiguration(next)).toBe(entered);
    const after = withoutOutgoing(next);
    expect(isWellFormed(after)).toBe(true);
    expect(describeConfiguration(after)).toBe(left);
    // Whoever counts has a record, and nobody else.
    expect(next.members?.length).toBe(new Set([...next.voters, ...next.votersOutgoing, ...next.learners]).size);
    expect(after.members?.map(({ id }) => id)).toEqual([...after.voters, ...after.learners].toSorted());
  });

  it('makes the id of its entry’s index and keeps the records of the others (T24, T26)', () => {
    const next = plan({ type: 'add', member: { name: 'e', address: 'h:e', storeId: 's-e' }, as: 'learner' });
    expect(next.learners).toEqual(['000000000000002f', 'd']);
    expect(next.members).toEqual([{ id: '000000000000002f', name: 'e', address: 'h:e', storeId: 's-e' }, ...records]);
  });

  it('never gives an id that a member has', () => {
    const taken: Configuration = { ...base, learners: ['000000000000002f'], members: [] };
    const { configuration } = planChange(taken, [newcomer('e')], circumstances);
    expect(configuration?.learners).toEqual(['000000000000002f', '010000000000002f']);
  });

  it('corrects and completes records', () => {
    const members = [{ ...records[0]!, storeId: undefined, plan: 'promote' }];
    const changes: MemberChange[] = [
      { type: 'update', id: 'a', address: 'h:9', storeId: 's-9' },
      { type: 'update', id: 'b', name: 'n-b', address: 'h:b' },
    ];
    const { configuration } = planChange({ ...base, members }, changes, circumstances);
    expect(configuration?.members).toEqual([
      { id: 'a', name: 'n-a', address: 'h:9', storeId: 's-9', plan: 'promote' },
      { id: 'b', name: 'n-b', address: 'h:b', storeId: undefined },
    ]);
  });

  it('does not take what it could not keep: a record begins with a name and an address', () => {
    const change: MemberChange = { type: 'update', id: 'a', address: 'h:9', storeId: 's-9' };
    expect(planChange({ ...base, members: [] }, [change], circumstances)).toMatchObject({ refused: 'invalid' });
  });

  it('keeps what is planned for a member until it has come about or is taken back', () => {
    const planned = plan({ type: 'update', id: 'd', plan: 'promote' });
    expect(planned.members?.at(-1)).toMatchObject({ id: 'd', plan: 'promote' });
    for (const change of [
      { type: 'promote', id: 'd' },
      { type: 'update', id: 'd', plan: '' },
    ] as const) {
      // prettier-ignore
      const { configuration } = planChange(planned, [change], circumstances);
      expect(configuration?.members?.at(-1)).toEqual({ ...records[3], plan: undefined });
    }
  });

  it.each<[string, unknown[], MemberChange[]]>([
    ['nothing at all', ['invalid', 'a change of members without any change'], []],
    ['a stranger', ['invalid', 'x is no member'], [{ type: 'remove', id: 'x' }]],
    ['one of whom two things are wanted', ['invalid', 'd is changed twice'], [{ type: 'promote', id: 'd' }, { type: 'remove', id: 'd' }]], // prettier-ignore
    ['a voter that is to be promoted', ['invalid', 'a votes already'], [{ type: 'promote', id: 'a' }]],
    ['a learner that is to be demoted', ['invalid', 'd is a learner already'], [{ type: 'demote', id: 'd' }]],
    [
      'the last voters',
      ['invalid', 'nobody would be left to vote'],
      ['a', 'b', 'c'].map((id) => ({ type: 'demote', id })),
    ],
    ['a name that is taken', ['invalid', "the name n-a is a's"], [{ type: 'update', id: 'b', name: 'n-a' }]],
    ['an address that is taken', ['invalid', "the address h:a is a's"], [newcomer('a')]],
    ['two new ones of one name', ['invalid', "the name e is 000000000000002f's"], [newcomer('e'), newcomer('e')]],
    ['a name that one has who is on its way out', ['invalid', "the address h:b is b's"], [{ type: 'remove', id: 'b' }, newcomer('b')]], // prettier-ignore
    ['one without a name', ['invalid', '000000000000002f has no name'], [newcomer('')]],
    ['another storage under an id', ['invalid', 'a has another storage: a member without its storage is another member'], [{ type: 'update', id: 'a', storeId: 'z' }]], // prettier-ignore
    ['more than 64', ['invalid', 'more than 64 members'], Array.from({ length: 61 }, (_, i) => newcomer(`m${i}`))],
  ])('refuses %s', (_, expected, changes) => {
    expect(refusal(...changes)).toEqual(expected);
  });

  it('refuses to promote a learner that lags', () => {
    const { refused } = planChange(base, [{ type: 'promote', id: 'd' }], { ...circumstances, isCaughtUp: () => false });
    expect(refused).toBe('not-ready');
  });

  it('takes the name of a learner that leaves in the same step: nobody counts it any more', () => {
    const next = plan(
      { type: 'remove', id: 'd' },
      { type: 'add', member: { ...records[3]!, storeId: 'new' }, as: 'learner' },
    );
    expect(describeConfiguration(next)).toBe('abc+[47]');
  });
});

describe('the quorums of a configuration and of the next one', () => {
  it('always meet, by trying all groups of all changes among five (T27)', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const sets = subsets(ids).filter((set) => set.length > 0);
    let compared = 0;
    for (const before of sets) {
      for (const after of sets) {
        const old: Configuration = {
          voters: before,
          votersOutgoing: [],
          learners: ids.filter((id) => !before.includes(id)),
        };
        const changes = ids.flatMap((id): MemberChange[] => {
          if (before.includes(id) === after.includes(id)) return [];
          return [{ type: after.includes(id) ? 'promote' : 'demote', id }];
        });
        if (changes.length === 0) continue;
        const { configuration } = planChange(old, changes, { index: 1, isCaughtUp: () => true });
        const left = withoutOutgoing(configuration!);
        expect(left.voters).toEqual(after);
        expect(left.learners).toEqual(ids.filter((id) => !after.includes(id)));
        for (const [one, two] of [
          [old, configuration!],
          [configuration!, left],
        ] as const) {
          // prettier-ignore
          for (const group of subsets(ids)) {
            const rest = ids.filter((id) => !group.includes(id));
            if (isQuorum(one, (id) => group.includes(id)) && isQuorum(two, (id) => rest.includes(id))) {
              expect.fail(`${describeConfiguration(one)}: ${group}; ${describeConfiguration(two)}: ${rest}`);
            }
            compared++;
          }
        }
      }
    }
    expect(compared).toBe(31 * 30 * 2 * 32);
  });
});

function subsets(ids: readonly string[]): string[][] {
  return ids.reduce<string[][]>((sets, id) => [...sets, ...sets.map((set) => [...set, id])], [[]]);
}
