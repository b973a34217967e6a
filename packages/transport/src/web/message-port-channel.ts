// A Channel over a MessagePort, for two threads of one page: that of a BroadcastChannel, on a port that nobody else is at. Where the browser tells that
// the other end is gone, with its thread, the channel is lost at once; elsewhere whoever needs to know pings.
import { RaftkvError } from '@raftkv/wire';
import { TabChannel } from './broadcast-channel.ts';
import type { BroadcastChannelOptions, BroadcastPort } from './broadcast-channel.ts';

/** What is used of a MessagePort. */
export interface ThreadPort extends BroadcastPort {
  start(): void;
  addEventListener(
    type: 'message' | 'messageerror' | 'close',
    listener: (event: { readonly data?: unknown }) => void,
  ): void;
}

/**
 * The two ends of a MessageChannel, wherever they are, have a channel when both were given to this. It owns the port.
 *
 * @example
 * const { port1, port2 } = new MessageChannel();
 * worker.postMessage({ port: port2 }, [port2]);
 * const channel = messagePortChannel(port1);
 */
export function messagePortChannel(port: ThreadPort, options: BroadcastChannelOptions = {}): TabChannel {
  const channel = new TabChannel(port, { remote: 'a thread', ...options });
  port.addEventListener('close', () => channel.close(new RaftkvError('connection_lost', 'the other end is gone')));
  port.start();
  return channel;
}
