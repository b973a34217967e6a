// The front door of transport between tabs. WebSocket needs no door of its own: it is the same everywhere.
export { broadcastChannel } from './broadcast-channel.ts';
export { openBroadcastDoor } from './broadcast-door.ts';

export type { BroadcastChannelOptions, BroadcastPort } from './broadcast-channel.ts';
export type { BroadcastDoor, BroadcastDoorLimits, BroadcastDoorOptions } from './broadcast-door.ts';
export type { ChannelPurpose, DialOptions } from '../purpose.ts';
export type { TabLocks } from './tab-watch.ts';
