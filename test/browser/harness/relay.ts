// A relay for tabs that find each other by it, in the process of the suite. What passes through it is the business of `@raftkv/transport`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { acceptWebSockets } from '@raftkv/transport/node';
import { openSignalRelay } from '@raftkv/transport/webrtc';

/** A relay of signals in this process, and its URL. */
export async function openRelay(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer();
  const relay = openSignalRelay();
  const acceptor = acceptWebSockets(server, [
    {
      path: '/signals',
      protocol: 'raftkv-signals.v1',
      isAllowed: () => true,
      onChannel: (channel) => relay.accept(channel),
    },
  ]);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/signals`,
    close: () => {
      relay.close();
      acceptor.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
