// The front door of transport for any runtime. The WebSocket listener for Node is at `@raftkv/transport/node`.
export type { Channel, ChannelHandlers } from './channel.ts';
export type { Transport, TransportHandlers } from './transport.ts';
