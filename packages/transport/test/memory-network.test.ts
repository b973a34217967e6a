// Transports within one process.
import type { Message, PeerId } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { memoryNetwork } from '../src/index.ts';
import type { MemoryNetwork } from '../src/index.ts';
import { settled } from './fake-clock.ts';
import { append, heartbeat } from './messages.ts';

function join(network: MemoryNetwork, id: PeerId) {
  const transport = network.transport(id);
  const received: Message[] = [];
  const told: string[] = [];
  transport.start({
    onMessage: (message) => received.push(message),
    onUnreachable: (peer) => told.push(`${peer} unreachable`),
    onPeerState: (peer, isConnected) => told.push(`${peer} ${isConnected ? 'up' : 'down'}`),
  });
  return { transport, received, told };
}

describe('a memory network', () => {
  it('carries messages through the codec, never within the turn that sends them', async () => {
    const network = memoryNetwork();
    const [a, b] = [join(network, 'a'), join(network, 'b')];
    const message = append('a', 'b', 100);
    a.transport.send([message, heartbeat('a', 'b')]);
    expect(b.received).toEqual([]);
    await settled();
    expect(b.received).toEqual([message, heartbeat('a', 'b')]);
    expect(b.received[0]).not.toBe(message);
  });

  it('tells of cuts and of what could not be sent', async () => {
    const network = memoryNetwork();
    const [a, b] = [join(network, 'a'), join(network, 'b')];
    network.setConnected('a', 'b', false);
    a.transport.send([heartbeat('a', 'b')]);
    await settled();
    expect(b.received).toEqual([]);
    expect(a.told).toEqual(['b up', 'b down', 'b unreachable', 'b unreachable']);
    network.setConnected('b', 'a', true);
    a.transport.send([heartbeat('a', 'b')]);
    await settled();
    expect(b.received).toHaveLength(1);
    await b.transport.close();
    expect(a.told.slice(-2)).toEqual(['b down', 'b unreachable']);
    expect(a.transport.isConnected('b')).toBe(false);
  });

  it('lets a test lose and repeat frames', async () => {
    let copies = 0;
    const network = memoryNetwork({
      defer: (deliver, from, to) => {
        expect([from, to]).toEqual(['a', 'b']);
        for (let count = 0; count < copies; count += 1) queueMicrotask(deliver);
      },
    });
    const [a, b] = [join(network, 'a'), join(network, 'b')];
    for (copies of [0, 2]) {
      a.transport.send([heartbeat('a', 'b', copies)]);
      await settled();
    }
    expect(b.received).toEqual([heartbeat('a', 'b', 2), heartbeat('a', 'b', 2)]);
  });
});
