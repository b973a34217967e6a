// Opens a WebSocket and answers with a Channel: the dialling side of clients everywhere and of peers in Node. Retrying is for callers.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from './channel.ts';
import type { ChannelLimits } from './channel-limits.ts';
import { webSocketChannel } from './websocket.ts';
import { isWs } from './websocket-like.ts';
import type { WebSocketConstructor, WebSocketLike } from './websocket-like.ts';

export interface DialWebSocketOptions extends Partial<ChannelLimits> {
  /** The subprotocol to ask for; a server that does not answer with the same one is refused. */
  readonly protocol: string;
  /** Until the handshake is done. Default 3 s; Infinity leaves it to the signal. */
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
  /** Default: the runtime's own. Node 20 has none: pass `nodeWebSocket()` of `@raftkv/transport/node`. */
  readonly WebSocket?: WebSocketConstructor;
}

const defaultTimeoutMilliseconds = 3000;
/** Runtimes take what is longer for 1 ms. */
const longestTimerMilliseconds = 2 ** 31 - 1;

/**
 * Resolves with an open channel. Rejects with `connect_failed`, `timeout`, `cancelled` (the signal) or `unsupported` (no WebSocket here).
 *
 * @example
 * ```ts
 * const channel = await dialWebSocket('ws://127.0.0.1:8080/ws', { protocol: 'raftkv.v1' });
 * ```
 */
export function dialWebSocket(url: string, options: DialWebSocketOptions): Promise<Channel> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) return reject(new RaftkvError('cancelled', `dialling ${url} was cancelled`));
    const socket = openSocket(url, options);
    const timeoutMilliseconds = options.timeoutMilliseconds ?? defaultTimeoutMilliseconds;
    const timer = setTimeout(
      () => fail('timeout', `${url} did not answer in ${timeoutMilliseconds} ms`),
      Math.min(timeoutMilliseconds, longestTimerMilliseconds),
    );
    const cancel = (): void => fail('cancelled', `dialling ${url} was cancelled`);
    let isSettled = false;

    const settle = (): void => {
      isSettled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
    };
    const fail = (code: 'connect_failed' | 'timeout' | 'cancelled', message: string, cause?: unknown): void => {
      if (isSettled) return;
      settle();
      abandon(socket);
      reject(new RaftkvError(code, message, { cause }));
    };

    options.signal?.addEventListener('abort', cancel, { once: true });
    socket.addEventListener('open', () => {
      if (isSettled) return;
      if (socket.protocol !== options.protocol) {
        return fail('connect_failed', `${url} does not speak ${options.protocol}`);
      }
      settle();
      // In the turn of `open`: a message that follows on its heels is held by the channel.
      resolve(webSocketChannel(socket, { ...options, remote: hostOf(url) }));
    });
    socket.addEventListener('error', (event) =>
      fail('connect_failed', `cannot connect to ${url}${event.message ? `: ${event.message}` : ''}`, event.error),
    );
    socket.addEventListener('close', (event) => fail('connect_failed', `cannot connect to ${url} (${event.code})`));
  });
}

function openSocket(url: string, options: DialWebSocketOptions): WebSocketLike {
  const Constructor = options.WebSocket ?? (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket;
  if (Constructor === undefined) {
    const hint = 'pass one as `WebSocket`, for Node 20 nodeWebSocket() from @raftkv/transport/node';
    throw new RaftkvError('unsupported', `this runtime has no WebSocket: ${hint}`);
  }
  try {
    return new Constructor(url, options.protocol);
  } catch (error) {
    throw new RaftkvError('connect_failed', `cannot dial ${url}: ${RaftkvError.from(error).message}`, { cause: error });
  }
}

/** Closing one that is still connecting is an error for some implementations, and never of interest. */
function abandon(socket: WebSocketLike): void {
  try {
    if (isWs(socket)) socket.terminate();
    else socket.close();
  } catch {
    // It is gone already.
  }
}

function hostOf(url: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? url;
}
