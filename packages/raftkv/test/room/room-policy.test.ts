// Who votes in a room: a table of situations, and random walks of tabs that come, hide, leave and crash, in which the policy's own rules must hold.
import assert from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRoomChange, votersWanted } from '../../src/room/room-policy.ts';
import type { RoomChange, RoomMemberView, RoomTab, RoomView } from '../../src/room/room-policy.ts';

function tab(word: string, more: Partial<RoomTab> = {}): RoomTab {
  return {
    word,
    domain: `profile of ${word}`,
    isVisible: true,
    forMilliseconds: 60_000,
    upMilliseconds: 60_000,
    isMobile: false,
    isEphemeral: false,
    isLeaving: false,
    ...more,
  };
}
const voter = (word: string, more: Partial<RoomTab> = {}): RoomMemberView => {
  const made = tab(word, more);
  return { id: `id of ${word}`, word, domain: made.domain, tab: made, goneMilliseconds: 0 };
};
const gone = (word: string, goneMilliseconds = 60_000): RoomMemberView => ({
  ...voter(word),
  tab: undefined,
  goneMilliseconds,
});
function next(
  voters: readonly RoomMemberView[],
  others: readonly RoomTab[] = [],
  learners: readonly RoomMemberView[] = [],
) {
  return nextRoomChange({ selfId: 'id of a', voters, learners, others });
}
const admit = (word: string, replaced?: string): RoomChange => ({
  type: 'admit',
  word,
  replaces: replaced === undefined ? undefined : `id of ${replaced}`,
});
const remove = (word: string): RoomChange => ({ type: 'remove', id: `id of ${word}` });
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((word) => voter(word)) as [
  RoomMemberView,
  RoomMemberView,
  RoomMemberView,
  RoomMemberView,
];

describe('how many vote', () => {
  it('is 1, 3 or 5, and two of two', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 20].map((tabs) => votersWanted(tabs))).toEqual([0, 1, 2, 3, 3, 5, 5, 5]);
    expect([1, 2, 3, 9].map((tabs) => votersWanted(tabs, 3))).toEqual([1, 2, 3, 3]);
  });
});

describe('the next change', () => {
  it('lets tabs in one after the other, and the rest stay observers', () => {
    expect(next([a], [tab('b'), tab('c')])).toEqual(admit('b'));
    expect(next([a, b], [tab('c')])).toEqual(admit('c'));
    expect(next([a, b, c], [tab('d')])).toBeUndefined();
    expect(next([a, b, c], [tab('d'), tab('e')])).toEqual(admit('d'));
  });

  it('waits for a learner that is on its way, and gives up one that is not there', () => {
    expect(next([a], [tab('c')], [b])).toBeUndefined();
    expect(next([a], [tab('c')], [gone('b', 2_000)])).toBeUndefined();
    expect(next([a], [tab('c')], [gone('b')])).toEqual(remove('b'));
    expect(next([a], [tab('c')], [voter('b', { isLeaving: true })])).toEqual(remove('b'));
  });

  it('asks nobody who came just now, or became visible just now', () => {
    expect(next([a], [tab('b', { upMilliseconds: 1_000 })])).toBeUndefined();
    expect(next([a], [tab('b', { forMilliseconds: 1_000 })])).toBeUndefined();
    expect(next([a], [tab('b', { isLeaving: true })])).toBeUndefined();
  });

  it('prefers who is seen, of another profile, lasting, on a desk, and there for longer', () => {
    const poor = [
      tab('e', { isVisible: false }),
      tab('f', { domain: a.domain! }),
      tab('g', { isEphemeral: true }),
      tab('h', { isMobile: true }),
      tab('i', { upMilliseconds: 50_000 }),
    ];
    expect(next([a], [...poor, tab('z')])).toEqual(admit('z'));
    for (const each of poor) expect(next([a], [each])).toEqual(admit(each.word));
  });

  it('lets go who leaves, at once, down to one', () => {
    expect(next([a, b, voter('c', { isLeaving: true })], [tab('d')])).toEqual(remove('c'));
    expect(next([a, voter('b', { isLeaving: true })])).toEqual(remove('b'));
    expect(next([voter('a', { isLeaving: true }), b])).toEqual(remove('a'));
    expect(next([voter('a', { isLeaving: true }), voter('b', { isLeaving: true }), c])).toEqual(remove('b'));
    expect(next([voter('a', { isLeaving: true })])).toBeUndefined();
  });

  it('lets a tab that is there take over where all voters go, and lets them go then, one after the other', () => {
    const [going, other] = [voter('a', { isLeaving: true }), voter('b', { isLeaving: true })];
    const young = tab('c', { upMilliseconds: 10, forMilliseconds: 10 });
    expect(next([going], [young])).toEqual(admit('c'));
    expect(next([going], [tab('c', { isLeaving: true })])).toBeUndefined();
    expect(next([going], [], [voter('c')])).toBeUndefined();
    expect(next([going, voter('c')])).toEqual(remove('a'));
    // Two that go: one of them is let go by both.
    expect(next([going, other])).toEqual(remove('b'));
    // With one that is away nothing can be agreed on.
    expect(next([going, gone('b')], [young])).toBeUndefined();
    expect(next([a, { ...b, isOut: true }, other])).toEqual(remove('b'));
    expect(next([going, { ...b, isOut: true }])).toEqual(remove('b'));
  });

  it('takes a learner out that has come no nearer to a vote for long, though it is there', () => {
    const learner = voter('c');
    expect(next([a, b], [tab('d')], [{ ...learner, idleMilliseconds: 29_999 }])).toBeUndefined();
    expect(next([a, b], [tab('d')], [{ ...learner, idleMilliseconds: 30_000 }])).toEqual(remove('c'));
  });

  it('replaces who was hidden for long by who is seen, and nobody by who is hidden too', () => {
    const hidden = voter('b', { isVisible: false });
    expect(next([a, hidden, c], [tab('d')])).toEqual(admit('d', 'b'));
    expect(next([a, hidden, c], [tab('d', { isVisible: false })])).toBeUndefined();
    expect(next([a, voter('b', { isVisible: false, forMilliseconds: 59_000 }), c], [tab('d')])).toBeUndefined();
    expect(next([a, hidden, c], [tab('d', { forMilliseconds: 9_000 })])).toBeUndefined();
  });

  it('replaces who is away, or shrinks if nobody can take the place', () => {
    expect(next([a, b, gone('c')], [tab('d')])).toEqual(admit('d', 'c'));
    expect(next([a, b, gone('c')])).toEqual(remove('c'));
    expect(next([a, b, gone('c', 5_000)], [tab('d')])).toBeUndefined();
    expect(next([a, gone('b'), gone('c')], [tab('d')])).toBeUndefined();
    expect(next([a, gone('b')], [tab('d')])).toBeUndefined();
  });

  it('comes back to an odd number, without the one that is missed least', () => {
    expect(next([a, b, c, d])).toEqual(remove('d'));
    expect(next([a, b, voter('c', { domain: b.domain! }), d])).toEqual(remove('c'));
    expect(next([a, voter('b', { isMobile: true }), c, d])).toEqual(remove('b'));
  });

  it('spreads the voters over profiles', () => {
    const twin = voter('b', { domain: a.domain! });
    expect(next([a, twin, c], [tab('d')])).toEqual(admit('d', 'b'));
    expect(next([a, twin, c], [tab('d', { domain: c.domain! })])).toBeUndefined();
  });
});

/** A room in which changes take effect as they are asked for, and tabs do as the walk says. */
class Walk {
  tabs = new Map<string, { visible: boolean; since: number; up: number; leaving: boolean; domain: string }>();
  voters: { id: string; word: string; domain: string; goneAt: number | undefined }[] = [];
  pending: { word: string; id: string; replaces: string | undefined } | undefined;
  now = 0;
  #ids = 0;

  open(domain: string): void {
    const word = `w${this.tabs.size + this.#ids++}`;
    this.tabs.set(word, { visible: true, since: this.now, up: this.now, leaving: false, domain });
    if (this.voters.length === 0) this.voters.push({ id: `m${word}`, word, domain, goneAt: undefined });
  }
  close(word: string): void {
    this.tabs.delete(word);
    for (const each of this.voters) if (each.word === word) each.goneAt ??= this.now;
  }
  get living() {
    return this.voters.filter(({ word }) => this.tabs.get(word)?.leaving === false);
  }
  get hasQuorum(): boolean {
    return this.voters.filter(({ word }) => this.tabs.has(word)).length > Math.floor(this.voters.length / 2);
  }
  view(): RoomView {
    const seen = (word: string): RoomTab | undefined => {
      const found = this.tabs.get(word);
      if (found === undefined) return undefined;
      const { visible, since, up, leaving, domain } = found;
      const times = { forMilliseconds: this.now - since, upMilliseconds: this.now - up };
      return tab(word, { ...times, isVisible: visible, isLeaving: leaving, domain });
    };
    const members = this.voters.map(({ id, word, domain, goneAt }) => ({
      id,
      word,
      domain,
      tab: seen(word),
      goneMilliseconds: goneAt === undefined ? 0 : this.now - goneAt,
    }));
    const { pending } = this;
    const learners =
      pending === undefined
        ? []
        : [
            {
              id: pending.id,
              word: pending.word,
              domain: undefined,
              tab: seen(pending.word),
              goneMilliseconds: this.tabs.has(pending.word) ? 0 : 60_000,
            },
          ];
    const taken = new Set([...this.voters.map(({ word }) => word), pending?.word]);
    const others = [...this.tabs.keys()].filter((word) => !taken.has(word)).map((word) => seen(word)!);
    return { selfId: this.living[0]?.id ?? '', voters: members, learners, others };
  }
  carryOut(change: RoomChange): void {
    if (change.type === 'admit') {
      this.pending = { word: change.word, id: `m${change.word}-${this.#ids++}`, replaces: change.replaces };
      return;
    }
    if (this.pending?.id === change.id) this.pending = undefined;
    else this.voters = this.voters.filter(({ id }) => id !== change.id);
  }
  promote(): void {
    const { pending } = this;
    const found = pending && this.tabs.get(pending.word);
    if (pending === undefined || found === undefined || found.leaving) return;
    this.pending = undefined;
    this.voters = this.voters.filter(({ id }) => id !== pending.replaces);
    this.voters.push({ id: pending.id, word: pending.word, domain: found.domain, goneAt: undefined });
  }
  /** As a leader does it: until nothing is left to do. Answers how many changes that took. */
  settle(): number {
    for (let changes = 0; ; changes += 1) {
      this.promote();
      const change = this.hasQuorum && this.living.length > 0 ? nextRoomChange(this.view()) : undefined;
      if (change === undefined) return changes;
      assert(this.pending === undefined || change.type === 'remove', 'two changes at once');
      const had = this.living.length > Math.floor(this.voters.length / 2);
      this.carryOut(change);
      // Never a change that loses the quorum of those who are there.
      assert(!had || this.living.length > Math.floor(this.voters.length / 2), 'the quorum is lost');
      assert(changes < 40, 'it does not come to rest');
    }
  }
}

const step = fc.record({
  type: fc.constantFrom('open', 'crash', 'leave', 'hide', 'show', 'wait'),
  pick: fc.nat(1000),
  seconds: fc.nat(120),
});

it('random walks: what is asked for ends, keeps the quorum, and then stays as it is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const walk = new Walk();
      walk.open('p0');
      for (const { type, pick, seconds } of steps) {
        const words = [...walk.tabs.keys()];
        const word = words[pick % Math.max(1, words.length)];
        if (type === 'open' && words.length < 9) walk.open(`p${pick % 4}`);
        else if (type === 'wait' || word === undefined) walk.now += seconds * 1000;
        else if (type === 'crash') walk.close(word);
        else if (type === 'leave') {
          walk.tabs.get(word)!.leaving = true;
          walk.settle();
          walk.close(word);
        } else {
          const found = walk.tabs.get(word)!;
          if (found.visible !== (type === 'show')) Object.assign(found, { visible: type === 'show', since: walk.now });
        }
        walk.settle();
      }
      // All stay as they are from here on: it comes to rest, and nothing moves any more.
      walk.now += 600_000;
      walk.settle();
      walk.now += 600_000;
      expect(walk.settle()).toBe(0);
      if (!walk.hasQuorum) return;
      expect(walk.voters.length).toBe(votersWanted(walk.tabs.size));
      // No shared domain while a seen stranger could have the place.
      const domains = walk.voters.map(({ domain }) => domain);
      const voting = new Set(walk.voters.map(({ word }) => word));
      const strangers = [...walk.tabs].filter(
        ([at, found]) => !voting.has(at) && found.visible && !domains.includes(found.domain),
      );
      if (strangers.length > 0) expect(new Set(domains).size).toBe(domains.length);
    }),
    { numRuns: 500 },
  );
});

it('closing tabs in order, one after another, never loses the room', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 9 }),
      fc.array(fc.nat(100), { minLength: 9, maxLength: 9 }),
      (count, picks) => {
        const walk = new Walk();
        for (let each = 0; each < count; each += 1) walk.open(`p${each % 3}`);
        walk.now += 60_000;
        walk.settle();
        for (const pick of picks) {
          if (walk.tabs.size === 1) break;
          const word = [...walk.tabs.keys()][pick % walk.tabs.size]!;
          walk.tabs.get(word)!.leaving = true;
          walk.settle();
          walk.close(word);
          expect(walk.hasQuorum).toBe(true);
        }
        expect(walk.voters).toHaveLength(1);
      },
    ),
  );
});
