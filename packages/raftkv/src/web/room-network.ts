// The ways between the tabs of a room in a browser: over WebRTC, with relays that any Node peer can be for signals and where no direct way leads; or, between
// tabs of one origin, over BroadcastChannel, without any server.
import { dialWebSocket } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc, severalRelays } from '@raftkv/transport/webrtc';
import type { IceServer } from '@raftkv/transport/webrtc';
import type { RoomNetwork, RoomNetworkOptions } from '../room/room-platform.ts';

export interface RelayOptions {
  /** Addresses, such as `wss://example.org/signals`; at least one. All are used, and one is enough. */
  readonly relays: readonly string[];
  readonly iceServers?: readonly IceServer[] | undefined;
}

export function openRelayNetwork({ relays, iceServers }: RelayOptions, options: RoomNetworkOptions): RoomNetwork {
  const { roomId, secret, word, onChannel, onPresence } = options;
  let present: readonly string[] = [];
  const signalling = severalRelays({
    room: roomId,
    secret,
    id: word,
    dials: relays.map(
      (relay) => (signal: AbortSignal) => dialWebSocket(relay, { protocol: 'raftkv-signals.v1', signal }),
    ),
    onPresence: (ids) => {
      present = ids;
      onPresence();
    },
  });
  const webRtc = openWebRtc({
    selfId: word,
    signalling,
    relayed: signalling.links,
    onChannel,
    ...(iceServers === undefined ? {} : { iceServers }),
  });
  return {
    get present() {
      return present;
    },
    dial: (to, how) => webRtc.dial(to, how),
    dialDirect: (to, how) => webRtc.dialDirect(to, how),
    networkChanged: () => signalling.networkChanged(),
    flush: () => webRtc.flush(),
    close: () => {
      webRtc.close();
      // What ends channels leaves through it.
      setTimeout(() => signalling.close(), closeMilliseconds);
    },
  };
}

const closeMilliseconds = 200;
/** Between two times that a tab says that it is there. */
const helloMilliseconds = 1_000;

/** Who else is there, each tab says itself, over a channel of all: there is nobody who would know. */
export function openBroadcastNetwork({ roomId, word, onChannel, onPresence }: RoomNetworkOptions): RoomNetwork {
  const hall = new BroadcastChannel(`raftkv hall ${roomId}`);
  const heardAt = new Map<string, number>();
  const door = openBroadcastDoor({ room: roomId, selfId: word, onChannel });
  const say = (type: 'here' | 'gone'): void => hall.postMessage({ version: 1, type, word });
  hall.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const { version, type, word: from } = (data ?? {}) as Record<string, unknown>;
    if (version !== 1 || typeof from !== 'string' || from === word || from.length > 64) return;
    const isNew = !heardAt.has(from);
    if (type === 'gone') heardAt.delete(from);
    else if (type === 'here') heardAt.set(from, performance.now());
    if (type === 'here' && isNew) say('here');
    if (isNew || type === 'gone') onPresence();
  });
  const timer = setInterval(() => say('here'), helloMilliseconds);
  say('here');
  return {
    get present() {
      const oldest = performance.now() - patienceMilliseconds;
      return [...heardAt].filter(([, at]) => at >= oldest).map(([from]) => from);
    },
    dial: (to, how) => door.dial(to, how),
    close: () => {
      clearInterval(timer);
      say('gone');
      door.close();
      hall.close();
    },
  };
}

/** Hidden tabs are woken once a minute, at worst; whoever dials one that is gone is told so by the door. */
const patienceMilliseconds = 70_000;
