// How meshes under test are joined, whatever runs them: by pairs of channels that are simply made, by members that dial each other by id, or through a relay.
// What a runtime has to give (a WebRTC, a WebSocket) is the caller's. Used by tests alone.
import type { Channel } from './channel.ts';
import type { OpenWays } from './meshes-under-test.ts';
import type { TestMemberId } from './transport-conformance.ts';
import { relaySignalling } from './webrtc/relay-signalling.ts';
import { webRtcChannel } from './webrtc/webrtc-channel.ts';

const ids = ['a', 'b', 'c'] as const;

/** Something that dials by id, and gives away what others dial. */
export interface MemberUnderTest {
  dial(to: TestMemberId, options: { readonly signal: AbortSignal }): Promise<Channel>;
  close(): void;
}

/** Two joined ends; the first is the dialling one's. */
export function overPairs(
  makePair: () => Promise<readonly [Channel, Channel]> | readonly [Channel, Channel],
): OpenWays {
  return (accept) => ({
    dial: async (_, to) => {
      const [left, right] = await makePair();
      accept(to, right);
      return left;
    },
    dispose: () => undefined,
  });
}

/** `room`: new for each three. */
export function overMembers(
  open: (id: TestMemberId, onChannel: (channel: Channel) => void, room: string) => MemberUnderTest,
): OpenWays {
  return (accept) => {
    const room = crypto.randomUUID();
    const enter = (id: TestMemberId): MemberUnderTest => open(id, (channel) => accept(id, channel), room);
    const members = { a: enter('a'), b: enter('b'), c: enter('c') };
    return {
      dial: (from, to, signal) => members[from].dial(to, { signal }),
      dispose: () => ids.forEach((id) => members[id].close()),
    };
  };
}

/** Links through a relay of signals, to which this dials. */
export function overRelay(dialRelay: (signal: AbortSignal) => Promise<Channel>): OpenWays {
  return overMembers((id, onChannel, room) => {
    const signalling = relaySignalling({ room, secret: room, id, dial: dialRelay });
    signalling.links.listen(({ ports }) => onChannel(webRtcChannel(ports, { path: 'relayed' })));
    return {
      dial: async (to, options) => webRtcChannel((await signalling.links.open(to, options)).ports, { path: 'relayed' }),
      close: () => signalling.close(),
    };
  });
}
