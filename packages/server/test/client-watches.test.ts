// Watches over the client protocol: windows, progress, compaction, limits and ends.
import { describe, expect, it } from 'vitest';
import { encodeCommand, rangeFrom } from '@raftkv/wire';
import type { ClientMessage } from '@raftkv/wire';
import { SoleNode, put, range, talk } from './client-talk.ts';

describe('a watch', () => {
  const open = (id: number, from = 0, options = {}): ClientMessage => ({
    type: 'watch',
    id,
    range,
    from,
    previous: false,
    progress: true,
    ...options,
  });

  it('sends no more than its window ahead of what was consumed', async () => {
    const node = new SoleNode();
    const { peer } = talk(node, { watchWindowBytes: 50_000 });
    peer.send(open(1));
    await peer.settle();
    for (let i = 0; i < 30; i += 1) node.apply(put('k', new Uint8Array(10_000)));
    await peer.settle();
    const count = (): number => peer.of('watchEvents').flatMap(({ changes }) => changes).length;
    const first = count();
    expect(first).toBeGreaterThanOrEqual(5);
    expect(first).toBeLessThan(8);
    peer.send({ type: 'watchConsumed', id: 1, bytes: 30_000 });
    await peer.settle();
    expect(count()).toBe(first + 3);
    while (count() < 30) {
      peer.send({ type: 'watchConsumed', id: 1, bytes: 50_000 });
      await peer.settle();
    }
    const revisions = peer.of('watchEvents').flatMap(({ changes }) => changes.map(({ revision }) => revision));
    expect(revisions).toEqual(Array.from({ length: 30 }, (_, i) => i + 2));
  });

  it('leaves out what was there before unless asked', async () => {
    const node = new SoleNode();
    const { peer } = talk(node);
    peer.send(open(1), open(2, 0, { previous: true }));
    await peer.settle();
    node.apply(put('k', Uint8Array.of(1)));
    node.apply(put('k', Uint8Array.of(2)));
    await peer.settle();
    const previous = (id: number) =>
      peer
        .of('watchEvents')
        .filter((message) => message.id === id)
        .flatMap(({ changes }) => changes.at(-1)!.events[0]!.previous);
    expect(previous(1).at(-1)).toBeUndefined();
    expect(previous(2).at(-1)).toMatchObject({ value: Uint8Array.of(1) });
  });

  it('that fell behind what is retained is cancelled, with where to begin anew', async () => {
    const node = new SoleNode();
    for (let i = 0; i < 5; i += 1) node.apply(put('k', Uint8Array.of(i)));
    node.apply(encodeCommand({ session: undefined, command: { type: 'compact', revision: 5 } }));
    const { peer, session } = talk(node);
    peer.send(open(1, 2));
    await peer.settle();
    expect(peer.of('watchCancelled')).toMatchObject([{ id: 1, code: 'compacted', compactedRevision: 5 }]);
    expect(session.openWatches).toBe(0);
    expect(node.watcherCount).toBe(0);
  });

  it('is told its progress when nothing concerns it, never ahead of events', async () => {
    const node = new SoleNode();
    const due: { callback: () => void; milliseconds: number }[] = [];
    const clock = {
      now: () => 0,
      schedule: (callback: () => void, milliseconds: number) => (due.push({ callback, milliseconds }), () => {}),
    };
    const { peer } = talk(node, { clock, progressMilliseconds: 77, watchWindowBytes: 1000 });
    peer.send({ ...open(1), range: rangeFrom({ prefix: 'quiet' }) } as ClientMessage, open(2), {
      ...open(3),
      progress: false,
    } as ClientMessage);
    await peer.settle();
    for (let i = 0; i < 5; i += 1) node.apply(put('loud', new Uint8Array(600)));
    await peer.settle();
    due.find(({ milliseconds }) => milliseconds === 77)!.callback();
    await peer.settle();
    expect(peer.of('watchProgress')).toEqual([{ type: 'watchProgress', id: 1, revision: node.revision }]);
    // Told once; watch 2 has its window full of events, so its progress would be a lie.
    expect(due.filter(({ milliseconds }) => milliseconds === 77)).toHaveLength(2);
    due.at(-1)!.callback();
    await peer.settle();
    expect(peer.of('watchProgress')).toHaveLength(1);
  });

  it('ends by cancel, by the end of the connection, and is limited in number', async () => {
    const node = new SoleNode();
    const { peer, pair } = talk(node, { maxWatches: 2 });
    peer.send(open(1), open(2), open(3), open(1));
    await peer.settle();
    expect(peer.of('watchCancelled')).toMatchObject([
      { id: 3, code: 'busy' },
      { id: 1, code: 'invalid_argument' },
    ]);
    peer.send({ type: 'cancel', id: 1 });
    await peer.settle();
    expect(node.watcherCount).toBe(1);
    pair.cut();
    await peer.settle();
    expect(node.watcherCount).toBe(0);
    node.apply(put('k', Uint8Array.of(1)));
  });

  it('with a revision that fits into no frame is cancelled, and the others go on', async () => {
    const node = new SoleNode();
    const { peer } = talk(node, {}, { maxFrameBytes: 20_000 });
    peer.send(open(1), { ...open(2), range: rangeFrom({ prefix: 'small' }) } as ClientMessage);
    await peer.settle();
    node.apply(put('big', new Uint8Array(30_000)));
    node.apply(put('small', new Uint8Array(10)));
    await peer.settle();
    expect(peer.of('watchCancelled')).toMatchObject([{ id: 1, code: 'frame_too_large' }]);
    expect(peer.of('watchEvents').map(({ id }) => id)).toEqual([2]);
    expect(node.watcherCount).toBe(1);
  });
});
