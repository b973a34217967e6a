// A founder that lost its storage is told by those that joined, and nobody else is taken for one.
import { describe, expect, it } from 'vitest';
import { SecondFounding } from '../src/second-founding.ts';

const joined = '000000000000000a';

class Stage {
  status = { role: 'leader', term: 3, configurationIndex: 0 } as {
    role: 'leader' | 'follower';
    term: number;
    configurationIndex: number;
  };
  readonly found: string[] = [];
  timers: (() => void)[] = [];
  readonly second = new SecondFounding({
    status: () => this.status,
    patienceMilliseconds: 1_000,
    onFound: ({ code }) => this.found.push(code),
    clock: {
      schedule: (callback) => {
        this.timers.push(callback);
        return () => (this.timers = this.timers.filter((other) => other !== callback));
      },
    },
  });

  /** Whether the leader was asked to wait and see, and what came of it. */
  knock(id: string, meanwhile: () => void = () => undefined): { isInDoubt: boolean; found: readonly string[] } {
    this.second.suspect(id);
    const isInDoubt = this.timers.length > 0;
    meanwhile();
    for (const fire of this.timers.splice(0)) fire();
    return { isInDoubt, found: this.found };
  }
}

describe('a second founding', () => {
  it('is noticed by a leader without any change of members, to which one comes that a log has let in', () => {
    expect(new Stage().knock(joined)).toEqual({ isInDoubt: true, found: ['member_amnesia'] });
  });

  it.each([
    ['a founder', 'f100aa00bb00cc0d'],
    ['nobody', 'nonsense'],
  ])('is not concluded from %s', (_, id) => {
    expect(new Stage().knock(id)).toEqual({ isInDoubt: false, found: [] });
  });

  it('is not concluded by a follower, which may lag, until it leads itself; nor where members have changed', () => {
    const stage = new Stage();
    const { status } = stage;
    stage.status = { ...status, role: 'follower' };
    expect(stage.knock(joined).found).toEqual([]);
    stage.status = status;
    for (const fire of stage.timers.splice(0)) fire();
    expect(stage.found).toEqual([]);
    for (const fire of stage.timers.splice(0)) fire();
    expect(stage.found).toEqual(['member_amnesia']);
    const other = new Stage();
    other.status = { role: 'leader', term: 3, configurationIndex: 7 };
    expect(other.knock(joined).isInDoubt).toBe(false);
  });

  it('is not concluded by a leader that was deposed, had not heard of it, or hears of a change meanwhile', () => {
    const stage = new Stage();
    const { status } = stage;
    expect(stage.knock(joined, () => (stage.status = { ...status, role: 'follower' })).found).toEqual([]);
    stage.status = status;
    expect(stage.knock(joined, () => (stage.status = { ...status, term: 5 })).found).toEqual([]);
    stage.status = status;
    expect(stage.knock(joined, () => (stage.status = { ...status, configurationIndex: 9 })).found).toEqual([]);
    stage.status = status;
    expect(stage.knock(joined, () => stage.second.close()).found).toEqual([]);
  });

  it('asks once, however often they knock', () => {
    const stage = new Stage();
    for (let i = 0; i < 5; i += 1) stage.second.suspect(joined);
    expect(stage.timers).toHaveLength(1);
  });
});
