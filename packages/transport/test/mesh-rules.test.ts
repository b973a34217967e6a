// The rules for one channel a pair, seen from both sides at once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialsFirst, isOlderStart, mayDial, passes, replaces } from '../src/mesh-rules.ts';
import type { Link } from '../src/mesh-rules.ts';
import { RaftkvError } from '@raftkv/wire';
import { peersOf } from './mesh-member.ts';

const raceMilliseconds = 3000;

/** The channel that a side ends up with, given the moments at which it saw each one open. */
function survivor(links: readonly Link[]): string {
  const [first, second] = [...links].sort((x, y) => x.openedAt - y.openedAt);
  if (first === undefined || second === undefined) throw new Error('two links');
  return replaces(second, first, raceMilliseconds) ? second.diallerId : first.diallerId;
}

const link = (diallerId: string, openedAt: number, isOpen = true, path: Link['path'] = undefined): Link => ({
  diallerId,
  openedAt,
  isOpen,
  path,
  bootCount: 0,
});

describe('the rules for one channel a pair', () => {
  it('let both sides keep the same one when both dialled, in whatever order each saw them open', () => {
    const moment = fc.nat(raceMilliseconds / 2);
    fc.assert(
      fc.property(moment, moment, moment, moment, (a1, b1, a2, b2) => {
        fc.pre(a1 !== b1 && a2 !== b2);
        const atOneSide = survivor([link('a', a1), link('b', b1)]);
        const atTheOther = survivor([link('a', a2), link('b', b2)]);
        expect([atOneSide, atTheOther]).toEqual(['a', 'a']);
      }),
      { seed: 4 },
    );
  });

  it('prefer a direct one to a relayed one, whoever dialled which, in whatever order each saw them open', () => {
    const direct = (id: string, at: number): Link => link(id, at, true, 'direct');
    const relayed = (id: string, at: number): Link => link(id, at, true, 'relayed');
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      expect(replaces(direct(one, 10), relayed(other, 5), raceMilliseconds)).toBe(true);
      expect(replaces(direct(one, 9000), relayed(other, 5), raceMilliseconds)).toBe(true);
      expect(replaces(relayed(other, 10), direct(one, 5), raceMilliseconds)).toBe(false);
      // Somebody dialled in spite of it: it is lost there.
      expect(replaces(relayed(other, 9000), direct(one, 5), raceMilliseconds)).toBe(true);
    }
    expect(replaces(relayed('a', 10), direct('a', 5), raceMilliseconds)).toBe(true);
  });

  it('let a newer start take the place of an older one, whoever dialled', () => {
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const older = { ...link(one, 5), bootCount: 3 };
      expect(replaces({ ...link(other, 6), bootCount: 4 }, older, raceMilliseconds)).toBe(true);
      expect(isOlderStart(older, 4)).toBe(true);
    }
    // Of the same start, or where one does not tell, the other rules decide.
    expect(replaces({ ...link('b', 6), bootCount: 3 }, { ...link('a', 5), bootCount: 3 }, raceMilliseconds)).toBe(
      false,
    );
    expect(isOlderStart(link('a', 5), 4)).toBe(false);
  });

  it('replace what the same member dialled before, and what is closed already', () => {
    expect(replaces(link('b', 10), link('b', 5), raceMilliseconds)).toBe(true);
    expect(replaces(link('b', 10), link('a', 5, false), raceMilliseconds)).toBe(true);
  });

  it('replace a channel of long standing, whoever dialled it, since somebody dialled in spite of it', () => {
    expect(replaces(link('b', 3001), link('a', 0), raceMilliseconds)).toBe(true);
    expect(replaces(link('b', 3000), link('a', 0), raceMilliseconds)).toBe(false);
  });

  it('let the smaller id dial first, unless a peer is set otherwise', () => {
    const [b] = peersOf(['b']);
    expect([dialsFirst('a', b!), dialsFirst('c', b!)]).toEqual([true, false]);
    expect([dialsFirst('c', { ...b!, dials: true }), mayDial({ ...b!, dials: false }), mayDial(b!)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('take busy for something that passes, and amnesia for something that does not', () => {
    expect(passes(new RaftkvError('busy', 'later'))).toBe(true);
    expect(passes(new RaftkvError('member_amnesia', 'never'))).toBe(false);
  });
});
