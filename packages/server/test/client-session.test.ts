// What a node owes to whoever connects, spoken to in frames: no client of ours in between, so that the protocol itself is tested.
import { describe, expect, it } from 'vitest';
import { Store } from '@raftkv/kv';
import type { CommandResult } from '@raftkv/kv';
import { memoryChannelPair } from '@raftkv/transport';
import {
  RaftkvError,
  decodeCommand,
  decodeServerFrame,
  encodeClientFrame,
  encodeCommand,
  rangeFrom,
} from '@raftkv/wire';
import type { ClientMessage, NodeStatus, ServerMessage } from '@raftkv/wire';
import { serveClient } from '../src/client-session.ts';
import type { ClientSessionOptions, ServedNode } from '../src/client-session.ts';
import { Watchers } from '../src/watchers.ts';
import type { KvStateMachine } from '../src/kv-state-machine.ts';

const range = rangeFrom({ all: true });
const status = { clusterId: 'c0', memberId: '0a', name: 'n', leader: 'h:1', members: [] } as unknown as NodeStatus;

function put(key: string, value: Uint8Array): Uint8Array {
  return encodeCommand({ session: undefined, command: { type: 'put', key, value } });
}

/** A single member: the store itself, with the watchers that real members have. */
class SoleNode {
  readonly store = new Store();
  readonly clusterId = 'c0';
  readonly memberId = '0a';
  readonly term = 1;
  readonly isLeader = true;
  leader: string | undefined = 'h:1';
  linearizations = 0;
  readonly #appliedListeners = new Set<() => void>();
  readonly leaderListeners = new Set<() => void>();
  readonly #watchers: Watchers;
  #index = 0;

  constructor() {
    const machine = { store: this.store, onApplied: (listener: () => void) => this.#appliedListeners.add(listener) };
    this.#watchers = new Watchers(machine as unknown as KvStateMachine);
  }
  get revision(): number {
    return this.store.revision;
  }
  get compactedRevision(): number {
    return this.store.compactedRevision;
  }
  get watcherCount(): number {
    return this.#watchers.count;
  }
  apply(command: Uint8Array): CommandResult {
    const result = this.store.apply(++this.#index, decodeCommand(command));
    for (const listener of this.#appliedListeners) listener();
    return result;
  }
  async write(command: Uint8Array): Promise<CommandResult> {
    return this.apply(command);
  }
  async linearize(): Promise<void> {
    this.linearizations += 1;
  }
  get = async (key: string) => this.getLocal(key);
  scan = async () => this.scanLocal();
  execute = () => Promise.reject(new Error('not used'));
  getLocal(key: string, options: { revision?: number } = {}) {
    return this.store.get(key, { revision: options.revision }) as never;
  }
  scanLocal(scanned = range, options = {}) {
    return this.store.scan(scanned, options) as never;
  }
  watch(watched: typeof range, from: number, onReady: () => void) {
    return this.#watchers.open(watched, from, onReady);
  }
  onLeaderChange(listener: () => void): () => void {
    this.leaderListeners.add(listener);
    return () => this.leaderListeners.delete(listener);
  }
  status(): NodeStatus {
    return status;
  }
}

interface Peer {
  readonly received: ServerMessage[];
  readonly frames: Uint8Array[];
  ended: RaftkvError | 'in order' | undefined;
  send(...messages: ClientMessage[]): void;
  raw(bytes: Uint8Array): void;
  /** Lets everything that is due happen. */
  settle(): Promise<void>;
  of<Type extends ServerMessage['type']>(type: Type): Extract<ServerMessage, { type: Type }>[];
}

function talk(node: SoleNode, options: ClientSessionOptions = {}, channel = {}, greet = true) {
  const pair = memoryChannelPair(channel);
  const session = serveClient(pair.right, node as ServedNode, options);
  const peer: Peer = {
    received: [],
    frames: [],
    ended: undefined,
    send: (...messages) => pair.left.send(encodeClientFrame(messages)),
    raw: (bytes) => pair.left.send(bytes),
    settle: () => new Promise((resolve) => setTimeout(resolve, 0)),
    of: (type) => peer.received.filter((message) => message.type === type) as never,
  };
  pair.left.start({
    onFrame: (frame) => {
      peer.frames.push(frame);
      peer.received.push(...decodeServerFrame(frame));
    },
    onClose: (error) => {
      peer.ended = error ?? 'in order';
    },
  });
  if (greet) peer.send({ type: 'hello', versions: [1] });
  return { peer, session, pair };
}

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
      [{ type: 'hello', versions: [2, 3] }, 'unsupported_version'],
      [{ type: 'hello', versions: [1], clusterId: 'c1' }, 'wrong_cluster'],
    ] as const) {
      const { peer, session } = talk(new SoleNode(), {}, {}, false);
      peer.send(hello);
      await peer.settle();
      expect(peer.ended).toMatchObject({ code });
      expect(session.openRequests).toBe(0);
    }
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
