// Who of several tabs goes on when more than one means to: one of those that hear each other, whatever comes first, and the one whose log holds more if they begin together.
import { describe, expect, it } from 'vitest';
import { RoomClaims } from '../../src/room/room-claims.ts';
import type { LogEnd } from '../../src/room/room-message.ts';

/** Tabs that hear each other a turn later, and a clock that stands still until it is moved. */
class Hall {
  now = 0;
  readonly tabs = new Map<string, { claims: RoomClaims; logEnd: LogEnd; isMember: boolean; isSilent: boolean }>();
  #timers: { at: number; act: () => void }[] = [];
  readonly clock = {
    now: () => this.now,
    schedule: (act: () => void, milliseconds: number) => {
      const timer = { at: this.now + milliseconds, act };
      this.#timers.push(timer);
      return () => void (this.#timers = this.#timers.filter((each) => each !== timer));
    },
  };

  add(word: string, logEnd: LogEnd = { term: 1, index: 1 }, { isMember = true, isSilent = false } = {}): RoomClaims {
    const claims = new RoomClaims(this.clock, () => queueMicrotask(() => this.tell()));
    this.tabs.set(word, { claims, logEnd, isMember, isSilent });
    return claims;
  }
  others(word: string) {
    return [...this.tabs]
      .filter(([each]) => each !== word)
      .map(([each, { claims, logEnd, isMember, isSilent }]) => {
        const said = isSilent ? { isGoingOn: false, yieldsTo: undefined } : claims.said;
        return { word: each, report: { clusterId: 'c1', memberId: isMember ? each : undefined, logEnd, ...said } };
      });
  }
  tell(): void {
    for (const [word, { claims, isSilent }] of this.tabs) if (!isSilent) claims.hear(this.others(word));
  }
  stake(word: string): Promise<string> {
    const { claims, logEnd } = this.tabs.get(word)!;
    return claims
      .stake({ word, logEnd }, () => this.others(word))
      .then(
        () => 'goes on',
        (error: { code: string }) => error.code,
      );
  }
  pass(milliseconds: number): void {
    this.now += milliseconds;
    for (const { at, act } of this.#timers) if (at <= this.now) act();
  }
}

describe('a tab that means to go on', () => {
  it('does so at once where no other member is there', async () => {
    const hall = new Hall();
    hall.add('a');
    hall.add('b', undefined, { isMember: false });
    expect(await hall.stake('a')).toBe('goes on');
  });

  it('does so when the others said that they leave it to it, which they do for a while', async () => {
    const hall = new Hall();
    for (const word of ['a', 'b', 'c']) hall.add(word);
    expect(await hall.stake('b')).toBe('goes on');
    expect(await hall.stake('a')).toBe('busy');
    // It is away, as it is while it becomes another room.
    hall.tabs.delete('b');
    hall.tell();
    expect(await hall.stake('c')).toBe('busy');
    hall.pass(60_000);
    expect(await hall.stake('c')).toBe('goes on');
  });

  it('leaves it to another one again if nothing came of it', async () => {
    const hall = new Hall();
    const a = hall.add('a');
    hall.add('b');
    expect(await hall.stake('a')).toBe('goes on');
    a.withdraw();
    await Promise.resolve();
    expect(await hall.stake('b')).toBe('goes on');
  });

  it('gives way to one whose log holds more, or by its word, if both began at the same moment', async () => {
    for (const [end, outcome] of [
      [{ term: 2, index: 1 }, ['busy', 'goes on']],
      [{ term: 1, index: 9 }, ['busy', 'goes on']],
      [{ term: 1, index: 5 }, ['goes on', 'busy']],
      [{ term: 1, index: 4 }, ['goes on', 'busy']],
    ] as const) {
      const hall = new Hall();
      hall.add('a', { term: 1, index: 5 });
      hall.add('b', end);
      hall.add('c');
      expect(await Promise.all([hall.stake('a'), hall.stake('b')])).toEqual(outcome);
    }
  });

  it('waits for one that says nothing for three seconds, and no longer', async () => {
    const hall = new Hall();
    hall.add('a');
    hall.add('b', undefined, { isSilent: true });
    let outcome: string | undefined;
    const staked = hall.stake('a').then((how) => (outcome = how));
    await Promise.resolve();
    hall.pass(2_999);
    await Promise.resolve();
    expect(outcome).toBeUndefined();
    hall.pass(1);
    await staked;
    expect(outcome).toBe('goes on');
  });
});
