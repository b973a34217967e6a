// Tabs that meet at doors, played by one process with Node's BroadcastChannel; with Web Locks and without. Real tabs, killed ones among them, are in
// `test/browser/doors.test.ts`.
import { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { recordChannel } from '../../src/recorded-channel.ts';
import type { Channel } from '../../src/index.ts';
import { openBroadcastDoor } from '../../src/web/index.ts';
import type { BroadcastDoor, BroadcastDoorOptions, BroadcastPort } from '../../src/web/index.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakeLocks } from './fake-locks.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

class Origin {
  readonly room = crypto.randomUUID();
  readonly locks: FakeLocks | null;
  /** What all tabs hear. */
  readonly heard: Record<string, unknown>[] = [];
  readonly #ear = new BroadcastChannel(`raftkv room ${this.room}`);

  constructor(locks: FakeLocks | null = new FakeLocks()) {
    this.locks = locks;
    this.#ear.addEventListener('message', (event) => this.heard.push((event as MessageEvent).data));
    closers.push(() => this.#ear.close());
  }

  say(words: unknown): void {
    this.#ear.postMessage(words);
  }

  open(selfId: string, options: Partial<BroadcastDoorOptions> = {}) {
    const visits: { readonly channel: Channel; readonly from: string; readonly purpose: string }[] = [];
    const door = openBroadcastDoor({
      selfId,
      room: this.room,
      locks: this.locks,
      onChannel: (channel, from, purpose) => visits.push({ channel, from, purpose }),
      ...options,
    });
    closers.push(() => door.close());
    return { door, visits };
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );

async function join(a: BroadcastDoor, b: { visits: readonly { channel: Channel }[] }, purpose?: 'client') {
  const before = b.visits.length;
  const left = await a.dial('b', purpose === undefined ? {} : { purpose });
  await expect.poll(() => b.visits.length).toBe(before + 1);
  return [recordChannel(left), recordChannel(b.visits.at(-1)!.channel)] as const;
}

describe.each([
  ['where the browser says which tabs live', () => new FakeLocks()],
  ['where tabs have to ask each other', () => null],
])('doors, %s', (_, makeLocks) => {
  it('join tabs for both purposes, and speak both ways', async () => {
    const origin = new Origin(makeLocks());
    const [a, b] = [origin.open('a'), origin.open('b')];
    const left = await a.door.dial('b');
    const other = await a.door.dial('b', { purpose: 'client' });
    await expect.poll(() => b.visits.map(({ from, purpose }) => `${from} ${purpose}`)).toEqual(['a peer', 'a client']);
    const [atLeft, atOther] = [recordChannel(left), recordChannel(other)];
    const [atPeer, atClient] = b.visits.map(({ channel }) => recordChannel(channel));
    left.send(Uint8Array.of(1));
    b.visits[1]!.channel.send(Uint8Array.of(2));
    await Promise.all([atPeer!.frames(1), atOther.frames(1)]);
    expect([atLeft.received, atClient!.received]).toEqual([[], []]);
    expect([a.door.channels, b.door.channels, left.remote]).toEqual([2, 2, 'b']);
  });

  it('part in order; nobody is dialled who left, nor let in', async () => {
    const origin = new Origin(makeLocks());
    const [a, b] = [origin.open('a'), origin.open('b')];
    const [, atB] = await join(a.door, b);
    const [, clientAtB] = await join(a.door, b, 'client');
    a.door.drop('b', 'peer');
    expect((await atB.closed)?.code).toBe('closed');
    expect(clientAtB.ends()).toBe(0);
    const said = origin.heard.length;
    expect(await codeOf(a.door.dial('b'))).toBe('member_removed');
    expect(origin.heard).toHaveLength(said);
    expect(await codeOf(b.door.dial('a'))).toBe('member_removed');
    b.door.close();
    expect((await clientAtB.closed)?.code).toBe('closed');
    await expect.poll(() => a.door.channels + b.door.channels).toBe(0);
    expect(await codeOf(b.door.dial('a'))).toBe('closed');
  });

  it('refuse with a code: strangers, too many, too many clients, another build', async () => {
    const origin = new Origin(makeLocks());
    const a = origin.open('a');
    const b = origin.open('b', {
      isWelcome: (id) => id !== 'stranger',
      limits: { maxChannels: 2, maxClientChannels: 1 },
    });
    expect(await codeOf(origin.open('stranger').door.dial('b'))).toBe('wrong_member');
    await join(a.door, b, 'client');
    expect(await codeOf(a.door.dial('b', { purpose: 'client' }))).toBe('busy');
    await join(a.door, b);
    expect(await codeOf(a.door.dial('b'))).toBe('busy');
    expect(await codeOf(b.door.dial('a'))).toBe('busy');
    const knock = { version: 1, from: 'x', to: 'b', visit: 'v', tab: 't', type: 'knock', purpose: 'gossip' };
    origin.say({ ...knock, version: 2 });
    origin.say({ ...knock, purpose: 7 });
    origin.say('text');
    origin.say(knock);
    await expect.poll(() => origin.heard.at(-1)).toMatchObject({ type: 'refusal', to: 'x', code: 'unsupported' });
    expect(origin.heard.filter(({ to }) => to === 'x')).toHaveLength(1);
  });

  it('do not wait for one that is not there, nor keep a pipe for one that does not come', async () => {
    const clock = new FakeClock();
    const origin = new Origin(makeLocks());
    const [a, b] = [origin.open('a', { clock }), origin.open('b', { clock })];
    await clock.advance(0);
    const abort = new AbortController();
    const dialling = codeOf(a.door.dial('b', { signal: abort.signal }));
    abort.abort();
    expect(await dialling).toBe('cancelled');
    expect(await codeOf(a.door.dial('b', { signal: abort.signal }))).toBe('cancelled');
    origin.say({ version: 1, from: 'x', to: 'b', visit: 'v', tab: 't', type: 'knock', purpose: 'peer' });
    await expect.poll(() => origin.heard.filter(({ type }) => type === 'welcome').length).toBeGreaterThan(0);
    await clock.advance(3000);
    expect(b.door.channels).toBe(0);
    expect(b.visits).toHaveLength(0);
  });
});

describe('a door', () => {
  it('says at once, and to nobody else, that no tab goes by a name', async () => {
    const origin = new Origin();
    const a = origin.open('a');
    expect(await codeOf(a.door.dial('nobody'))).toBe('connect_failed');
    expect(origin.heard).toHaveLength(0);
  });

  it('gives up in time on a tab that does not answer', async () => {
    const clock = new FakeClock();
    const origin = new Origin(null);
    const a = origin.open('a', { clock });
    const dialling = codeOf(a.door.dial('nobody'));
    await clock.advance(3000);
    expect(await dialling).toBe('timeout');
    expect(a.door.channels).toBe(0);
  });

  it('ends a channel with connection_lost once the browser says that the other tab is gone', async () => {
    const locks = new FakeLocks();
    const origin = new Origin(locks);
    const [a, b] = [origin.open('a'), origin.open('b')];
    const [atA] = await join(a.door, b);
    locks.free('"b"');
    expect((await atA.closed)?.code).toBe('connection_lost');
    expect(a.door.channels).toBe(0);
  });

  it('ends a channel with connection_lost when the other tab answers no pings, and keeps those that do', async () => {
    const clock = new FakeClock();
    const origin = new Origin(null);
    let isKilled = false;
    const openPort = (name: string): BroadcastPort => {
      const port = new BroadcastChannel(name) as unknown as BroadcastPort;
      return {
        postMessage: (words) => isKilled || port.postMessage(words),
        close: () => port.close(),
        addEventListener: (type, listener) => port.addEventListener(type, listener),
      };
    };
    const [a, b] = [origin.open('a', { clock }), origin.open('b', { openPort })];
    const [atA] = await join(a.door, b);
    const pongs = (): number => origin.heard.filter(({ type }) => type === 'pong').length;
    for (let count = 1; count <= 8; count += 1) {
      await clock.advance(2000);
      await expect.poll(pongs).toBe(count);
    }
    expect(atA.ends()).toBe(0);
    isKilled = true;
    // Another tab that goes by its name is not the one that is missed.
    origin.open('b');
    await clock.advance(8000);
    expect((await atA.closed)?.code).toBe('connection_lost');
  });
});
