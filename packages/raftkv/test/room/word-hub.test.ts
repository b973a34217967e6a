// Words between the tabs of a room that no server carries: over ports within a browser and bridges between browsers, each once however many ways there are; and whom a
// hub knows by them to be here, or at the other end of a bridge.
import { describe, expect, it } from 'vitest';
import { memoryChannelPair } from '@raftkv/transport';
import type { HubBridge } from '../../src/room/hub-bridge.ts';
import { HubPresence } from '../../src/room/hub-presence.ts';
import { WordHub } from '../../src/room/word-hub.ts';
import type { HubPort, HubWord } from '../../src/room/word-hub.ts';
import { bridgeOver, room } from './bridges.ts';

/** The ports of one browser: what one posts the others hear, within the turn. */
class Browser {
  readonly #listeners = new Map<HubPort, (event: { readonly data: unknown }) => void>();

  port(): HubPort {
    const port: HubPort = {
      postMessage: (message) => {
        const data: unknown = structuredClone(message);
        for (const [other, listener] of this.#listeners) if (other !== port) listener({ data });
      },
      addEventListener: (_, listener) => void this.#listeners.set(port, listener),
      close: () => void this.#listeners.delete(port),
    };
    return port;
  }
}

/** A hub, and what it heard: who said what, and how often. */
function hubIn(browser: Browser): { hub: WordHub; heard: string[] } {
  const hub = new WordHub();
  hub.join(browser.port());
  const heard: string[] = [];
  hub.listen(({ type, from }) => void heard.push(`${type} ${from}`));
  return { hub, heard };
}

/** The names, and the browsers, of the two ends. */
async function join(one: WordHub, other: WordHub, names = ['one', 'other'], browsers = names) {
  const { left: a, right: b } = memoryChannelPair();
  const ends = names.map((name, index) => ({ name, browser: browsers[index]! }));
  const bridges: readonly HubBridge[] = [
    bridgeOver(a, room, { hub: one, end: ends[0]!, binding: { own: 'a', other: 'b' } }),
    bridgeOver(b, room, { hub: other, end: ends[1]!, binding: { own: 'b', other: 'a' } }),
  ];
  await Promise.all(bridges.map(({ proven }) => proven));
  return bridges;
}

const word = (type: string, from: string): HubWord => ({ type, from });

describe('a word', () => {
  it('comes to every tab of every browser once, though bridges lead in a circle', async () => {
    const browsers = [new Browser(), new Browser(), new Browser()];
    const tabs = browsers.map((browser) => hubIn(browser));
    const sibling = hubIn(browsers[2]!);
    for (const [one, other] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const)
      await join(tabs[one]!.hub, tabs[other]!.hub);
    tabs[0]!.hub.say(word('hello', 'a'));
    sibling.hub.say(word('hello', 'd'));
    await expect
      .poll(() => [...tabs, sibling].map(({ heard }) => heard.toSorted()))
      .toEqual([['hello d'], ['hello a', 'hello d'], ['hello a', 'hello d'], ['hello a']]);
    // Without a bridge, whatever others there are.
    expect([...tabs, sibling].map(({ hub }) => ['a', 'd'].filter((name) => hub.isHere(name)))).toEqual([
      [],
      [],
      ['d'],
      [],
    ]);
  });

  it('goes on when a bridge has ended, by another way', async () => {
    const tabs = [new Browser(), new Browser(), new Browser()].map((browser) => hubIn(browser));
    const [one, two, three] = tabs.map(({ hub }) => hub) as [WordHub, WordHub, WordHub];
    const [direct] = await join(one, three);
    await join(one, two);
    await join(two, three);
    direct!.close();
    await expect.poll(() => [one.browsers, three.browsers]).toEqual([1, 1]);
    one.say(word('hello', 'a'));
    await expect.poll(() => tabs[2]!.heard).toEqual(['hello a']);
  });

  it('that is none is passed over, whoever says it', async () => {
    const browser = new Browser();
    const { hub, heard } = hubIn(browser);
    const port = browser.port();
    for (const nonsense of [
      undefined,
      'text',
      { version: 2, id: 'i', hops: 0, word: word('hello', 'a') },
      { version: 1, id: 'i', hops: -1, word: word('hello', 'a') },
      { version: 1, id: 'i', hops: 0, word: { type: 'hello' } },
      { version: 1, id: 'x'.repeat(200), hops: 0, word: word('hello', 'a') },
    ])
      port.postMessage(nonsense);
    const { left: a, right: b } = memoryChannelPair();
    bridgeOver(a, room, { hub });
    const other = bridgeOver(b, room, { binding: { own: 'b', other: 'a' } });
    await other.proven;
    for (const text of ['{', '[]', '{"version":1}']) other.send(new TextEncoder().encode(text));
    port.postMessage({ version: 1, id: 'i', hops: 0, word: word('hello', 'a') });
    expect(heard).toEqual(['hello a']);
    await expect.poll(() => hub.browsers).toBe(1);
  });
});

describe('a hub', () => {
  it('knows to whom a bridge leads, and counts browsers and not bridges', async () => {
    const [home, away, third] = [new Browser(), new Browser(), new Browser()];
    const tabs = [home, away, away, third].map((browser) => hubIn(browser).hub) as [WordHub, WordHub, WordHub, WordHub];
    const [one, two, sibling, three] = tabs;
    await join(one, two, ['one', 'two'], ['home', 'away']);
    const [again] = await join(one, two, ['one', 'two'], ['home', 'away']);
    await join(one, sibling, ['one', 'sibling'], ['home', 'away']);
    // A copy of the profile.
    await join(one, three, ['one', 'three'], ['home', 'home']);
    const reached = (hub: WordHub) => ['one', 'two', 'sibling', 'three'].filter((name) => hub.isBridgedTo(name));
    expect(tabs.map((hub) => hub.browsers)).toEqual([2, 1, 1, 1]);
    expect(tabs.map(reached)).toEqual([['two', 'sibling', 'three'], ['one'], ['one'], ['one']]);
    again!.close();
    expect([one.browsers, reached(one)]).toEqual([2, ['two', 'sibling', 'three']]);
  });

  it('is in one browser with whom it hears without a bridge, though the word came over bridges before', async () => {
    const browser = new Browser();
    const [here, there] = [hubIn(browser), hubIn(new Browser())];
    await join(here.hub, there.hub, ['here', 'there']);
    const sibling = browser.port();
    const said = { version: 1, id: 'i', hops: 0, word: word('hello', 'sibling') };
    sibling.postMessage({ ...said, hops: 2 });
    there.hub.say(word('hello', 'there'));
    await expect.poll(() => here.heard).toEqual(['hello sibling', 'hello there']);
    expect(here.hub.isHere('sibling')).toBe(false);
    sibling.postMessage(said);
    expect(['sibling', 'there'].map((name) => here.hub.isHere(name))).toEqual([true, false]);
    expect(here.heard).toHaveLength(2);
  });

  it('that has ended says nothing, and takes no bridge', async () => {
    const port: HubPort = {
      postMessage: () => {
        throw new DOMException('the channel is closed', 'InvalidStateError');
      },
      addEventListener: () => undefined,
      close: () => undefined,
    };
    const [hub, other] = [new WordHub(), hubIn(new Browser()).hub];
    hub.join(port);
    hub.close();
    hub.say(word('hello', 'a'));
    const bridges = await join(hub, other);
    await expect.poll(() => bridges.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    await expect.poll(() => [hub.browsers, other.browsers]).toEqual([0, 0]);
  });
});

describe('who is there', () => {
  it('is known on both sides at once, until it says that it goes or is silent for long', async () => {
    let now = 0;
    const [left, right] = [hubIn(new Browser()), hubIn(new Browser())];
    await join(left.hub, right.hub);
    const presenceOf = (hub: WordHub, name: string, kind: 'tab' | 'hub' = 'tab') =>
      new HubPresence({ hub, kind, name, now: () => now, onChange: () => undefined });
    const [a, b] = [presenceOf(left.hub, 'a'), presenceOf(right.hub, 'b')];
    presenceOf(right.hub, 'other', 'hub');
    await expect.poll(() => [a.names, b.names]).toEqual([['b'], ['a']]);
    b.say('gone');
    await expect.poll(() => a.names).toEqual([]);
    b.say('here');
    await expect.poll(() => a.names).toEqual(['b']);
    now += 70_001;
    expect(a.names).toEqual([]);
  });
});
