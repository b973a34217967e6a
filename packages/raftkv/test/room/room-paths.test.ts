// The way from one tab of a room to another: one that leads through the relay is left for a direct one, sought by the side that dialled, ever more seldom, and
// nothing is lost when it is found.
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { expect, it } from 'vitest';
import type { RoomMessage } from '../../src/room/room-message.ts';
import { RoomPeers } from '../../src/room/room-peers.ts';
import { report } from './some-report.ts';

/** Until what is under way in memory has come. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

/** Time that passes when a test says so. */
class PlayedClock {
  #now = 0;
  #due: { readonly at: number; readonly act: () => void }[] = [];

  readonly now = (): number => this.#now;
  readonly schedule = (act: () => void, milliseconds: number): (() => void) => {
    const entry = { at: this.#now + milliseconds, act };
    this.#due.push(entry);
    return () => void (this.#due = this.#due.filter((other) => other !== entry));
  };

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = this.#due.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.act();
      await turn();
    }
    this.#now = end;
  }
}

/** The tabs "ada" and "bob", between which a relay leads, and a direct way only once a test makes one. */
class TwoTabs {
  readonly clock = new PlayedClock();
  readonly heard: string[] = [];
  /** When a direct way was sought, and by whom. */
  readonly sought: string[] = [];
  isDirect = false;
  /** When one side has the direct channel, and the other one not yet. */
  betweenEnds: () => void = () => undefined;
  readonly ada: RoomPeers;
  readonly bob: RoomPeers;

  constructor() {
    this.ada = this.#open('ada', 'bob', () => this.bob);
    this.bob = this.#open('bob', 'ada', () => this.ada);
  }

  #open(word: string, other: string, peer: () => RoomPeers): RoomPeers {
    const connect = (path: 'direct' | 'relayed'): Channel => {
      const { left, right } = memoryChannelPair();
      peer().accept(Object.assign(right, { path }), word);
      return Object.assign(left, { path });
    };
    return new RoomPeers({
      word,
      network: {
        present: [other],
        dial: () => Promise.resolve(connect('relayed')),
        dialDirect: async () => {
          this.sought.push(`${word} at ${this.clock.now()}`);
          if (!this.isDirect) throw new Error('no way');
          const channel = connect('direct');
          this.betweenEnds();
          return channel;
        },
      },
      clock: this.clock,
      report: () => report,
      onMessage: (from, { type }: RoomMessage) => void this.heard.push(`${from}: ${type}`),
      onChange: () => undefined,
    });
  }

  async start(): Promise<void> {
    this.ada.start();
    this.bob.start();
    await turn();
  }

  get paths(): readonly string[] {
    return [...this.ada.all, ...this.bob.all].map(({ word, path }) => `${word} ${path}`);
  }
}

it('a relayed channel is left for a direct one once there is one, at both sides', async () => {
  const tabs = new TwoTabs();
  await tabs.start();
  expect(tabs.paths).toEqual(['bob relayed', 'ada relayed']);
  await tabs.clock.pass(10_000);
  expect(tabs.paths).toEqual(['bob relayed', 'ada relayed']);
  tabs.isDirect = true;
  await tabs.clock.pass(60_000);
  expect(tabs.paths).toEqual(['bob direct', 'ada direct']);
  const attempts = tabs.sought.length;
  await tabs.clock.pass(300_000);
  expect(tabs.sought).toHaveLength(attempts);
});

it('is sought by the side that dialled, after 1 s, and then after twice as long each time, up to a minute', async () => {
  const tabs = new TwoTabs();
  await tabs.start();
  await tabs.clock.pass(200_000);
  expect(tabs.sought).toEqual([1, 3, 7, 15, 31, 63, 123, 183].map((seconds) => `ada at ${seconds * 1000}`));
});

it.each(['ada', 'bob'] as const)(
  'is sought at once where the network changed, whoever dialled: by %s',
  async (side) => {
    const tabs = new TwoTabs();
    await tabs.start();
    await tabs.clock.pass(70_000);
    tabs.isDirect = true;
    tabs[side].networkChanged();
    await turn();
    expect(tabs.sought.at(-1)).toBe(`${side} at 70000`);
    expect(tabs.paths).toEqual(['bob direct', 'ada direct']);
  },
);

it('what one says through the relay while the other has the direct channel already comes all the same', async () => {
  const tabs = new TwoTabs();
  await tabs.start();
  tabs.isDirect = true;
  tabs.betweenEnds = () => tabs.ada.send('bob', { type: 'farewell', voice: undefined });
  await tabs.clock.pass(1_000);
  expect(tabs.heard).toEqual(['ada: farewell']);
});
