// The front door of transport between tabs, and between the threads of one. WebSocket needs no door of its own: it is the same everywhere.
export { broadcastChannel } from './broadcast-channel.ts';
export { openBroadcastDoor } from './broadcast-door.ts';
export { dialThrough, serveDials } from './dial-through.ts';
export { messagePortChannel } from './message-port-channel.ts';

export type { BroadcastChannelOptions, BroadcastPort } from './broadcast-channel.ts';
export type { BroadcastDoor, BroadcastDoorLimits, BroadcastDoorOptions } from './broadcast-door.ts';
export type { DialPort, RemoteDialler } from './dial-through.ts';
export type { ThreadPort } from './message-port-channel.ts';
export type { ChannelPurpose, DialOptions } from '../purpose.ts';
export type { TabLocks } from './tab-watch.ts';
