// What a node owes to whoever connects, spoken to in frames: no client of ours in between, so that the protocol itself is tested.
import { describe, expect, it } from 'vitest';
import type { Command } from '@raftkv/kv';
import { RaftkvError, encodeCommand } from '@raftkv/wire';
import type { ClientMessage } from '@raftkv/wire';
import { SoleNode, put, range, talk } from './client-talk.ts';

/** Full soon, so that a client that does not read is noticed soon. */
const tightChannel = { highWaterBytes: 20_000, lowWaterBytes: 5_000, maxBufferedBytes: 300_000 };

describe('the hello', () => {
  it('is answered with who the node is and what it allows', async () => {
    const { peer } = talk(new SoleNode(), { maxInflightRequests: 7 });
    await peer.settle();
    expect(peer.received).toMatchObject([
      {
        type: 'welcome',
        version: 1,
        clusterId: 'c0',
        memberId: '0a',
        leader: 'h:1',
        limits: { maxInflightRequests: 7 },
      },
    ]);
  });

  it('of another version or cluster is refused, with the reason', async () => {
    for (const [hello, code] of [
      [{ type: 'hello', versions: [3, 4] }, 'unsupported_version'],
      [{ type: 'hello', versions: [1], clusterId: 'c1' }, 'wrong_cluster'],
    ] as const) {
      const { peer, session } = talk(new SoleNode(), {}, {}, false);
      peer.send(hello);
      await peer.settle();
      expect(peer.ended).toMatchObject({ code });
      expect(session.openRequests).toBe(0);
    }
  });

  it('is refused while the cluster is being founded, since a client keeps the id that it is told', async () => {
    const node: { clusterId: string | undefined } & Omit<SoleNode, 'clusterId'> = new SoleNode();
    node.clusterId = undefined;
    const { peer } = talk(node as SoleNode, {}, {}, false);
    peer.send({ type: 'hello', versions: [1] });
    await peer.settle();
    expect(peer.ended).toMatchObject({ code: 'no_leader', definite: true });
    expect(peer.received.some(({ type }) => type === 'welcome')).toBe(false);
  });

  it('must come first, once, and in time', async () => {
    const early = talk(new SoleNode(), {}, {}, false).peer;
    early.send({ type: 'ping', id: 1 });
    const twice = talk(new SoleNode()).peer;
    twice.send({ type: 'hello', versions: [1] });
    const due: (() => void)[] = [];
    const clock = { now: () => 0, schedule: (callback: () => void) => (due.push(callback), () => {}) };
    const silent = talk(new SoleNode(), { clock }, {}, false).peer;
    due[0]!();
    await early.settle();
    expect(early.ended).toMatchObject({ code: 'bad_frame' });
    expect(twice.ended).toMatchObject({ code: 'bad_frame' });
    expect(silent.ended).toMatchObject({ code: 'timeout' });
  });
});

describe('a malformed frame', () => {
  it('ends its own connection and no other', async () => {
    const node = new SoleNode();
    const good = talk(node).peer;
    for (const bytes of [[0x01, 0xff], [0x02], [], [0x01, 0x93, 0x02, 0x01, 0xc6, 0xff, 0xff, 0xff, 0xff]]) {
      const bad = talk(node).peer;
      bad.raw(Uint8Array.from(bytes));
      await bad.settle();
      expect(bad.ended).toBeInstanceOf(RaftkvError);
    }
    good.send({ type: 'ping', id: 5 });
    await good.settle();
    expect(good.of('pong')).toEqual([{ type: 'pong', id: 5 }]);
  });

  it('is told apart from a bad command in a good frame, which is refused alone', async () => {
    const { peer } = talk(new SoleNode());
    peer.send(
      { type: 'write', id: 1, command: Uint8Array.of(0x10, 0xff) },
      { type: 'write', id: 2, command: put('k', new Uint8Array(1)) },
    );
    await peer.settle();
    expect(peer.of('error')).toMatchObject([{ id: 1, code: 'bad_frame', definite: true }]);
    expect(peer.of('result')).toMatchObject([{ id: 2, result: { type: 'put' } }]);
    expect(peer.ended).toBeUndefined();
  });
});

describe('requests', () => {
  it('of one frame are confirmed by one round and answered in one frame', async () => {
    const node = new SoleNode();
    const { peer } = talk(node);
    await peer.settle();
    peer.frames.length = 0;
    peer.send(
      ...Array.from({ length: 50 }, (_, id) => ({
        type: 'get' as const,
        id,
        key: 'k',
        level: 'linearizable' as const,
        minRevision: 0,
      })),
      ...Array.from({ length: 50 }, (_, id) => ({
        type: 'write' as const,
        id: 100 + id,
        command: put(`k${id}`, new Uint8Array(1)),
      })),
    );
    await peer.settle();
    expect(peer.of('result')).toHaveLength(100);
    expect(node.linearizations).toBe(1);
    expect(peer.frames.length).toBeLessThanOrEqual(2);
  });

  it('beyond the limit are refused as busy, and room is made by answers', async () => {
    const node = new SoleNode();
    const answers: (() => void)[] = [];
    node.linearize = () => new Promise((resolve) => answers.push(resolve));
    const { peer, session } = talk(node, { maxInflightRequests: 3 });
    const get = (id: number) => ({
      type: 'get' as const,
      id,
      key: 'k',
      level: 'linearizable' as const,
      minRevision: 0,
    });
    peer.send(get(1), get(2), get(3), get(4), get(5));
    await peer.settle();
    expect(peer.of('error')).toMatchObject([
      { id: 4, code: 'busy', definite: true },
      { id: 5, code: 'busy' },
    ]);
    expect(session.openRequests).toBe(3);
    answers[0]!();
    await peer.settle();
    peer.send(get(6));
    await peer.settle();
    answers[1]!();
    await peer.settle();
    expect(peer.of('result').map(({ id }) => id)).toEqual([1, 2, 3, 6]);
    expect(session.openRequests).toBe(0);
  });

  it('that fail say why: no leader, and who is thought to lead', async () => {
    const node = new SoleNode();
    node.linearize = () => Promise.reject(new RaftkvError('no_leader', 'none'));
    node.write = () => Promise.reject(new RaftkvError('timeout', 'late', { definite: false }));
    const { peer } = talk(node);
    peer.send(
      { type: 'get', id: 1, key: 'k', level: 'linearizable', minRevision: 0 },
      { type: 'write', id: 2, command: put('k', new Uint8Array(1)) },
      { type: 'get', id: 3, key: '', level: 'local', minRevision: 0 },
    );
    await peer.settle();
    expect(peer.of('error').sort((a, b) => a.id - b.id)).toMatchObject([
      { id: 1, code: 'no_leader', leader: 'h:1', definite: true },
      { id: 2, code: 'timeout', definite: false },
      { id: 3, code: 'key_empty' },
    ]);
  });

  it('for more than the channel takes are answered as it drains, without piling up', async () => {
    const node = new SoleNode();
    node.apply(put('big', new Uint8Array(100_000)));
    const { peer, session, pair } = talk(
      node,
      {},
      { highWaterBytes: 200_000, lowWaterBytes: 50_000, maxBufferedBytes: 1_000_000 },
    );
    await peer.settle();
    pair.stall('left');
    peer.send(
      ...Array.from({ length: 100 }, (_, id) => ({
        type: 'get' as const,
        id,
        key: 'big',
        level: 'local' as const,
        minRevision: 0,
      })),
    );
    await peer.settle();
    expect(pair.right.bufferedBytes).toBeLessThan(700_000);
    expect(session.openRequests).toBeGreaterThan(80);
    pair.resume('left');
    await expect.poll(() => peer.of('result').length).toBe(100);
    expect(peer.ended).toBeUndefined();
  });

  it.each(['write', 'ping', 'watch'] as const)(
    'of the kind %s, sent without end by a client that reads nothing, end its connection and hold little memory',
    async (type) => {
      const { peer, session, pair } = talk(new SoleNode(), { maxWatches: 0 }, tightChannel);
      await peer.settle();
      pair.stall('left');
      const command = put('k', new Uint8Array(1));
      let sent = 0;
      const next = (): ClientMessage => {
        const id = ++sent;
        if (type === 'write') return { type, id, command };
        return type === 'watch' ? { type, id, range, from: 0, previous: false, progress: false } : { type, id };
      };
      while (pair.right.isOpen && sent < 1_000_000) {
        peer.send(...Array.from({ length: 4000 }, next));
        await peer.settle();
      }
      expect(pair.right.isOpen).toBe(false);
      expect(session.openRequests).toBe(0);
      pair.resume('left');
      await expect.poll(() => peer.ended).toMatchObject({ code: 'busy' });
    },
  );

  it('with large answers are encoded as the channel drains, and none is lost', async () => {
    const node = new SoleNode();
    node.apply(put('big', new Uint8Array(50_000)));
    const { peer, pair } = talk(node, {}, { ...tightChannel, maxBufferedBytes: 1_000_000 });
    await peer.settle();
    pair.stall('left');
    const txn: Command = { type: 'txn', compare: [], then: [{ type: 'get', key: 'big' }], otherwise: [] };
    const command = encodeCommand({ session: undefined, command: txn });
    peer.send(...Array.from({ length: 300 }, (_, id) => ({ type: 'write' as const, id, command })));
    await peer.settle();
    peer.send({ type: 'ping', id: 300 });
    await peer.settle();
    expect(pair.right.isOpen).toBe(true);
    expect(pair.right.bufferedBytes).toBeLessThan(700_000);
    pair.resume('left');
    await expect.poll(() => peer.of('pong').length).toBe(1);
    expect(peer.of('result').map(({ id }) => id)).toEqual(Array.from({ length: 300 }, (_, id) => id));
    expect(peer.received.at(-1)).toMatchObject({ type: 'pong' });
  });

  it('with an answer beyond the frame get an error instead, not definite for a write', async () => {
    const node = new SoleNode();
    node.apply(put('k', new Uint8Array(50_000)));
    const { peer } = talk(node, {}, { maxFrameBytes: 20_000 });
    const replace = encodeCommand({
      session: undefined,
      command: { type: 'put', key: 'k', value: new Uint8Array(1), returnPrevious: true },
    });
    peer.send({ type: 'get', id: 1, key: 'k', level: 'local', minRevision: 0 });
    await peer.settle();
    peer.send({ type: 'write', id: 2, command: replace }, { type: 'ping', id: 3 });
    await peer.settle();
    expect(peer.of('error')).toMatchObject([
      { id: 1, code: 'frame_too_large', definite: true },
      { id: 2, code: 'frame_too_large', definite: false },
    ]);
    expect(peer.of('pong')).toHaveLength(1);
  });

  it('for a scan are cut into pages by bytes', async () => {
    const node = new SoleNode();
    for (let i = 0; i < 10; i += 1) node.apply(put(`k${i}`, new Uint8Array(1000)));
    const { peer } = talk(node, { maxPageBytes: 2500 });
    peer.send({ type: 'scan', id: 1, range, level: 'linearizable', minRevision: 0, options: {} });
    await peer.settle();
    const { result } = peer.of('result')[0]!;
    expect(result).toMatchObject({ type: 'scan', more: true });
    expect(result.type === 'scan' && result.entries.length).toBeLessThan(5);
  });
});

describe('the connection', () => {
  it('hears of another leader', async () => {
    const node = new SoleNode();
    const { peer } = talk(node);
    await peer.settle();
    node.leader = undefined;
    for (const listener of node.leaderListeners) listener();
    await peer.settle();
    expect(peer.of('leader')).toEqual([{ type: 'leader', leader: undefined }]);
  });

  it('is closed when nothing was heard for long, and leaves nothing behind', async () => {
    let now = 0;
    const due: (() => void)[] = [];
    const clock = { now: () => now, schedule: (callback: () => void) => (due.push(callback), () => {}) };
    const node = new SoleNode();
    const { peer } = talk(node, { clock, idleTimeoutMilliseconds: 1000 });
    await peer.settle();
    now = 900;
    peer.send({ type: 'ping', id: 1 });
    await peer.settle();
    now = 1500;
    due.at(-1)!();
    expect(peer.ended).toBeUndefined();
    now = 2000;
    due.at(-1)!();
    await peer.settle();
    expect(peer.ended).toMatchObject({ code: 'timeout' });
    expect(node.leaderListeners.size).toBe(0);
  });

  it('is told why when the server closes it, and late answers go nowhere', async () => {
    const node = new SoleNode();
    let finish: (() => void) | undefined;
    node.linearize = () => new Promise((resolve) => (finish = resolve));
    const ends: unknown[] = [];
    const { peer, session } = talk(node, { onEnd: (error) => ends.push(error?.code) });
    peer.send({ type: 'get', id: 1, key: 'k', level: 'linearizable', minRevision: 0 });
    await peer.settle();
    session.close(new RaftkvError('closed', 'the member is stopping'));
    session.close();
    finish!();
    await peer.settle();
    expect(ends).toEqual(['closed']);
    expect(peer.ended).toMatchObject({ code: 'closed' });
    expect(peer.of('result')).toEqual([]);
  });
});
