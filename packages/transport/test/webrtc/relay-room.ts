// Members in the room of a relay, in one process, and links between them: for the suites of what goes through a relay.
import { memoryChannelPair } from '../../src/index.ts';
import type { Channel, MemoryChannelPair } from '../../src/index.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { openSignalRelay, relaySignalling } from '../../src/webrtc/index.ts';
import type { RelaySignalling, RelayedLink, SignalRelayOptions } from '../../src/webrtc/index.ts';
import { encodeHello, relayRoom } from '../../src/webrtc/relay-message.ts';

const secret = 'of these tests alone';
/** What a test opened, to be closed after it. */
export const closers: (() => void)[] = [];

export interface Joined {
  readonly signalling: RelaySignalling;
  /** To the relay, newest last. */
  readonly pairs: MemoryChannelPair[];
}

export class Room {
  readonly relay;

  constructor(options: SignalRelayOptions = {}) {
    this.relay = openSignalRelay(options);
    closers.push(() => this.relay.close());
  }

  /** `dress`: what the member has of its channel to the relay. */
  join(id: string, dress: (channel: Channel) => Channel = (channel) => channel): Joined {
    const pairs: MemoryChannelPair[] = [];
    const signalling = relaySignalling({
      room: 'room',
      secret,
      id,
      dial: async () => {
        const pair = memoryChannelPair();
        pairs.push(pair);
        this.relay.accept(pair.right);
        return dress(pair.left);
      },
    });
    closers.push(() => signalling.close());
    return { signalling, pairs };
  }

  async both(): Promise<[Joined, Joined]> {
    const joined: [Joined, Joined] = [this.join('a'), this.join('b')];
    while (this.relay.members < 2) await new Promise((resolve) => setImmediate(resolve));
    return joined;
  }

  /** Somebody who says what it likes. */
  enemy(id: string): { readonly channel: Channel; readonly heard: ReturnType<typeof recordChannel> } {
    const { left, right } = memoryChannelPair();
    this.relay.accept(right);
    left.send(encodeHello({ room: relayRoom('room', secret), id, key: 'of an enemy' }));
    const isWelcome = (bytes: Uint8Array): boolean => bytes[0] === '{'.charCodeAt(0);
    const listen: Channel['start'] = ({ onFrame, ...others }) =>
      left.start({ ...others, onFrame: (bytes) => isWelcome(bytes) || onFrame(bytes) });
    return { channel: left, heard: recordChannel({ start: listen } as Channel) };
  }
}

export async function link(a: Joined, b: Joined): Promise<[RelayedLink, RelayedLink]> {
  const taken = new Promise<RelayedLink>((resolve) => closers.push(b.signalling.links.listen(resolve)));
  return [await a.signalling.links.open('b'), await taken];
}
