// The front door of transport for any runtime. The WebSocket listener for Node is at `@raftkv/transport/node`.
export { defaultChannelLimits } from './channel-limits.ts';
export { dialWebSocket } from './dial-websocket.ts';
export { memoryChannelPair } from './memory.ts';
export { memoryNetwork } from './memory-network.ts';
export { openMesh } from './mesh.ts';
export { defaultMeshLimits } from './mesh-limits.ts';
export { webSocketChannel } from './websocket.ts';

export type { Channel, ChannelHandlers, ChannelKind } from './channel.ts';
export type { ChannelLimits } from './channel-limits.ts';
export type { DialWebSocketOptions } from './dial-websocket.ts';
export type { MemoryChannelOptions, MemoryChannelPair, MemorySide } from './memory.ts';
export type { MemoryNetwork, MemoryNetworkOptions } from './memory-network.ts';
export type { Greeted, MeshSelf } from './handshake.ts';
export type { MeshLimits } from './mesh-limits.ts';
export type { Mesh, MeshLink, MeshOptions, MeshPeer, MeshPeerStatus } from './mesh-options.ts';
export type { Transport, TransportHandlers } from './transport.ts';
export type { TransportClock } from './clock.ts';
export type { WebSocketChannelOptions } from './websocket.ts';
export type { WebSocketConstructor, WebSocketLike } from './websocket-like.ts';
export type { ChannelPurpose, DialOptions } from './purpose.ts';
