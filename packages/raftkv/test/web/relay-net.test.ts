// Tabs that feed each other meet at a relay: who is there is asked what it offers, who does not answer is not waited for, and the way between two is their own.
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { nodeWebRtc } from '@raftkv/transport/node-webrtc';
import { openSignalRelay, relaySignalling } from '@raftkv/transport/webrtc';
import { expect, it, onTestFinished } from 'vitest';
import { openRelayNet } from '../../src/web/relay-net.ts';
import type { RelayNetOptions } from '../../src/web/relay-net.ts';

const secret = 'of these tests alone';

function relayed() {
  const relay = openSignalRelay();
  onTestFinished(() => relay.close());
  const dialRelay = async (): Promise<Channel> => {
    const pair = memoryChannelPair();
    relay.accept(pair.right);
    return pair.left;
  };
  const enter = (selfId: string, options: Partial<RelayNetOptions> = {}) => {
    const net = openRelayNet({ clusterId: 'c1', secret, selfId, dialRelay, onChannel: () => {}, ...options });
    onTestFinished(() => net.close());
    return net;
  };
  return { enter, dialRelay };
}

it('finds those that offer something, of this cluster and this secret', async () => {
  const { enter, dialRelay } = relayed();
  const [a, b] = [enter('a'), enter('b')];
  enter('other cluster', { clusterId: 'c2' }).announce('not this');
  enter('other secret', { secret: 'another one, just as long' }).announce('nor that');
  expect(await a.find()).toEqual([]);
  b.announce('what b has');
  enter('c').announce(undefined);
  await expect.poll(() => a.find()).toEqual([{ id: 'b', offer: 'what b has' }]);
  b.announce(undefined);
  await expect.poll(() => a.find()).toEqual([]);
  // Of another build, or asleep: it is there, and says nothing.
  const mute = relaySignalling({ room: 'c1 feeders', secret, id: 'mute', dial: dialRelay });
  onTestFinished(() => mute.close());
  b.announce('again');
  await expect.poll(() => mute.isConnected).toBe(true);
  await expect.poll(() => a.find()).toEqual([{ id: 'b', offer: 'again' }]);
});

it('believes an answer only from who was asked, and once', async () => {
  const { enter, dialRelay } = relayed();
  const a = enter('a');
  const liar = relaySignalling({ room: 'c1 feeders', secret, id: 'z', dial: dialRelay });
  onTestFinished(() => liar.close());
  liar.listen((signal) => {
    const { session, from } = signal as { readonly session: string; readonly from: string };
    for (const text of ['!one', '!two', 'three']) {
      liar.send({ version: 1, session, from: 'z', to: from, type: 'note', text });
      liar.send({ version: 1, session: 'another', from: 'z', to: from, type: 'note', text });
    }
  });
  await expect.poll(() => liar.isConnected).toBe(true);
  await expect.poll(() => a.find()).toEqual([{ id: 'z', offer: 'one' }]);
});

it('opens a channel straight to another, for feeding and nothing else', async () => {
  const { enter } = relayed();
  const RTCPeerConnection = await nodeWebRtc();
  const accepted: Channel[] = [];
  enter('b', { RTCPeerConnection, onChannel: (channel) => accepted.push(channel) });
  const a = enter('a', { RTCPeerConnection });
  await a.find();
  const channel = await a.dial('b', { signal: AbortSignal.timeout(10_000) });
  expect(channel.path).not.toBe('relayed');
  await expect.poll(() => accepted.length).toBe(1);
  const gone = new AbortController();
  gone.abort();
  await expect(a.dial('b', { signal: gone.signal })).rejects.toMatchObject({ code: 'cancelled' });
});
