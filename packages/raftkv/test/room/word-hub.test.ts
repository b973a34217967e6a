// Words between the tabs of a room that no server carries: over ports within a browser and bridges between browsers, each once however many ways there are; and what a
// bridge asks for before a word crosses it.
import { describe, expect, it } from 'vitest';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { HubBridge } from '../../src/room/hub-bridge.ts';
import { HubPresence } from '../../src/room/hub-presence.ts';
import { WordHub } from '../../src/room/word-hub.ts';
import type { HubPort, HubWord } from '../../src/room/word-hub.ts';

const secret = 'of the room';

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
function hubIn(browser: Browser): { hub: WordHub; heard: string[]; straight: string[] } {
  const hub = new WordHub();
  hub.join(browser.port());
  const [heard, straight]: [string[], string[]] = [[], []];
  hub.listen(({ type, from }, by) => {
    heard.push(`${type} ${from}`);
    if (by !== undefined) straight.push(`${type} ${from}`);
  });
  return { hub, heard, straight };
}

function bridgeOver(channel: Channel, known: string | undefined, hub?: WordHub): HubBridge {
  const bridge: HubBridge = new HubBridge(channel, {
    schedulePatience: () => () => undefined,
    onProven: () => hub?.add(bridge),
  });
  if (known !== undefined) bridge.know(known);
  return bridge;
}

async function join(one: WordHub, other: WordHub): Promise<readonly HubBridge[]> {
  const { left: a, right: b } = memoryChannelPair();
  const bridges = [bridgeOver(a, secret, one), bridgeOver(b, secret, other)];
  await Promise.all(bridges.map(({ proven }) => proven));
  return bridges;
}

const codeOf = (settled: Promise<void>): Promise<string> =>
  settled.then(
    () => 'proven',
    (error: unknown) => RaftkvError.from(error).code,
  );

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
    // Said at the other end of a bridge, and not further on.
    expect(tabs.map(({ straight }) => straight)).toEqual([[], ['hello a'], ['hello a']]);
  });

  it('goes on when a bridge has ended, by another way', async () => {
    const tabs = [new Browser(), new Browser(), new Browser()].map((browser) => hubIn(browser));
    const [one, two, three] = tabs.map(({ hub }) => hub) as [WordHub, WordHub, WordHub];
    const [direct] = await join(one, three);
    await join(one, two);
    await join(two, three);
    direct!.close();
    await expect.poll(() => [one.bridges, three.bridges]).toEqual([1, 1]);
    one.say(word('hello', 'a'));
    await expect.poll(() => tabs[2]!.heard).toEqual(['hello a']);
    expect(tabs[2]!.straight).toEqual([]);
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
    bridgeOver(a, secret, hub);
    const other = bridgeOver(b, secret);
    await other.proven;
    for (const text of ['{', '[]', '{"version":1}']) other.send(new TextEncoder().encode(text));
    port.postMessage({ version: 1, id: 'i', hops: 0, word: word('hello', 'a') });
    expect(heard).toEqual(['hello a']);
    await expect.poll(() => hub.bridges).toBe(1);
  });
});

describe('a bridge', () => {
  it('stands once both ends know the secret, whichever knew it first', async () => {
    const { left: a, right: b } = memoryChannelPair();
    const [early, late] = [bridgeOver(a, secret), bridgeOver(b, undefined)];
    let isProven = false;
    void early.proven.then(() => (isProven = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isProven).toBe(false);
    late.know(secret);
    expect(await Promise.all([early, late].map(({ proven }) => codeOf(proven)))).toEqual(['proven', 'proven']);
  });

  it('does not stand between two rooms', async () => {
    const { left: a, right: b } = memoryChannelPair();
    const bridges = [bridgeOver(a, secret), bridgeOver(b, 'of another')];
    expect(await Promise.all(bridges.map(({ proven }) => codeOf(proven)))).toEqual(['wrong_member', 'wrong_member']);
    expect(bridges.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });

  it.each([
    ['gives back what it is told', (frame: Uint8Array) => [frame]],
    ['says nonsense', () => [Uint8Array.of(1, 2, 3)]],
    ['is of a later version', () => [new TextEncoder().encode('{"version":2,"nonce":"n"}')]],
    [
      'shows a proof of something else',
      () => ['{"version":1,"nonce":"n"}', '{"proof":"00"}'].map((text) => new TextEncoder().encode(text)),
    ],
    [
      'speaks before it has shown anything',
      () => [new TextEncoder().encode('{"version":1,"id":"i","hops":0,"word":{"type":"t","from":"f"}}')],
    ],
  ])('does not stand with somebody who %s', async (_, answers) => {
    const { left: a, right: b } = memoryChannelPair();
    const hub = new WordHub();
    const bridge = bridgeOver(a, secret, hub);
    let isBegun = false;
    b.start({
      onFrame: (frame) => {
        const given = isBegun && answers(frame)[0] !== frame ? [] : answers(frame);
        isBegun = true;
        for (const answer of given) b.send(answer);
      },
      onClose: () => undefined,
    });
    expect(await codeOf(bridge.proven)).toMatch(/^(?:wrong_member|bad_frame|unsupported_version)$/);
    expect([bridge.isOpen, hub.bridges]).toEqual([false, 0]);
  });

  it('that is not proven in time is given up, and one that is proven is not', async () => {
    const { left: a, right: b } = memoryChannelPair();
    const giveUps: (() => void)[] = [];
    let isPutOff = false;
    const schedulePatience = (giveUp: () => void) => {
      giveUps.push(giveUp);
      return () => void (isPutOff = true);
    };
    const bridge = new HubBridge(a, { schedulePatience, onProven: () => undefined });
    giveUps[0]!();
    expect(await codeOf(bridge.proven)).toBe('timeout');
    isPutOff = false;
    const { left: c, right: d } = memoryChannelPair();
    const other = new HubBridge(c, { schedulePatience, onProven: () => undefined });
    other.know(secret);
    await Promise.all([other.proven, bridgeOver(d, secret).proven]);
    expect([isPutOff, b.isOpen]).toEqual([true, false]);
  });
});

describe('who is there', () => {
  it('is known on both sides at once, with the browser, until it says that it goes or is silent for long', async () => {
    let now = 0;
    const [left, right] = [hubIn(new Browser()), hubIn(new Browser())];
    await join(left.hub, right.hub);
    const presenceOf = (hub: WordHub, name: string, kind: 'tab' | 'hub' = 'tab') =>
      new HubPresence({ hub, kind, name, browser: `browser of ${name}`, now: () => now, onChange: () => undefined });
    const [a, b] = [presenceOf(left.hub, 'a'), presenceOf(right.hub, 'b')];
    presenceOf(right.hub, 'other', 'hub');
    await expect.poll(() => [a.names, b.names]).toEqual([['b'], ['a']]);
    expect([a.browserOf('b'), a.isBridged('b'), b.isBridged('a')]).toEqual(['browser of b', true, true]);
    b.say('gone');
    await expect.poll(() => a.names).toEqual([]);
    b.say('here');
    await expect.poll(() => a.names).toEqual(['b']);
    now += 70_001;
    expect(a.names).toEqual([]);
  });
});
