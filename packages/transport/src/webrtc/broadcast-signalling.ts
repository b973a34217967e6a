// Signalling between the tabs of one origin, through a BroadcastChannel: each tab hears all, and takes what names it.
import type { Signal, Signalling } from './signal.ts';

/** What is used of a BroadcastChannel. */
export interface SignalPort {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data?: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { readonly data?: unknown }) => void): void;
}

/** The port stays the caller's, who closes it after the last session. Who may say what, the origin decides. */
export function broadcastSignalling(port: SignalPort): Signalling {
  return {
    send: (signal: Signal) => port.postMessage(signal),
    listen: (onSignal) => {
      const listener = ({ data }: { readonly data?: unknown }): void => onSignal(data);
      port.addEventListener('message', listener);
      return () => port.removeEventListener('message', listener);
    },
  };
}
