// How a link through a relay begins: what either side says as soon as it has its end of it comes, after the word that the link is open. What else such links promise is in
// `relayed.test.ts`.
import { afterEach, describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../../src/index.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { webRtcChannel } from '../../src/webrtc/index.ts';
import type { RelayedLink } from '../../src/webrtc/index.ts';
import { Room, closers } from './relay-room.ts';

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A channel whose frames are held on the way in, and then come all in one turn. */
class HeldChannel {
  isHeld = false;
  readonly #frames: (() => void)[] = [];

  get waiting(): number {
    return this.#frames.length;
  }

  of(channel: Channel): Channel {
    const start: Channel['start'] = ({ onFrame, ...others }) =>
      channel.start({
        ...others,
        onFrame: (bytes) => (this.isHeld ? void this.#frames.push(() => onFrame(bytes)) : onFrame(bytes)),
      });
    return new Proxy(channel, {
      get: (target, name) => {
        if (name === 'start') return start;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  release(): void {
    this.isHeld = false;
    for (const take of this.#frames.splice(0)) take();
  }
}

describe('links through a relay, as they are opened', () => {
  it('bring what the one that takes a link says at once, on both of its ports', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const greet = ({ ports }: RelayedLink): void => {
      const channel = webRtcChannel(ports);
      channel.send(Uint8Array.of(1));
      channel.bulk.send(Uint8Array.of(2));
      channel.send(Uint8Array.of(3));
    };
    closers.push(b.signalling.links.listen(greet));
    const channel = webRtcChannel((await a.signalling.links.open('b')).ports);
    const [urgent, bulk] = [recordChannel(channel), recordChannel(channel.bulk)];
    await expect.poll(() => urgent.received, { timeout: 60_000 }).toEqual([Uint8Array.of(1), Uint8Array.of(3)]);
    await expect.poll(() => bulk.received, { timeout: 60_000 }).toEqual([Uint8Array.of(2)]);
  });

  it('end in order, with the reason, where the one that takes a link closes it at once', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    closers.push(
      b.signalling.links.listen(({ ports }) => webRtcChannel(ports).close(new RaftkvError('busy', 'not now'))),
    );
    const channel = recordChannel(webRtcChannel((await a.signalling.links.open('b')).ports));
    expect((await channel.closed)?.code).toBe('busy');
  });

  it('bring what comes in the same turn as the word that they are open', async () => {
    const room = new Room();
    const [a, b] = await room.both();
    const taken: RelayedLink[] = [];
    closers.push(b.signalling.links.listen((each) => void taken.push(each)));
    // As a socket that hands over several messages at once.
    const held = new HeldChannel();
    const c = room.join('c', (channel) => held.of(channel));
    await expect.poll(() => c.signalling.isConnected).toBe(true);
    held.isHeld = true;
    const opening = c.signalling.links.open('b');
    await expect.poll(() => taken).toHaveLength(1);
    webRtcChannel(taken[0]!.ports).send(Uint8Array.of(1));
    await expect.poll(() => held.waiting).toBeGreaterThanOrEqual(2);
    held.release();
    const { received } = recordChannel(webRtcChannel((await opening).ports));
    await expect.poll(() => received, { timeout: 60_000 }).toEqual([Uint8Array.of(1)]);
    expect(a.signalling.isConnected).toBe(true);
  });
});
