// Members that find each other through several relays: whoever has one in common is in reach, a relay that goes takes nobody with it, and nothing is said twice.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { memoryChannelPair } from '../../src/index.ts';
import type { MemoryChannelPair } from '../../src/index.ts';
import { openSignalRelay, severalRelays } from '../../src/webrtc/index.ts';
import type { Signal } from '../../src/webrtc/index.ts';

const within = { timeout: 60_000 };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** As many relays as are asked for, each of which may be gone. */
function openRelays(count: number) {
  return Array.from({ length: count }, () => {
    const open = () => {
      const relay = openSignalRelay();
      closers.push(() => relay.close());
      return relay;
    };
    const place = {
      relay: open(),
      isGone: false,
      /** Lets nobody of this name in. */
      refuses: undefined as string | undefined,
      pairs: new Map<string, MemoryChannelPair>(),
      dials: 0,
      open: () => ((place.relay = open()), (place.isGone = false)),
      close: () => ((place.isGone = true), place.relay.close()),
    };
    return place;
  });
}

type Place = ReturnType<typeof openRelays>[number];

function join(id: string, places: readonly Place[]) {
  const member = { id, present: [] as readonly string[], heard: [] as Signal[], linked: [] as string[] };
  const signalling = severalRelays({
    room: 'room',
    secret: 'of these tests alone',
    id,
    dials: places.map((place) => async () => {
      place.dials += 1;
      if (place.isGone || place.refuses === id) throw new RaftkvError('connect_failed', 'this relay is gone');
      const pair = memoryChannelPair();
      place.pairs.set(id, pair);
      place.relay.accept(pair.right);
      return pair.left;
    }),
    onPresence: (ids) => (member.present = ids),
  });
  closers.push(() => signalling.close());
  signalling.listen((signal) => member.heard.push(signal as Signal));
  signalling.links.listen(({ peerId }) => member.linked.push(peerId));
  const say = (to: string, text: string, session = 's'): void =>
    signalling.send({ version: 1, session, from: id, to, type: 'note', text });
  return Object.assign(member, { signalling, say });
}

type Member = ReturnType<typeof join>;

const see = (member: Member, ids: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(member.present.toSorted()).toEqual(ids), within);
const texts = (member: Member): string[] =>
  member.heard.flatMap((signal) => (signal.type === 'note' ? [signal.text] : []));
const hear = (member: Member, said: readonly string[]): Promise<void> =>
  vi.waitFor(() => expect(texts(member)).toEqual(said), within);

/** What goes through a relay as it goes is lost. */
const untilHeard = (from: Member, to: Member, text: string): Promise<void> =>
  vi.waitFor(() => {
    from.say(to.id, text);
    expect(texts(to)).toContain(text);
  }, within);

describe('several relays', () => {
  it('are all used, and what is said comes once, in its order', async () => {
    const places = openRelays(2);
    const [a, b] = [join('a', places), join('b', places)];
    await Promise.all([see(a, ['b']), see(b, ['a'])]);
    await vi.waitFor(() => expect(places.map(({ relay }) => relay.members)).toEqual([2, 2]), within);
    for (let n = 1; n <= 20; n += 1) a.say('b', String(n));
    await hear(
      b,
      Array.from({ length: 20 }, (_, at) => String(at + 1)),
    );
    b.say('a', 'answer');
    await hear(a, ['answer']);
  });

  it('are one way each: who has one in common is in reach, and who has none is not', async () => {
    const [first, second, third] = openRelays(3) as [Place, Place, Place];
    const [a, b, c] = [join('a', [first, second]), join('b', [second, third]), join('c', [third])];
    await Promise.all([see(a, ['b']), see(b, ['a', 'c']), see(c, ['b'])]);
    a.say('b', 'by the second');
    c.say('b', 'by the third');
    await vi.waitFor(() => expect(texts(b).toSorted()).toEqual(['by the second', 'by the third']), within);
    b.say('a', 'to a');
    b.say('c', 'to c');
    await Promise.all([hear(a, ['to a']), hear(c, ['to c'])]);
    const link = await a.signalling.links.open('b');
    expect(link.peerId).toBe('b');
    await vi.waitFor(() => expect(b.linked).toEqual(['a']), within);
    await expect(a.signalling.links.open('c')).rejects.toMatchObject({ code: 'connect_failed' });
  });

  it('need not all be there: one that is gone is done without, also by who comes later, and used again when it is back', async () => {
    const [first, second] = openRelays(2) as [Place, Place];
    const [a, b] = [join('a', [first, second]), join('b', [first, second])];
    await Promise.all([see(a, ['b']), see(b, ['a'])]);
    await vi.waitFor(() => expect(second.relay.members).toBe(2), within);
    first.close();
    const c = join('c', [first, second]);
    await Promise.all([see(a, ['b', 'c']), see(b, ['a', 'c']), see(c, ['a', 'b'])]);
    await vi.waitFor(() => expect(a.signalling.lastError).toBeDefined(), within);
    expect(a.signalling.isConnected).toBe(true);
    await untilHeard(a, c, 'without the first');
    await a.signalling.links.open('c');
    await vi.waitFor(() => expect(c.linked).toEqual(['a']), within);
    first.open();
    for (const { signalling } of [a, b, c]) signalling.networkChanged();
    await vi.waitFor(() => expect(first.relay.members).toBe(3), within);
    second.close();
    await Promise.all([see(a, ['b', 'c']), see(b, ['a', 'c']), see(c, ['a', 'b'])]);
    await untilHeard(c, a, 'without the second');
  });

  it('carry a session through the one where it began, so that what is said in it is not overtaken through a faster one', async () => {
    const [fast, slow] = openRelays(2) as [Place, Place];
    fast.close();
    const [a, b] = [join('a', [fast, slow]), join('b', [fast, slow])];
    await Promise.all([see(a, ['b']), see(b, ['a'])]);
    // What goes through it to this member is late.
    slow.pairs.get('b')!.stall('left');
    a.say('b', 'offer');
    fast.open();
    for (const { signalling } of [a, b]) signalling.networkChanged();
    // Each in a session of its own.
    let probes = 0;
    await vi.waitFor(() => {
      a.say('b', 'probe', `p${(probes += 1)}`);
      expect(texts(b)).toContain('probe');
    }, within);
    a.say('b', 'candidate');
    a.say('b', 'of another session', 't');
    const said = (): string[] => texts(b).filter((text) => text !== 'probe');
    await vi.waitFor(() => expect(said()).toContain('of another session'), within);
    expect(said()).toEqual(['of another session']);
    slow.pairs.get('b')!.resume('left');
    await vi.waitFor(() => expect(said()).toEqual(['of another session', 'offer', 'candidate']), within);
    // A relay that ends takes no session with it.
    slow.close();
    await untilHeard(a, b, 'more');
  });

  it('hand what was said while none was there to the one that is there first', async () => {
    const [first, second] = openRelays(2) as [Place, Place];
    first.close();
    second.refuses = 'a';
    const [a, b] = [join('a', [first, second]), join('b', [first, second])];
    for (const text of ['1', '2', '3']) a.say('b', text);
    await vi.waitFor(() => expect(second.relay.members).toBe(1), within);
    second.refuses = undefined;
    a.signalling.networkChanged();
    await hear(b, ['1', '2', '3']);
    expect(first.isGone).toBe(true);
  });

  it('hold what is said while none is there, and are all given up in the end', async () => {
    const places = openRelays(2);
    for (const place of places) place.close();
    const a = join('a', places);
    a.say('b', 'early');
    await vi.waitFor(() => expect(places.every(({ dials }) => dials > 0)).toBe(true), within);
    const b = join('b', places);
    for (const place of places) place.open();
    for (const { signalling } of [a, b]) signalling.networkChanged();
    await Promise.all([see(a, ['b']), see(b, ['a'])]);
    a.say('b', 'late');
    await vi.waitFor(() => expect(texts(b)).toContain('late'), within);
    expect(texts(b).filter((text) => text === 'early').length).toBeLessThanOrEqual(1);
    a.signalling.close();
    await vi.waitFor(() => expect(places.map(({ relay }) => relay.members)).toEqual([1, 1]), within);
    await see(b, []);
  });
});
