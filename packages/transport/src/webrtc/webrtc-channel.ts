// A Channel over two data channels of one RTCPeerConnection: one for what is urgent, and one of its own for what is large, so that a heartbeat
// never waits behind a snapshot. Opening the connection is the business of `peer-session.ts`; moving frames that of `port-channel.ts`.
import type { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import { defaultChannelLimits } from '../channel-limits.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import type { DataPort } from './data-port.ts';
import { PortChannel } from './port-channel.ts';

/** Both are data channels that the two sides opened as negotiated ones, with the same numbers. Open or about to be. */
export interface DataPorts {
  readonly urgent: DataPort;
  readonly bulk: DataPort;
}

export interface WebRtcChannelOptions extends Partial<ChannelLimits> {
  /** Something to show. Default "webrtc". */
  readonly remote?: string;
  /** How the bytes travel: past everybody, or through a server. Default `direct`. */
  readonly path?: 'direct' | 'relayed';
  /** How long a closed channel waits for its last frames to leave and the other side to say that it has them. Default 3 s. */
  readonly lingerMilliseconds?: number;
  /** How long a piece may come later than others that were sent after it; then it is lost, and so is the connection. Default 10 s. */
  readonly gapMilliseconds?: number;
  /** Once, after the end: both ports are closed, so that the connection may be. */
  readonly onReleased?: () => void;
}

export interface WebRtcChannel extends Channel {
  readonly bulk: Channel;
  readonly path: 'direct' | 'relayed';
  /** The connection is gone: ends with `connection_lost` at once, without waiting for anything. */
  lose(why: string): void;
}

/**
 * The channel owns both ports from then on. Frames may be sent before the ports are open; they leave once they are.
 * `bulk` has limits of its own and ends with the channel; its frames are not ordered with those of the channel.
 *
 * @example
 * ```ts
 * const urgent = connection.createDataChannel('raftkv', { negotiated: true, id: 0 });
 * const bulk = connection.createDataChannel('raftkv-bulk', { negotiated: true, id: 1 });
 * const channel = webRtcChannel({ urgent, bulk }, { remote: 'tab 2' });
 * ```
 */
export function webRtcChannel(ports: DataPorts, options: WebRtcChannelOptions = {}): WebRtcChannel {
  return new TwoPorts(ports, options);
}

const defaultLingerMilliseconds = 3000;

class TwoPorts implements WebRtcChannel {
  readonly kind: 'webrtc' | 'websocket';
  readonly maxFrameBytes: number;
  readonly remote: string;
  readonly path: 'direct' | 'relayed';
  readonly bulk: PortChannel;
  readonly #urgent: PortChannel;

  constructor(ports: DataPorts, options: WebRtcChannelOptions) {
    const limits = { ...defaultChannelLimits, ...options };
    this.maxFrameBytes = limits.maxFrameBytes;
    this.remote = options.remote ?? 'webrtc';
    this.path = options.path ?? 'direct';
    // What leads through a relay goes over the channel to that.
    this.kind = this.path === 'direct' ? 'webrtc' : 'websocket';
    let unreleased = 2;
    let isBulkDone = false;
    const shared = {
      limits,
      remote: this.remote,
      lingerMilliseconds: options.lingerMilliseconds ?? defaultLingerMilliseconds,
      ...(options.gapMilliseconds === undefined ? {} : { gapMilliseconds: options.gapMilliseconds }),
      onReleased: () => {
        unreleased -= 1;
        if (unreleased === 0) options.onReleased?.();
      },
    };
    this.#urgent = new PortChannel(ports.urgent, {
      ...shared,
      onEnded: (error, by) => (by === 'port' ? this.bulk.lose('the connection broke') : this.bulk.close(error)),
    });
    this.bulk = new PortChannel(ports.bulk, {
      ...shared,
      onEnded: (error, by) => {
        if (by === 'port') this.#urgent.lose('the connection broke');
        // Ended there, the other port will say so too, after the frames that came before. In order here, the channel waits until they have come there:
        // its own end would overtake them.
        isBulkDone = by === 'here' && error === undefined;
        if (by === 'here' && !isBulkDone) this.#urgent.close(error);
      },
      onReleased: () => {
        if (isBulkDone) this.#urgent.close();
        shared.onReleased();
      },
    });
  }

  get isOpen(): boolean {
    return this.#urgent.isOpen;
  }

  get bufferedBytes(): number {
    return this.#urgent.bufferedBytes;
  }

  start(handlers: Parameters<Channel['start']>[0]): void {
    this.#urgent.start(handlers);
  }

  send(frame: Uint8Array): boolean {
    return this.#urgent.send(frame);
  }

  close(error?: RaftkvError): void {
    this.#urgent.close(error);
  }

  lose(why: string): void {
    this.#urgent.lose(why);
  }
}
