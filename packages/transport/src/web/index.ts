// The front door of transport between tabs. WebSocket needs no door of its own: it is the same everywhere.
export { broadcastChannel } from './broadcast-channel.ts';

export type { BroadcastChannelOptions, BroadcastPort } from './broadcast-channel.ts';
