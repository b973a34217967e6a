// The `ws` package as a WebSocket constructor for dialling from Node: no compression, a size limit, prompt ends. The listening side is
// `accept-websockets.ts`.
import type { SecureContextOptions } from 'node:tls';
import { WebSocket } from 'ws';
import { defaultChannelLimits } from '../channel-limits.ts';
import type { WebSocketConstructor, WebSocketLike } from '../websocket-like.ts';

export interface NodeWebSocketOptions {
  /** Larger incoming frames end the connection before they are read. Default 4 MiB, that of channels. */
  readonly maxFrameBytes?: number;
  /** For `wss:`: certificate authorities, a client certificate. */
  readonly tls?: SecureContextOptions;
  /** Sent with the handshake, for a proxy or a server that asks who is there. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * True draws a random mask for each frame, as RFC 6455 asks of clients. By default the mask is zero, which costs neither side a pass over
   * each byte (in JavaScript that pass is most of the cost of a large frame: see `bench/`). Masks protect the caches of careless proxies from
   * scripts that a browser runs for strangers; a Node process that dials its own cluster needs none, and with `wss:` nobody could look anyway.
   */
  readonly isMasked?: boolean;
}

/** How long a closing handshake may take before the socket is dropped. */
export const closeTimeoutMilliseconds = 2000;

/**
 * @example
 * ```ts
 * const channel = await dialWebSocket(url, { protocol: 'raftkv.v1', WebSocket: nodeWebSocket() });
 * ```
 */
export function nodeWebSocket(options: NodeWebSocketOptions = {}): WebSocketConstructor {
  const clientOptions = {
    perMessageDeflate: false,
    maxPayload: options.maxFrameBytes ?? defaultChannelLimits.maxFrameBytes,
    closeTimeout: closeTimeoutMilliseconds,
    followRedirects: false,
    headers: { ...options.headers },
    ...(options.isMasked === true ? {} : { generateMask: zeroMask }),
    ...options.tls,
  };
  return class NodeWebSocket extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, clientOptions);
    }
  } as new (url: string, protocols?: string | string[]) => WebSocketLike;
}

function zeroMask(mask: Buffer): void {
  mask.fill(0);
}
