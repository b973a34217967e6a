// The front door of the codecs: what is not named here is private.
export { mayRunInNode } from './build.ts';
export { RaftkvError, isErrorCode } from './error.ts';
export { defaultLimits, formatLimits } from './limits.ts';
export { checkBound, checkKey } from './fields.ts';
export { keyFrom, keyToBytes, keyToString, prefixEnd, rangeFrom } from './key.ts';
export { decodeCommand, encodeCommand, restampCommand } from './command.ts';
export { deflateCompression } from './compression.ts';
export { CompressionGate } from './compression-gate.ts';
export { decodeClientFrame, encodeClientFrame, encodeClientFrames } from './client-frame.ts';
export { decodeServerFrame, encodeServerFrame, encodeServerFrames } from './server-frame.ts';
export { decodePeerFrame, encodePeerFrame, encodePeerFrames, peerMessageSizeHint } from './peer.ts';
export { decodePeerControl, encodePeerControl, isPeerControl } from './peer-control.ts';
export {
  decodeConfiguration,
  decodeHardState,
  decodeLogBatch,
  decodeSnapshotMeta,
  encodeConfiguration,
  encodeHardState,
  encodeLogBatch,
  encodeSnapshotMeta,
  hardState,
} from './record.ts';
// For storages that keep small records of their own: layouts to describe them with.
export { bin, bool, boxed, fields, list, optional, positive, tagged, text, uint } from './layout.ts';
export { snapshotMeta, snapshotMetaV1, snapshotMetaV2 } from './entry.ts';
export { decodeVersioned, encodeVersioned } from './versioned.ts';
export { decodeAdminRequest, decodeAdminResult, encodeAdminRequest, encodeAdminResult } from './admin.ts';
export { loadRareLayouts } from './rare.ts';
export { tabWarnings } from './tab-warnings.ts';
export { Slab } from './slab.ts';
export { crc32c } from './crc32c.ts';
export { hmacSha256, sha256 } from './sha256.ts';
export { StateDigest, decodeDigestAnswer, digestOfChanges, encodeDigestAnswer } from './digest.ts';
export { changeBytes } from './flow.ts';
export { decodeFeedChanges, decodeFeedEntries, encodeFeedChanges, encodeFeedEntries, feedBytes } from './feed.ts';

export type { ErrorCode, ErrorDetails, FoundEntry } from './error.ts';
export type { Limits } from './limits.ts';
export type { KeyInput, RangeInput } from './key.ts';
export type { DecodeCommandOptions, EncodeCommandOptions } from './command.ts';
export type { Compression } from './compression.ts';
export type { CommandPacker } from './packer.ts';
export type {
  PeerConfirm,
  PeerControl,
  Incarnation,
  PeerFacts,
  PeerHello,
  PeerPing,
  PeerPong,
  PeerRefusal,
  PeerWelcome,
} from './peer-control.ts';
export type { LogRecord } from './record.ts';
export type { AdminRequest, AdminResult, ClusterMember, ClusterMembers, MemberPlan } from './admin.ts';
export type { Layout } from './layout.ts';
export type { Hasher } from './sha256.ts';
export type { DigestAnswer, DigestRequest } from './digest.ts';
export type { Format } from './versioned.ts';
export type { FeedChanges, FeedSnapshot, ObserveRequest } from './feed.ts';
export type { MemberTraits } from './traits.ts';
export type {
  AdminAnswer,
  AdminMessage,
  CancelRequest,
  ClientHello,
  ClientMessage,
  ErrorMessage,
  GetRequest,
  LeaderNotice,
  MemberAddress,
  MembersNotice,
  MemberLink,
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
