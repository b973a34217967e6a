// Connections over real WebRTC between two ends in Node: from the first signal to the closed connection, with everything that can go wrong on
// the way. Between tabs, and between a tab and Node, see `test/browser/webrtc.test.ts`.
import { afterEach, describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { describeChannel } from '../../src/conformance.ts';
import type { Channel } from '../../src/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openWebRtc, webRtcChannel } from '../../src/webrtc/index.ts';
import type { IceCandidate, PeerConnection, Signal, WebRtc, WebRtcOptions } from '../../src/webrtc/index.ts';
import { SignalHub } from '../webrtc/signal-hub.ts';
import { keepingConnection } from './keeping-connection.ts';
import type { KeptConnection } from './keeping-connection.ts';

const RTCPeerConnection = await nodeWebRtc();
const opened: WebRtc[] = [];
const connections: KeptConnection[] = [];
const KeepingConnection = keepingConnection(RTCPeerConnection, connections);

afterEach(() => {
  for (const webRtc of opened.splice(0)) webRtc.close();
  for (const connection of connections.splice(0)) connection.close();
});

interface Member {
  readonly webRtc: WebRtc;
  readonly channels: Channel[];
  /** Who dialled, and what for, in order. */
  readonly visits: string[];
  /** The next channel that somebody dialled. */
  accepted(): Promise<Channel>;
}

function open(selfId: string, hub: SignalHub, options: Partial<WebRtcOptions> = {}): Member {
  const channels: Channel[] = [];
  const visits: string[] = [];
  const webRtc = openWebRtc({
    selfId,
    signalling: hub.signalling,
    RTCPeerConnection: KeepingConnection,
    onChannel: (channel, from, purpose) => {
      channels.push(channel);
      visits.push(`${from} as a ${purpose}`);
    },
    ...options,
  });
  opened.push(webRtc);
  return {
    webRtc,
    channels,
    visits,
    accepted: async () => {
      await expect.poll(() => channels.length).toBeGreaterThan(0);
      return channels.shift()!;
    },
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );
}

describeChannel(
  'WebRTC in Node',
  async (limits) => {
    const [a, b] = [new RTCPeerConnection({}), new RTCPeerConnection({})];
    // One that is found when the test is over is of no use to anybody.
    const pass = (to: PeerConnection, candidate: IceCandidate | null): unknown =>
      candidate && to.addIceCandidate(candidate).catch(() => undefined);
    a.addEventListener('icecandidate', ({ candidate }) => pass(b, candidate));
    b.addEventListener('icecandidate', ({ candidate }) => pass(a, candidate));
    const ports = [a, b].map((connection) => {
      const make = (id: number) =>
        new Stallable(connection.createDataChannel('test', { negotiated: true, id, protocol: '' }));
      return { urgent: make(0), bulk: make(1) };
    });
    const all = ports.flatMap(({ urgent, bulk }) => [urgent, bulk]);
    const openings = all.map((port) => new Promise((resolve) => port.addEventListener('open', resolve)));
    const [left, right] = ports.map((pair) => webRtcChannel(pair, limits));
    await a.setLocalDescription(await a.createOffer());
    await b.setRemoteDescription(a.localDescription!);
    await b.setLocalDescription(await b.createAnswer());
    await a.setRemoteDescription(b.localDescription!);
    await Promise.all(openings);
    return {
      left: left!,
      right: right!,
      stallRight: () => all.slice(2).forEach((port) => port.stall()),
      resumeRight: () => all.slice(2).forEach((port) => port.resume()),
      cut: () => all.forEach((port) => port.close()),
      dispose: async () => [a, b].forEach((connection) => connection.close()),
    };
  },
  { describe, it, expect },
);

describe('members over WebRTC', () => {
  it('connect by id, and speak both ways on both pipes', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const left = await a.webRtc.dial('b');
    const right = await b.accepted();
    const [atLeft, atRight, atBulk] = [recordChannel(left), recordChannel(right), recordChannel(right.bulk!)];
    left.send(Uint8Array.of(1));
    right.send(Uint8Array.of(2));
    left.bulk!.send(new Uint8Array(1 << 20));
    await Promise.all([atRight.frames(1), atLeft.frames(1), atBulk.frames(1)]);
    expect([left.path, left.remote, right.remote]).toEqual(['direct', 'b', 'a']);
  });

  it('let go of everything in order, and say nothing more to one that left', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const left = await a.webRtc.dial('b');
    const [atLeft, atRight] = [recordChannel(left), recordChannel(await b.accepted())];
    left.send(Uint8Array.of(1));
    a.webRtc.drop('b');
    expect((await atRight.closed)?.code).toBe('closed');
    await atLeft.closed;
    expect(atRight.received).toHaveLength(1);
    await expect.poll(() => a.webRtc.sessions + b.webRtc.sessions).toBe(0);
    expect(connections.map((connection) => connection.connectionState)).toEqual(['closed', 'closed']);
    const said = hub.heard.length;
    hub.say({ ...hub.heard.find(({ type }) => type === 'candidate')! });
    hub.say({ ...hub.heard.find(({ type }) => type === 'answer')! });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(hub.heard).toHaveLength(said);
  });

  it('carry channels of peers and of clients side by side, and end either alone', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const asPeer = await a.webRtc.dial('b');
    const atPeer = recordChannel(await b.accepted());
    const asClient = await a.webRtc.dial('b', { purpose: 'client' });
    const atClient = recordChannel(await b.accepted());
    expect(b.visits).toEqual(['a as a peer', 'a as a client']);
    asPeer.send(Uint8Array.of(1));
    asClient.send(Uint8Array.of(2));
    await Promise.all([atPeer.frames(1), atClient.frames(1)]);
    expect([atPeer.received, atClient.received]).toEqual([[Uint8Array.of(1)], [Uint8Array.of(2)]]);
    // As builds before purposes have it.
    expect(hub.heard.find(({ type }) => type === 'offer')).not.toHaveProperty('purpose');

    b.webRtc.drop('a', 'peer');
    expect((await atPeer.closed)?.code).toBe('closed');
    asClient.send(Uint8Array.of(3));
    await atClient.frames(2);
    expect(await codeOf(a.webRtc.dial('b'))).toBe('member_removed');
    expect((await a.webRtc.dial('b', { purpose: 'client' })).isOpen).toBe(true);
  });

  it('refuse a purpose that they do not know or do not want, and the answer of a build that knows none', async () => {
    const hub = new SignalHub();
    const a = open('a', hub);
    const b = open('b', hub, { isWelcome: (_, purpose) => purpose === 'client' });
    expect(await codeOf(a.webRtc.dial('b'))).toBe('wrong_member');
    expect((await a.webRtc.dial('b', { purpose: 'client' })).isOpen).toBe(true);

    const offer = hub.heard.find(({ type }) => type === 'offer')!;
    hub.say({ ...offer, session: 'later', purpose: 'gossip' });
    await expect.poll(() => hub.heard.at(-1)).toMatchObject({ session: 'later', type: 'bye', code: 'unsupported' });

    hub.rewrite = (signal) => {
      const { purpose: _, ...older } = signal as Signal & { purpose?: string };
      return signal.type === 'answer' ? older : signal;
    };
    expect(await codeOf(a.webRtc.dial('b', { purpose: 'client' }))).toBe('unsupported');
    expect(b.visits).toEqual(['a as a client']);
  });

  it('keep room for members, however many clients come', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub, { limits: { maxSessions: 3, maxClientSessions: 1 } })];
    expect((await a.webRtc.dial('b', { purpose: 'client' })).isOpen).toBe(true);
    expect(await codeOf(a.webRtc.dial('b', { purpose: 'client' }))).toBe('busy');
    // One that it dialled itself does not count.
    expect((await b.webRtc.dial('a', { purpose: 'client' })).isOpen).toBe(true);
    expect((await a.webRtc.dial('b')).isOpen).toBe(true);
    expect(await codeOf(a.webRtc.dial('b'))).toBe('busy');
  });

  it('dial nobody that left, and say so at once', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    a.webRtc.drop('b');
    expect(await codeOf(a.webRtc.dial('b'))).toBe('member_removed');
    expect(await codeOf(a.webRtc.dial('b', { purpose: 'client' }))).toBe('member_removed');
    expect(hub.heard).toHaveLength(0);
    expect(await codeOf(b.webRtc.dial('a'))).toBe('member_removed');
  });

  it('get two channels when both dial at once: which stays is for the mesh to say', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const dialled = await Promise.all([a.webRtc.dial('b'), b.webRtc.dial('a')]);
    expect(dialled.map((channel) => channel.isOpen)).toEqual([true, true]);
    await Promise.all([a.accepted(), b.accepted()]);
  });

  it('restart ICE from both sides at once, on the channel that stands', async () => {
    const hub = new SignalHub();
    const limits = { restartMilliseconds: 0 };
    const [a, b] = [open('a', hub, { limits }), open('b', hub, { limits })];
    const left = await a.webRtc.dial('b');
    const right = await b.accepted();
    const [atLeft, atRight] = [recordChannel(left), recordChannel(right)];
    const ufrags = (): (string | undefined)[] => connections.map(ufragOf);
    const before = ufrags();
    // As both see it when the way is gone: each offers, the offers cross, and the polite one takes its own back.
    for (const connection of connections) connection.pretend('disconnected');
    await expect.poll(() => hub.heard.filter(({ type }) => type === 'offer').length).toBe(3);
    await expect.poll(() => ufrags().every((ufrag, index) => ufrag !== before[index])).toBe(true);
    await expect.poll(() => connections.every(({ signalingState }) => signalingState === 'stable')).toBe(true);
    left.send(Uint8Array.of(1));
    right.send(Uint8Array.of(2));
    await Promise.all([atLeft.frames(1), atRight.frames(1)]);
    expect(left.isOpen && right.isOpen).toBe(true);
  });

  it('end with connection_lost when the way is gone for good', async () => {
    const hub = new SignalHub();
    const limits = { giveUpMilliseconds: 30 };
    const [a, b] = [open('a', hub, { limits }), open('b', hub)];
    const atLeft = recordChannel(await a.webRtc.dial('b'));
    const atRight = recordChannel(await b.accepted());
    hub.carries = () => false;
    connections[0]!.pretend('disconnected');
    expect((await atLeft.closed)?.code).toBe('connection_lost');
    expect((await atRight.closed)?.code).toBe('connection_lost');
    await expect.poll(() => a.webRtc.sessions).toBe(0);
  });

  it('hear that the other side is gone without a word', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const atLeft = recordChannel(await a.webRtc.dial('b'));
    await b.accepted();
    connections[1]!.close();
    expect((await atLeft.closed)?.code).toBe('connection_lost');
  });

  it('give up in time, for every reason there is', async () => {
    const hub = new SignalHub();
    const limits = { connectMilliseconds: 50 };
    const a = open('a', hub, { limits });
    expect(await codeOf(a.webRtc.dial('nobody'))).toBe('timeout');
    expect(hub.heard.at(-1)).toMatchObject({ type: 'bye', code: 'timeout', to: 'nobody' });
    const impatient = open('impatient', hub, { limits: { answerMilliseconds: 20 } });
    expect(await codeOf(impatient.webRtc.dial('nobody'))).toBe('timeout');

    open('b', hub, { isWelcome: (id) => id !== 'a' });
    expect(await codeOf(a.webRtc.dial('b'))).toBe('wrong_member');

    const abort = new AbortController();
    const dialling = codeOf(a.webRtc.dial('nobody', { signal: abort.signal }));
    abort.abort();
    expect(await dialling).toBe('cancelled');
    expect(await codeOf(a.webRtc.dial('nobody', { signal: abort.signal }))).toBe('cancelled');

    const full = open('full', hub, { limits: { maxSessions: 0 } });
    expect(await codeOf(a.webRtc.dial('full'))).toBe('busy');
    expect(await codeOf(full.webRtc.dial('a'))).toBe('busy');

    a.webRtc.close();
    expect(await codeOf(a.webRtc.dial('b'))).toBe('closed');
    expect(a.webRtc.sessions).toBe(0);
  });

  it('do without signals that are lost: the attempt fails, the next one need not', async () => {
    const hub = new SignalHub();
    const a = open('a', hub, { limits: { connectMilliseconds: 100 } });
    open('b', hub);
    hub.carries = ({ type }) => type !== 'answer';
    expect(await codeOf(a.webRtc.dial('b'))).toBe('timeout');
    hub.carries = () => true;
    expect((await a.webRtc.dial('b')).isOpen).toBe(true);
  });

  it('shrug off what strangers say', async () => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub), open('b', hub)];
    const left = await a.webRtc.dial('b');
    const right = await b.accepted();
    const { session } = hub.heard[0]!;
    const envelope = { version: 1, session, from: 'b', to: 'a' };
    const strange: unknown[] = [
      undefined,
      'text',
      { ...envelope, version: 2, type: 'bye', code: 'closed', message: '' },
      { ...envelope, type: 'bye', code: 'closed', message: 'leave' },
      { ...envelope, type: 'note', text: 'leave' },
      { ...envelope, session: 'another', type: 'note', text: 'come' },
      { ...envelope, type: 'answer', sdp: 'v=0' },
      { ...envelope, type: 'offer', sdp: 'nonsense' },
      { ...envelope, type: 'offer', sdp: 'x'.repeat(20_000) },
      { ...envelope, session: 'another', type: 'offer', sdp: 'nonsense' },
      { ...envelope, session: 'another', from: 'c', type: 'answer', sdp: 'nonsense' },
      { ...envelope, type: 'candidate', candidate: 'nonsense', mid: null, line: -1 },
      ...Array.from({ length: 300 }, () => ({
        ...envelope,
        type: 'candidate',
        candidate: 'nonsense',
        mid: '0',
        line: 0,
      })),
    ];
    for (const signal of strange) hub.say(signal);
    await expect.poll(() => hub.heard.filter((signal: Signal) => signal.session === 'another').length).toBe(1);
    const atRight = recordChannel(right);
    left.send(Uint8Array.of(1));
    await atRight.frames(1);
    await expect.poll(() => a.webRtc.sessions).toBe(1);
  });
});

/** What names the candidates of a connection; a restart changes it. */
function ufragOf({ localDescription }: PeerConnection): string | undefined {
  return /a=ice-ufrag:(\S+)/.exec(localDescription?.sdp ?? '')?.[1];
}

/** A data channel whose messages wait on request. */
class Stallable {
  readonly #port: ReturnType<PeerConnection['createDataChannel']>;
  #waiting: (() => void)[] | undefined;

  constructor(port: ReturnType<PeerConnection['createDataChannel']>) {
    this.#port = port;
  }
  get binaryType(): string {
    return this.#port.binaryType;
  }
  set binaryType(type: string) {
    this.#port.binaryType = type;
  }
  get readyState(): string {
    return this.#port.readyState;
  }
  get bufferedAmount(): number {
    return this.#port.bufferedAmount;
  }
  send(data: Uint8Array<ArrayBuffer>): void {
    this.#port.send(data);
  }
  close(): void {
    this.#port.close();
  }
  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.#port.addEventListener(type as 'message', (event) => {
      if (this.#waiting === undefined || type === 'open') listener(event);
      else this.#waiting.push(() => listener(event));
    });
  }
  stall(): void {
    this.#waiting ??= [];
  }
  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const event of waiting) event();
  }
}
