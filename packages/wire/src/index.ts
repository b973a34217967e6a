// The front door of the codecs: what is not named here is private.
export { RaftkvError } from './error.ts';
export { defaultLimits } from './limits.ts';

export type { ErrorCode, ErrorDetails } from './error.ts';
export type { Limits } from './limits.ts';
export type {
  CancelRequest,
  ClientHello,
  ClientMessage,
  ErrorMessage,
  GetRequest,
  LeaderNotice,
  MemberAddress,
  NodeStatus,
  PingMessage,
  PongMessage,
  ReadLevel,
  ResultMessage,
  ScanRequest,
  ServerMessage,
  ServerWelcome,
  StatusMessage,
  StatusRequest,
  WatchCancelled,
  WatchConsumed,
  WatchCreated,
  WatchEvents,
  WatchProgress,
  WatchRequest,
  WriteRequest,
} from './client.ts';
