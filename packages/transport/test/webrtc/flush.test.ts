// What a session does within the last turn of a page: it has the browser make a data channel, which takes as long as what was sent before needs to leave. That a browser
// does so, no test of ours can know; what is asked of it is here.
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { PeerConnection } from '../../src/webrtc/index.ts';
import { PeerSession } from '../../src/webrtc/peer-session.ts';
import { defaultWebRtcLimits } from '../../src/webrtc/webrtc-limits.ts';
import { FakePort } from './fake-port.ts';

interface Init {
  readonly negotiated: boolean;
  readonly id: number;
}

/** A session over two ports that are not open yet, with what was done to its connection and to the first port, in order. */
function begin() {
  const acts: string[] = [];
  const ids = new Set<number>();
  const ports: FakePort[] = [];
  const state = { isClosed: false };
  const connection = {
    connectionState: 'connected',
    localDescription: null,
    createDataChannel: (label: string, { id, negotiated }: Init) => {
      if (state.isClosed) throw new Error('the connection is closed');
      expect([negotiated, ids.has(id)]).toEqual([true, false]);
      ids.add(id);
      acts.push(label);
      const port = new FakePort();
      port.readyState = 'connecting';
      if (ports.length === 0) {
        const send = port.send.bind(port);
        port.send = (data) => {
          acts.push('message');
          send(data);
        };
      }
      if (ports.length < 2) ports.push(port);
      return port;
    },
    close: () => void acts.push('close'),
    addEventListener: () => undefined,
  } as unknown as PeerConnection;
  const session = new PeerSession({
    connection,
    purpose: 'room',
    isPolite: true,
    trickles: true,
    send: () => undefined,
    remote: 'b',
    clock: systemClock,
    limits: defaultWebRtcLimits,
    channel: {},
    onEnded: () => undefined,
  });
  acts.splice(0);
  return { session, acts, state, open: () => ports.forEach((port) => port.open()) };
}

it('makes a data channel after what was sent, once there is a connection, and another one each time', async () => {
  const { session, acts, open } = begin();
  session.flush();
  expect(acts).toEqual([]);
  open();
  const channel = await session.opened;
  channel.send(Uint8Array.of(1));
  session.flush();
  channel.send(Uint8Array.of(2));
  session.flush();
  expect(acts).toEqual(['message', 'raftkv-flush', 'message', 'raftkv-flush']);
  // So many and no more: each of them stays until the connection ends.
  for (let count = 0; count < 100; count += 1) session.flush();
  expect(acts.filter((act) => act === 'raftkv-flush')).toHaveLength(64);
  channel.lose('it is over');
});

it('does nothing with a connection that is gone', async () => {
  const { session, acts, open, state } = begin();
  open();
  const channel = await session.opened;
  state.isClosed = true;
  session.flush();
  channel.lose('it is over');
  session.flush();
  expect(acts).toEqual(['close']);
});
