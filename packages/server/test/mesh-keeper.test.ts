// The mesh follows the roster: members are peers at once, those that were removed for a while longer, and this member goes when it is removed itself.
import type { Configuration, Member } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { MeshKeeper } from '../src/mesh-keeper.ts';
import { Roster } from '../src/roster.ts';

const all: Member[] = ['1', '2', '3'].map((digit) => ({
  id: `000000000000000${digit}`,
  name: `node${digit}`,
  address: `h:${digit}`,
  storeId: `S${digit}`,
}));
const [self, second, third] = all.map(({ id }) => id) as [string, string, string];

function configuration(...ids: readonly string[]): Configuration {
  return { voters: ids, votersOutgoing: [], learners: [], members: all.filter(({ id }) => ids.includes(id)) };
}

/** What became of the peers, in order; `pass` lets all time pass. */
function stage(...ids: readonly string[]) {
  const told: string[] = [];
  let timers: (() => void)[] = [];
  const state = { active: configuration(...ids), committed: configuration(...ids), committedIndex: 10 };
  const roster = new Roster([], state);
  const keeper = new MeshKeeper({
    memberId: self,
    roster,
    mesh: {
      addPeer: ({ name, address }) => told.push(`${name} at ${address}`),
      removePeer: (id) => told.push(`not ${id.at(-1)}`),
    },
    graceMilliseconds: 900,
    clock: {
      schedule: (callback) => {
        timers.push(callback);
        return () => (timers = timers.filter((timer) => timer !== callback));
      },
    },
    onRemoved: () => told.push('removed'),
  });
  const change = (active: Configuration, committed = active, committedIndex = 20): void =>
    roster.update({ active, committed, committedIndex });
  const pass = (): void => timers.splice(0).forEach((timer) => timer());
  return { told, change, pass, keeper };
}

describe('the mesh', () => {
  it('has every member but this one from the start, and a new one as soon as its entry is there', () => {
    const { told, change } = stage(self, second);
    expect(told.splice(0)).toEqual(['node2 at h:2']);
    change(configuration(self, second, third), configuration(self, second), 10);
    expect(told).toContain('node3 at h:3');
  });

  it('keeps a member that was removed for a while after that is certain, so that it hears of it', () => {
    const { told, change, pass } = stage(self, second, third);
    told.splice(0);
    change(configuration(self, second), configuration(self, second, third), 10);
    pass();
    expect(told.filter((word) => word.startsWith('not'))).toEqual([]);
    change(configuration(self, second));
    expect(told.filter((word) => word.startsWith('not'))).toEqual([]);
    pass();
    expect(told.filter((word) => word.startsWith('not'))).toEqual(['not 3']);
  });

  it('keeps one whose removal was taken back', () => {
    const { told, change, pass } = stage(self, second, third);
    change(configuration(self, second));
    change(configuration(self, second, third));
    pass();
    expect(told.filter((word) => word.startsWith('not'))).toEqual([]);
  });

  it('says when this member was removed, after its time, once; and nothing after it was closed', () => {
    const { told, change, pass } = stage(self, second);
    told.splice(0);
    change(configuration(second), configuration(self, second), 10);
    pass();
    expect(told).not.toContain('removed');
    change(configuration(second));
    change(configuration(second, third));
    expect(told).not.toContain('removed');
    pass();
    expect(told.filter((word) => word === 'removed')).toHaveLength(1);
    const closed = stage(self, second);
    closed.change(configuration(second));
    closed.keeper.close();
    closed.pass();
    expect(closed.told).not.toContain('removed');
  });
});
