// How signals of WebRTC travel in a room: through the hub, and where the page came from a node that runs a relay, through that as well. What comes by both
// ways is taken once.
import { dialWebSocket } from '@raftkv/transport';
import { relaySignalling } from '@raftkv/transport/webrtc';
import type { RelaySignalling, Signalling } from '@raftkv/transport/webrtc';

/** Of the relay at a node, see `raftkv serve --relay`. */
const relay = { path: '/signals', protocol: 'raftkv-signals.v1' } as const;
const knownSignals = 500;

export function joinSignalling(ways: readonly Signalling[]): Signalling {
  const seen = new Set<string>();
  return {
    send: (signal) => {
      for (const way of ways) way.send(signal);
    },
    listen: (onSignal) => {
      const stops = ways.map((way) =>
        way.listen((signal) => {
          const text = JSON.stringify(signal);
          if (seen.has(text)) return;
          seen.add(text);
          if (seen.size > knownSignals) seen.delete(seen.values().next().value!);
          onSignal(signal);
        }),
      );
      return () => stops.forEach((stop) => stop());
    },
  };
}

/** Whether the page came from a node with a relay. On a static host there is none, and nothing is lost but the way between browsers that it offers. */
export async function hasRelay(): Promise<boolean> {
  try {
    const answer = await fetch('/livez', { cache: 'no-store' });
    if (!answer.ok || answer.headers.get('content-type') !== 'application/json') return false;
    const channel = await dialWebSocket(relayUrl(), { protocol: relay.protocol, timeoutMilliseconds: 2_000 });
    channel.close();
    return true;
  } catch {
    return false;
  }
}

/** Who has the link of the room may come in. `onPresence`: who else of it is at the relay. */
export function openRelay(
  named: { readonly room: string; readonly secret: string; readonly id: string },
  onPresence: (words: readonly string[]) => void,
): RelaySignalling {
  return relaySignalling({
    ...named,
    onPresence,
    dial: (signal) => dialWebSocket(relayUrl(), { protocol: relay.protocol, timeoutMilliseconds: 5_000, signal }),
  });
}

function relayUrl(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${relay.path}`;
}
