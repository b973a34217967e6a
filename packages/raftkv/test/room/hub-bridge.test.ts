// What a bridge asks for before a word crosses it: proof of the secret, made by the other end itself, for this channel and this room.
import { expect, it } from 'vitest';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { HubBridge } from '../../src/room/hub-bridge.ts';
import { WordHub } from '../../src/room/word-hub.ts';
import { back, bridgeOver, codeOf, room, there } from './bridges.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (frame: Uint8Array) => JSON.parse(new TextDecoder().decode(frame)) as Record<string, unknown>;

function playAgainst(channel: Channel, answer: (said: Record<string, unknown>) => unknown): void {
  channel.start({
    onFrame: (frame) => {
      const said = answer(read(frame));
      if (said !== undefined && channel.isOpen) channel.send(bytes(said));
    },
    onClose: () => undefined,
  });
}

it('stands once both ends know the secret, whichever knew it first', async () => {
  const { left: a, right: b } = memoryChannelPair();
  const [early, late] = [bridgeOver(a, room), bridgeOver(b, undefined, back)];
  let isProven = false;
  void early.proven.then(() => (isProven = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isProven).toBe(false);
  late.know(room);
  expect(await Promise.all([early, late].map(({ proven }) => codeOf(proven)))).toEqual(['proven', 'proven']);
});

it.each([
  ['of another link', { id: 'other', secret: 'of another' }, back],
  ['of a link with the same secret', { ...room, id: 'other' }, back],
  // Two channels with somebody between them, who passes on all that is said.
  ['over two channels', room, { binding: { own: 'b', other: 'between' } }],
])('does not stand between two rooms: %s', async (_, known, options) => {
  const { left: a, right: b } = memoryChannelPair();
  const bridges = [bridgeOver(a, room), bridgeOver(b, known, options)];
  expect(await Promise.all(bridges.map(({ proven }) => codeOf(proven)))).toEqual(['wrong_member', 'wrong_member']);
  expect(bridges.map(({ isOpen }) => isOpen)).toEqual([false, false]);
});

it.each([
  ['gives back what it is told', (frame: Uint8Array) => [frame]],
  ['gives a nonce of wrong form', () => [bytes({ version: 2, nonce: 'n' })]],
  ['is of the version before', () => [bytes({ version: 1, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' })]],
  ['says nonsense', () => [Uint8Array.of(1, 2, 3)]],
  ['is of a later version', () => [new TextEncoder().encode('{"version":3,"nonce":"AAAAAAAAAAAAAAAAAAAAAA"}')]],
  [
    'shows a proof of something else',
    () => [
      bytes({ version: 2, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      bytes({ proof: '00'.repeat(32), name: 'name', browser: 'browser' }),
    ],
  ],
  [
    'speaks before it has shown anything',
    () => [new TextEncoder().encode('{"version":1,"id":"i","hops":0,"word":{"type":"t","from":"f"}}')],
  ],
])('does not stand with somebody who %s', async (_, answers) => {
  const { left: a, right: b } = memoryChannelPair();
  const hub = new WordHub();
  const bridge = bridgeOver(a, room, { hub });
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
  expect([bridge.isOpen, hub.browsers]).toEqual([false, 0]);
});

it('that is not proven in time is given up, and one that is proven is not', async () => {
  const { left: a, right: b } = memoryChannelPair();
  const giveUps: (() => void)[] = [];
  let isPutOff = false;
  const schedulePatience = (giveUp: () => void) => {
    giveUps.push(giveUp);
    return () => void (isPutOff = true);
  };
  const bridge = new HubBridge(a, { ...there, schedulePatience, onProven: () => undefined });
  giveUps[0]!();
  expect(await codeOf(bridge.proven)).toBe('timeout');
  isPutOff = false;
  const { left: c, right: d } = memoryChannelPair();
  const other = new HubBridge(c, { ...there, schedulePatience, onProven: () => undefined });
  other.know(room);
  await Promise.all([other.proven, bridgeOver(d, room, back).proven]);
  expect([isPutOff, b.isOpen]).toEqual([true, false]);
});

it('knows who is at the other end', async () => {
  const { left: a, right: b } = memoryChannelPair();
  const [one, other] = [bridgeOver(a, room), bridgeOver(b, room, { ...back, end: { name: 'n', browser: 'b' } })];
  expect([one.other, other.other]).toEqual([undefined, undefined]);
  await Promise.all([one.proven, other.proven]);
  expect([one.other, other.other]).toEqual([{ name: 'n', browser: 'b' }, there.end]);
});

it.each([
  ['two of its own in one', (nonce: string) => `${nonce}\n${nonce}`],
  ['its own', (nonce: string) => nonce],
  ['half of its own', (nonce: string) => nonce.slice(0, 11)],
  ['more than it', (nonce: string) => `${nonce}A`],
  ['none', () => 17],
])('takes no nonce that is %s, and so not its own proof back', async (_, nonceFor) => {
  const { left: a, right: b } = memoryChannelPair();
  const bridge = bridgeOver(a, room);
  playAgainst(b, ({ version, nonce, ...proof }) =>
    version === undefined ? proof : { version, nonce: nonceFor(String(nonce)) },
  );
  expect(await codeOf(bridge.proven)).toBe('bad_frame');
});

it('does not take its own proof back for a nonce of right form, nor one that another end said of itself', async () => {
  for (const change of [{}, { name: 'another' }, { browser: 'another' }]) {
    const { left: a, right: b } = memoryChannelPair();
    // The same at both ends: nothing but the direction tells the two proofs apart.
    const bridge = bridgeOver(a, room, { binding: { own: 'same', other: 'same' } });
    playAgainst(b, ({ version, ...rest }) =>
      version === undefined ? { ...rest, ...change } : { version, nonce: 'A'.repeat(22) },
    );
    expect(await codeOf(bridge.proven)).toBe('wrong_member');
  }
});

it('does not stand from one channel to another, though somebody between them passes every word on', async () => {
  const [left, right] = [memoryChannelPair(), memoryChannelPair()];
  const bridges = [
    bridgeOver(left.left, room, { binding: { own: 'a', other: 'between' } }),
    bridgeOver(right.left, room, { binding: { own: 'c', other: 'between' } }),
  ];
  for (const [from, to] of [
    [left.right, right.right],
    [right.right, left.right],
  ] as const)
    from.start({ onFrame: (frame) => void (to.isOpen && to.send(frame)), onClose: () => undefined });
  expect(await Promise.all(bridges.map(({ proven }) => codeOf(proven)))).toEqual(['wrong_member', 'wrong_member']);
});

it.each(['name', 'browser'])('does not take a %s that the other end did not prove', async (field) => {
  const [left, right] = [memoryChannelPair(), memoryChannelPair()];
  const [bridge] = [bridgeOver(left.left, room), bridgeOver(right.left, room, back)];
  playAgainst(right.right, (said) => {
    const changed = 'proof' in said ? { ...said, [field]: 'another' } : said;
    if (left.right.isOpen) left.right.send(bytes(changed));
    return undefined;
  });
  left.right.start({
    onFrame: (frame) => void (right.right.isOpen && right.right.send(frame)),
    onClose: () => undefined,
  });
  expect(await codeOf(bridge.proven)).toBe('wrong_member');
});

it('does not stand over a channel that shows nothing of its ends', async () => {
  const { left: a } = memoryChannelPair();
  const bridge = bridgeOver(a, room, { binding: undefined });
  expect([await codeOf(bridge.proven), bridge.isOpen]).toEqual(['unsupported', false]);
});
