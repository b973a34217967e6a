// Connections that one thread has for another: the WebRTC of Node, lent and borrowed over a port within one thread, whose data channels come over as they are, or stay
// where they are. Between threads of a browser it is for `test/browser/member-off-thread.test.ts` and its sister of Firefox.
import { afterEach, describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { describeTransport, meshesUnderTest, overMembers } from '../../src/conformance.ts';
import type { Channel } from '../../src/index.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { borrowPeerConnections, lendPeerConnections, openWebRtc } from '../../src/webrtc/index.ts';
import type {
  LendOptions,
  Loan,
  LoanPort,
  PeerConnection,
  PeerConnectionConstructor,
  WebRtc,
} from '../../src/webrtc/index.ts';
import { SignalHub } from '../webrtc/signal-hub.ts';
import { keepingConnection } from './keeping-connection.ts';
import type { KeptConnection } from './keeping-connection.ts';

const RTCPeerConnection = await nodeWebRtc();
const loans: Loan[] = [];
const opened: WebRtc[] = [];
const connections: KeptConnection[] = [];
const KeepingConnection = keepingConnection(RTCPeerConnection, connections);

afterEach(() => {
  for (const webRtc of opened.splice(0)) webRtc.close();
  for (const loan of loans.splice(0)) loan.close();
  for (const connection of connections.splice(0)) connection.close();
});

/** Two ends of a port between threads: what is handed over goes as it is, the rest as a copy, and nothing within the turn. */
function loanPorts(handsOver = true): readonly [LoanPort, LoanPort] {
  const listeners: ((event: { readonly data: unknown }) => void)[][] = [[], []];
  const end = (own: 0 | 1): LoanPort => ({
    postMessage: (message, transfer = []) => {
      const isCopied = transfer.every((each) => each instanceof ArrayBuffer);
      if (!isCopied && !handsOver) throw new Error('it could not be cloned');
      const data = isCopied ? structuredClone(message, { transfer: transfer as ArrayBuffer[] }) : message;
      setImmediate(() => listeners[1 - own]!.forEach((listener) => listener({ data })));
    },
    addEventListener: (_, listener) => void listeners[own]!.push(listener),
    start: () => undefined,
    close: () => void (listeners[own] = []),
  });
  return [end(0), end(1)];
}

function borrowed(options: LendOptions = {}, handsOver = true): PeerConnectionConstructor {
  const [here, there] = loanPorts(handsOver);
  loans.push(lendPeerConnections(here, { RTCPeerConnection: KeepingConnection, ...options }));
  return borrowPeerConnections(there);
}

function open(
  selfId: string,
  hub: SignalHub,
  Connection: PeerConnectionConstructor,
): { webRtc: WebRtc; channels: Channel[] } {
  const channels: Channel[] = [];
  const webRtc = openWebRtc({
    selfId,
    signalling: hub.signalling,
    RTCPeerConnection: Connection,
    onChannel: (channel) => channels.push(channel),
  });
  opened.push(webRtc);
  return { webRtc, channels };
}

function overBorrowed(handsOver: boolean): ReturnType<typeof overMembers> {
  const hub = new SignalHub();
  const [here, there] = loanPorts(handsOver);
  lendPeerConnections(here, { RTCPeerConnection });
  const Borrowed = borrowPeerConnections(there);
  return overMembers((id, onChannel, room) => {
    const member = openWebRtc({
      selfId: `${room} ${id}`,
      signalling: hub.signalling,
      RTCPeerConnection: Borrowed,
      onChannel: (channel) => onChannel(channel),
    });
    return { dial: (to, options) => member.dial(`${room} ${to}`, options), close: () => member.close() };
  });
}

describeTransport('a mesh over WebRTC whose connections are borrowed', () => meshesUnderTest(overBorrowed(true)), {
  describe,
  it,
  expect,
});

describeTransport(
  'a mesh over WebRTC whose data channels stay with who lends them',
  () => meshesUnderTest(overBorrowed(false)),
  {
    describe,
    it,
    expect,
  },
);

describe('a borrowed connection', () => {
  it.each([true, false])(
    'reaches one that is nobody’s but its own; data channels are handed over: %s',
    async (handsOver) => {
      const hub = new SignalHub();
      const [a, b] = [open('a', hub, borrowed({}, handsOver)), open('b', hub, KeepingConnection)];
      const left = await a.webRtc.dial('b');
      await expect.poll(() => b.channels.length).toBe(1);
      const [atLeft, atRight] = [recordChannel(left), recordChannel(b.channels[0]!)];
      left.send(Uint8Array.of(1));
      b.channels[0]!.send(Uint8Array.of(2));
      await Promise.all([atLeft.frames(1), atRight.frames(1)]);
      left.close();
      await atRight.closed;
      // The one that was lent, and the other.
      await expect.poll(() => connections.map(({ connectionState }) => connectionState)).toEqual(['closed', 'closed']);
    },
  );

  it.each([true, false])('ends with the loan, and the other side hears of it; handed over: %s', async (handsOver) => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub, borrowed({}, handsOver)), open('b', hub, borrowed({}, handsOver))];
    await a.webRtc.dial('b');
    await expect.poll(() => b.channels.length).toBe(1);
    const atRight = recordChannel(b.channels[0]!);
    loans[0]!.close();
    expect((await atRight.closed)?.code).toBe('connection_lost');
  });

  it.each([
    ['that is one too many', () => borrowed({ maxConnections: 0 }), 'busy'],
    [
      'where a policy forbids it',
      () => {
        class Forbidden {
          constructor() {
            throw Object.assign(new Error('not here'), { name: 'NotAllowedError' });
          }
        }
        return borrowed({ RTCPeerConnection: Forbidden as unknown as new () => PeerConnection });
      },
      'unsupported',
    ],
  ])('%s is refused with a code', async (_, connection, code) => {
    const hub = new SignalHub();
    const [a, b] = [open('a', hub, connection()), open('b', hub, KeepingConnection)];
    const error = await a.webRtc.dial('b').catch((thrown: unknown) => RaftkvError.from(thrown));
    expect(error).toMatchObject({ code });
    expect([a.webRtc.sessions, b.channels.length]).toEqual([0, 0]);
  });

  it('that is given up while its data channels are under way leaves none behind', async () => {
    const hub = new SignalHub();
    const a = open('a', hub, borrowed());
    const stop = new AbortController();
    const dialled = a.webRtc
      .dial('nobody', { signal: stop.signal })
      .catch((thrown: unknown) => RaftkvError.from(thrown));
    stop.abort();
    expect(await dialled).toMatchObject({ code: 'cancelled' });
    await expect.poll(() => connections.map(({ connectionState }) => connectionState)).toEqual(['closed']);
    expect(a.webRtc.sessions).toBe(0);
  });
});
