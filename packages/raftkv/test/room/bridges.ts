// Bridges over channels that a test plays, for the suites about hubs.
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { HubBridge } from '../../src/room/hub-bridge.ts';
import type { BridgeRoom, HubBridgeOptions } from '../../src/room/hub-bridge.ts';
import type { WordHub } from '../../src/room/word-hub.ts';

export const room: BridgeRoom = { id: 'room', secret: 'of the room' };

/** One end, and what belongs to the other one. */
export const there = { end: { name: 'there', browser: 'of-there' }, binding: { own: 'a', other: 'b' } } as const;
export const back = { binding: { own: 'b', other: 'a' } } as const;

export type PlayedBridge = Partial<Pick<HubBridgeOptions, 'end' | 'binding'>> & { readonly hub?: WordHub };

/** As `there`, if nothing else is said. */
export function bridgeOver(channel: Channel, known: BridgeRoom | undefined, played: PlayedBridge = {}): HubBridge {
  const { hub, ...given } = played;
  const bridge: HubBridge = new HubBridge(channel, {
    ...there,
    ...given,
    schedulePatience: () => () => undefined,
    onProven: () => hub?.add(bridge),
  });
  if (known !== undefined) bridge.know(known);
  return bridge;
}

export const codeOf = (settled: Promise<void>): Promise<string> =>
  settled.then(
    () => 'proven',
    (error: unknown) => RaftkvError.from(error).code,
  );
