// What every way into a member (WebSocket, HTTP gateway, CLI's serve) may ask of it: the border between answering clients and running Raft.
// Implemented by `kv-node.ts` over a Replica and a Store; doors never see either.
import type {
  Change,
  CommandEnvelope,
  CommandResult,
  GetResult,
  Key,
  KeyRange,
  ScanOptions,
  ScanResult,
} from '@raftkv/kv';
import type {
  AdminRequest,
  AdminResult,
  DigestAnswer,
  DigestRequest,
  FeedChanges,
  FeedSnapshot,
  NodeStatus,
  ReadLevel,
} from '@raftkv/wire';

export interface ReadOptions {
  readonly level: ReadLevel;
  /** With level `session`: wait until this revision is applied here. */
  readonly minRevision?: number;
  readonly signal?: AbortSignal;
}

export interface Watcher {
  /** Whole revisions in order from the watcher's position, or undefined when there is nothing new. Throws RaftkvError `compacted` when its position fell out of the window. At most about `maxBytes`, at least one revision. */
  take(maxBytes: number): readonly Change[] | undefined;
  /** Everything up to this revision was taken (or does not concern the range). */
  readonly position: number;
  close(): void;
}

/** A message of a feed but for its id. */
export type FeedPiece = Omit<FeedSnapshot, 'id'> | Omit<FeedChanges, 'id'>;

export interface ObserveOptions {
  /** The observer has everything up to and including this revision; 0 = it has nothing. */
  readonly from: number;
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
  /** Bytes of a payload before compression; what cannot be cut down to it ends the feed with `frame_too_large`. */
  readonly maxPayloadBytes: number;
}

/** What an observer is fed with, pulled as fast as it consumes. It holds nothing back here. */
export interface Feed {
  /** The next piece, or undefined when there is none at the moment. Throws RaftkvError `frame_too_large` for an entry that is. */
  take(): FeedPiece | undefined;
  close(): void;
}

export interface KvNode {
  /** Proposes encoded command bytes (checked first: throws RaftkvError on bytes that do not decode) here or through the leader; resolves with the result once applied on this member. */
  write(command: Uint8Array): Promise<CommandResult>;
  /** The same for a command that this process makes itself (the gateway). */
  execute(envelope: CommandEnvelope): Promise<CommandResult>;
  get(key: Key, options: ReadOptions & { readonly revision?: number }): Promise<GetResult>;
  scan(range: KeyRange, options: ReadOptions & ScanOptions): Promise<ScanResult>;
  /** Waits until a state that is linearizable as of now is applied here; then `read` methods below see it. */
  linearize(signal?: AbortSignal): Promise<void>;
  /** Reads without waiting. Throws `compacted` / `future_revision`. */
  getLocal(key: Key, options?: { readonly revision?: number }): GetResult;
  scanLocal(range: KeyRange, options?: ScanOptions): ScanResult;
  /** `from` 0 = the next revision. `onReady` is called (at most once per applied batch) when `take` may have something. */
  watch(range: KeyRange, from: number, onReady: () => void): Watcher;
  /** `onReady` is called when `take` may have something again. Throws `invalid_argument` for ranges that make no sense. */
  observe(options: ObserveOptions, onReady: () => void): Feed;
  /** What this member vouches for, for an observer that somebody else feeds. Rejects with `invalid_argument` for ranges that make no sense, `busy` at the limit. */
  digest(request: DigestRequest): Promise<DigestAnswer>;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly term: number;
  /** Undefined while the cluster is being founded. */
  readonly clusterId: string | undefined;
  readonly memberId: string;
  /** "host:port" of the leader, if known. */
  readonly leader: string | undefined;
  readonly isLeader: boolean;
  onLeaderChange(listener: () => void): () => void;
  /** Who is a member, as `status` tells, changed. */
  onMembersChange(listener: () => void): () => void;
  /** Lists or changes the members, or hands leadership over. What changes something rejects with `no_leader` where this is not the leader. */
  admin(request: AdminRequest): Promise<AdminResult>;
  status(): NodeStatus;
}
