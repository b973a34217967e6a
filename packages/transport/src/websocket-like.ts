// The part of a WebSocket that this package uses, as an interface: the browser's, Deno's, Node 22's and the one of the `ws` package fit it.

import { mayRunInNode } from '@raftkv/wire';

export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly protocol: string;
  /** `onSent` is an extension of `ws`; it is relied upon only where there is a `terminate`. */
  send(data: Uint8Array, onSent?: () => void): void;
  close(code?: number, reason?: string): void;
  /** Ends it without a closing handshake. An extension of `ws`, used where present. */
  terminate?(): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'error',
    listener: (event: { readonly message?: string; readonly error?: unknown }) => void,
  ): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** Whether it is one of `ws`, which can do more than the browser's. */
export function isWs(socket: WebSocketLike): socket is WebSocketLike & { terminate(): void } {
  return mayRunInNode && socket.terminate !== undefined;
}
