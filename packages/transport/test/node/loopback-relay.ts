// A relay of signals over real WebSockets on loopback, for tests, and members of its rooms. What is opened is closed after each test.
import { afterEach } from 'vitest';
import { dialWebSocket } from '../../src/index.ts';
import { nodeWebSocket } from '../../src/node/index.ts';
import { openSignalRelay, relaySignalling } from '../../src/webrtc/index.ts';
import type { RelaySignalling, SignalRelay } from '../../src/webrtc/index.ts';
import { listen } from './loopback.ts';

const protocol = 'raftkv-signals.v1';
const WebSocket = nodeWebSocket();
const closers: (() => unknown)[] = [];

/** A secret that nobody guesses who reads this. */
export const roomSecret = 'of these tests alone';

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** After the test, the last one first. */
export function closeLater(close: () => unknown): void {
  closers.push(close);
}

export interface LoopbackRelay {
  readonly relay: SignalRelay;
  readonly port: number;
  join(id: string, room?: string, secret?: string): RelaySignalling;
  /** The same, and what is told of who is there, each time sorted. */
  watch(id: string): { readonly told: string[][] };
  close(): Promise<void>;
}

export async function startRelay(wantedPort = 0): Promise<LoopbackRelay> {
  const relay = openSignalRelay();
  const route = {
    path: '/signals',
    protocol,
    onChannel: (channel: Parameters<SignalRelay['accept']>[0]) => relay.accept(channel),
  };
  const { port, url, close } = await listen([route], wantedPort);
  closeLater(close);
  const dial = (signal: AbortSignal) => dialWebSocket(url('/signals'), { protocol, WebSocket, signal });
  return {
    relay,
    port,
    close,
    join: (id, room = 'room', secret = roomSecret) => {
      const signalling = relaySignalling({ room, secret, id, dial });
      closeLater(() => signalling.close());
      return signalling;
    },
    watch: (id) => {
      const told: string[][] = [];
      const onPresence = (ids: readonly string[]) => void told.push([...ids].toSorted());
      const signalling = relaySignalling({ room: 'room', secret: roomSecret, id, dial, onPresence });
      closeLater(() => signalling.close());
      return { told };
    },
  };
}
