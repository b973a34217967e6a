// The door of copies that feed each other: a swarm over WebRTC, for tabs and, with an implementation of RTCPeerConnection, for other runtimes. A replica takes
// two options of it; who does not import this pays nothing for it.
import { dialEndpoint } from '@raftkv/client/parts';
import type { Dial, Live } from '@raftkv/client';
import { Swarm } from '@raftkv/observer/feeders';
import type { SwarmOptions, SwarmStatus } from '@raftkv/observer/feeders';
import type { CopyLender } from '@raftkv/observer';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { isAtEase } from './at-ease.ts';
import { openRelayNet } from './relay-net.ts';
import type { RelayNetOptions } from './relay-net.ts';

export type { SwarmStatus } from '@raftkv/observer/feeders';

export interface FeedersOptions
  extends
    Pick<
      SwarmOptions,
      | 'secret'
      | 'isWilling'
      | 'maxChildren'
      | 'maxDepth'
      | 'uploadBytesPerSecond'
      | 'patienceMilliseconds'
      | 'seekMilliseconds'
      | 'lookMilliseconds'
      | 'markMilliseconds'
    >,
    Pick<RelayNetOptions, 'iceServers' | 'iceTransportPolicy' | 'RTCPeerConnection'> {
  /** "host:port" or the URL of a member that runs the relay (`server.relay`); all tabs name the same one. */
  readonly relay: string;
  /** To members. Default: a WebSocket to `ws://endpoint/ws`. */
  readonly dial?: Dial;
  /** Opens a channel to the relay. Default: a WebSocket to `ws://relay/signals`. */
  readonly dialRelay?: (signal: AbortSignal) => Promise<Channel>;
}

export interface Feeders {
  /** For `openReplica`. */
  readonly replica: {
    readonly dial: Dial;
    readonly lend: (lender: CopyLender) => void;
  };
  readonly status: Live<SwarmStatus>;
  /** Feeds nobody any more, and looks for nobody. The replica goes on, fed by the cluster. Idempotent. */
  close(): void;
}

/**
 * Lets one replica be fed by others of its cluster, and feed them: one replica, one swarm. A tab that is hidden, or whose connection saves data, feeds nobody
 * unless `isWilling` says otherwise. Throws `invalid_argument` for a secret of less than 16 characters.
 *
 * @example
 * ```ts
 * const feeders = openFeeders({ relay: location.host, secret });
 * const kv = await openReplica({ endpoints: [location.host], ...feeders.replica });
 * feeders.status.getSnapshot(); // { source: 'tab', path: ['…'], children: 0, … }
 * ```
 */
export function openFeeders(options: FeedersOptions): Feeders {
  const { relay, dial = dialEndpoint, iceServers, iceTransportPolicy, RTCPeerConnection, ...rest } = options;
  const { secret, dialRelay = (signal) => dialSignals(relay, signal), ...swarmOptions } = rest;
  const rtc = {
    ...(iceServers === undefined ? {} : { iceServers }),
    ...(iceTransportPolicy === undefined ? {} : { iceTransportPolicy }),
    ...(RTCPeerConnection === undefined ? {} : { RTCPeerConnection }),
  };
  const swarm = new Swarm({
    isWilling: isAtEase,
    ...swarmOptions,
    secret,
    dial,
    openNet: (place) => openRelayNet({ ...rtc, ...place, secret, dialRelay }),
  });
  return {
    replica: { dial: swarm.dial, lend: swarm.lend },
    status: swarm.status,
    close: () => swarm.close(),
  };
}

function dialSignals(relay: string, signal: AbortSignal): Promise<Channel> {
  const match = /^(?:(?:ws|http)(s?):\/\/)?([^/?#]+)/i.exec(relay);
  const [, secure = '', host = relay] = match ?? [];
  return dialWebSocket(`ws${secure.toLowerCase()}://${host}/signals`, { protocol: 'raftkv-signals.v1', signal });
}
