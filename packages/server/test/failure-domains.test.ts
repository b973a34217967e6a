// The rule of browsers: in no configuration with voters of Node do the tabs alone decide, whichever change is wished for.
import type { Member, MemberChange } from '@raftkv/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  browserThatStopsNode,
  checkFailureDomains,
  doTabsDecideAgainstNode,
  failureDomains,
} from '../src/failure-domains.ts';

function member(id: string, traits: Pick<Member, 'kind' | 'domain'> = {}): Member {
  return { id, name: `name of ${id}`, address: id, storeId: `store of ${id}`, ...traits };
}
const tab = (id: string, domain = `profile of ${id}`): Member => member(id, { kind: 'tab', domain });

function check(changes: readonly MemberChange[], voters: readonly Member[], learners: readonly Member[] = []): void {
  checkFailureDomains(changes, { voters: voters.map(({ id }) => id) }, [...voters, ...learners]);
}
const promote = ({ id }: Member): MemberChange => ({ type: 'promote', id });
const remove = ({ id }: Member): MemberChange => ({ type: 'remove', id });
const unsafe = expect.objectContaining({ code: 'unsafe_change', definite: true });

describe('failure domains', () => {
  it('hold the tabs of one browser profile together, and every other member alone', () => {
    expect(failureDomains([member('n'), tab('a', 'p'), member('m'), tab('b', 'p'), { id: 'c', kind: 'tab' }])).toEqual([
      { domain: undefined, voters: ['n'] },
      { domain: 'p', voters: ['a', 'b'] },
      { domain: undefined, voters: ['m'] },
      { domain: undefined, voters: ['c'] },
    ]);
  });
});

describe('a change of voters', () => {
  const [n, m, a, b] = [member('n'), member('m'), tab('a'), tab('b')] as const;

  it('may make as many tabs voters as there are voters of Node, and no more', () => {
    expect(() => check([promote(a)], [n], [a])).not.toThrow();
    expect(() => check([promote(b)], [n, a], [b])).toThrow(unsafe);
    expect(() => check([promote(b)], [n, a], [b])).toThrow(
      '2 tabs of 3 voters would be a quorum without Node: tabs may be as many as the voters of Node, of which there would be 1',
    );
    expect(() => check([promote(b)], [n, m, a], [b])).not.toThrow();
  });

  it('may not take away the voters of Node on which that rests', () => {
    expect(() => check([remove(m)], [n, m, a, b])).toThrow(unsafe);
    expect(() => check([{ type: 'demote', id: 'm' }], [n, m, a, b])).toThrow(unsafe);
    expect(() => check([remove(n)], [n, a])).toThrow('no voter of Node would be left, and one tab would decide alone');
    expect(() => check([remove(m), remove(b)], [n, m, a, b])).not.toThrow();
  });

  it('in which a tab takes the place of another is taken', () => {
    expect(() => check([promote(b), remove(a)], [n, a], [b])).not.toThrow();
    expect(() => check([promote(b), remove(n)], [n, a], [b])).toThrow(unsafe);
  });

  it('counts who is added as a voter at once, and who is told to be a tab by the same change', () => {
    const added: MemberChange = { type: 'add', as: 'voter', member: tab('c') };
    expect(() => check([added], [n, a])).toThrow(unsafe);
    expect(() => check([{ ...added, as: 'learner' }], [n, a])).not.toThrow();
    const unknown = member('x');
    expect(() => check([{ type: 'update', id: 'x', kind: 'tab' }, promote(b)], [n, m, unknown, a], [b])).toThrow(
      unsafe,
    );
  });

  it('may not give one browser the half of them, beside more than one voter of Node: with it the quorum would go', () => {
    const [l, p1, p2, p3, q1] = [member('l'), tab('p1', 'p'), tab('p2', 'p'), tab('p3', 'p'), tab('q1', 'q')];
    expect(() => check([promote(p2)], [n, m, p1], [p2])).toThrow(unsafe);
    expect(() => check([promote(p2)], [n, m, p1], [p2])).toThrow(
      '2 of 4 voters would be tabs of one browser, and with it the quorum would go',
    );
    expect(() => check([{ type: 'add', as: 'voter', member: p2 }], [n, m, p1])).toThrow(unsafe);
    expect(() => check([promote(p3)], [n, m, l, p1, p2], [p3])).toThrow(unsafe);
    // Another browser's may, and a voter of Node makes room.
    expect(() => check([promote(q1)], [n, m, p1], [q1])).not.toThrow();
    expect(() => check([promote(p2)], [n, m, l, p1], [p2])).not.toThrow();
    expect(() => check([remove(l)], [n, m, l, p1, p2])).toThrow(unsafe);
    // Tabs that do not say count for themselves, as those of earlier builds do.
    const silent = [member('s', { kind: 'tab' }), member('t', { kind: 'tab' })] as const;
    expect(() => check([promote(silent[1])], [n, m, silent[0]], [silent[1]])).not.toThrow();
  });

  it('may grow from one voter of Node, or one tab, as far as any other', () => {
    const [l, p1, p2] = [member('l'), tab('p1', 'p'), tab('p2', 'p')];
    // Two voters need each other, whatever they are.
    expect(() => check([promote(p1)], [n], [p1])).not.toThrow();
    expect(() => check([promote(m)], [n, p1], [m])).not.toThrow();
    expect(() => check([promote(l)], [n, m, p1], [l])).not.toThrow();
    expect(() => check([promote(p2)], [n, m, l, p1], [p2])).not.toThrow();
    expect(() => check([promote(n)], [p1], [n])).not.toThrow();
    expect(() => check([promote(p2)], [p1], [p2])).not.toThrow();
  });

  it('is never kept from the way out, where a browser has too many already', () => {
    const [l, p1, p2, p3] = [member('l'), tab('p1', 'p'), tab('p2', 'p'), tab('p3', 'p')];
    expect(() => check([remove(p2)], [n, m, p1, p2])).not.toThrow();
    expect(() => check([promote(l)], [n, m, p1, p2], [l])).not.toThrow();
    expect(() => check([remove(p3)], [n, m, l, p1, p2, p3])).not.toThrow();
    expect(() => check([{ type: 'update', id: 'n', name: 'another' }], [n, m, p1, p2])).not.toThrow();
  });

  it('of tabs alone, and one that leaves the voters as they are, is nothing to object to', () => {
    expect(() => check([promote(b)], [a], [b])).not.toThrow();
    expect(() => check([{ type: 'update', id: 'n', name: 'another' }], [n, a, b])).not.toThrow();
    expect(() => check([remove(a)], [n], [a])).not.toThrow();
  });
});

it('no walk of changes that are taken comes to tabs that decide against Node', () => {
  const step = fc.record({
    type: fc.constantFrom('promote', 'demote', 'remove', 'add'),
    pick: fc.nat(20),
    isTab: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const members = [member('n0')];
      let voters = ['n0'];
      for (const [at, { type, pick, isTab }] of steps.entries()) {
        const some = members[pick % members.length]!;
        const fresh = isTab ? tab(`t${at}`, `p${pick % 3}`) : member(`m${at}`);
        const change: MemberChange =
          type === 'add' ? { type, as: 'voter', member: fresh } : ({ type, id: some.id } as MemberChange);
        if (type !== 'add' && (type === 'promote') === voters.includes(some.id)) continue;
        if (type !== 'add' && type !== 'promote' && voters.length === 1) continue;
        try {
          checkFailureDomains([change], { voters }, members);
        } catch {
          continue;
        }
        if (type === 'add') {
          members.push(fresh);
          voters = [...voters, fresh.id];
        } else voters = type === 'promote' ? [...voters, some.id] : voters.filter((id) => id !== some.id);
        const present = voters.map((id) => members.find((each) => each.id === id)!);
        expect(doTabsDecideAgainstNode(present)).toBe(false);
        // The same, counted in votes: without a voter of Node there is no majority.
        const tabs = present.filter(({ kind }) => kind === 'tab').length;
        const quorum = Math.floor(present.length / 2) + 1;
        expect(tabs).toBeLessThan(quorum);
        // Nor is there one without a browser, where there is one without any single voter.
        const most = Math.max(...failureDomains(present).map((one) => one.voters.length));
        if (present.length - 1 >= quorum && tabs < present.length) {
          expect(present.length - most).toBeGreaterThanOrEqual(quorum);
          expect(browserThatStopsNode(present)).toBeUndefined();
        }
      }
    }),
  );
});
