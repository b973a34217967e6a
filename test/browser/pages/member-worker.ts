// The worker of the suites of members in workers: its network is that of the tabs of one origin, or WebRTC between them, or between profiles with signals through a
// relay.
import { dialWebSocket } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import { broadcastSignalling, openWebRtc, relaySignalling } from '@raftkv/transport/webrtc';
import { serveTabMember } from 'raftkv/member-worker';

interface Words {
  readonly room: string;
  /** Its address; or `tabs`: WebRTC within one browser, without a relay. */
  readonly relay: string | undefined;
}

const secret = 'what the tabs of these suites know of each other';

serveTabMember({
  openNetwork: (door, words) => {
    const { room, relay } = words as Words;
    if (relay === undefined) return openBroadcastDoor({ ...door, room });
    if (relay === 'tabs') {
      const port = new BroadcastChannel(room);
      const webRtc = openWebRtc({ ...door, signalling: broadcastSignalling(port) });
      return { dial: (peerId, how) => webRtc.dial(peerId, how), close: () => webRtc.close() };
    }
    const dial = (signal: AbortSignal) => dialWebSocket(relay, { protocol: 'raftkv-signals.v1', signal });
    const signalling = relaySignalling({ room, secret, id: door.selfId, dial });
    const webRtc = openWebRtc({ ...door, signalling });
    return {
      dial: (peerId, how) => webRtc.dial(peerId, how),
      close: () => {
        webRtc.close();
        signalling.close();
      },
    };
  },
});
