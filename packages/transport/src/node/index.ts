// The front door of what only Node can do: dialling and listening through the `ws` package.
export { acceptWebSockets } from './accept-websockets.ts';
export { nodeWebSocket } from './node-websocket.ts';

export type { NodeWebSocketOptions } from './node-websocket.ts';
export type { WebSocketAcceptor, WebSocketRoute } from './accept-websockets.ts';
