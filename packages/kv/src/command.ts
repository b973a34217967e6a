// What a client may ask the state machine to do, and what it answers: plain values. `wire` gives them
// bytes and checks sizes; `store.ts` carries them out. Every command is deterministic: it may use the state
// and its own content, never a clock, randomness or locale.

/** A key as a byte string: one UTF-16 unit a byte (0–255), so that string order is byte order. Never empty in a command. */
export type Key = string;

/** Keys from `from` (inclusive) to `to` (exclusive); `to` undefined = no upper end. `from` may be '' (the lowest). */
export interface KeyRange {
  readonly from: Key;
  readonly to: Key | undefined;
}

/** One key with its value and where it came from. Never changed once handed out. */
export interface KeyValue {
  readonly key: Key;
  readonly value: Uint8Array;
  /** The revision that wrote this value (etcd: mod_revision). */
  readonly revision: number;
  /** The revision that created the key since it last did not exist. */
  readonly createRevision: number;
  /** Writes since then, from 1. */
  readonly version: number;
}

export interface PutOp {
  readonly type: 'put';
  readonly key: Key;
  readonly value: Uint8Array;
  /** Answer with what was there before. */
  readonly returnPrevious?: boolean;
}
export interface DeleteOp {
  readonly type: 'delete';
  readonly key: Key;
  readonly returnPrevious?: boolean;
}
export interface DeleteRangeOp {
  readonly type: 'deleteRange';
  readonly range: KeyRange;
  readonly returnPrevious?: boolean;
}
export interface GetOp {
  readonly type: 'get';
  readonly key: Key;
  /** Read as of this revision; undefined or 0 = now. */
  readonly revision?: number;
}
export interface ScanOp extends ScanOptions {
  readonly type: 'scan';
  readonly range: KeyRange;
}

export interface ScanOptions {
  /** Most entries answered; undefined or 0 = no limit. */
  readonly limit?: number;
  readonly reverse?: boolean;
  /** Leave the values out (each is the empty array). */
  readonly keysOnly?: boolean;
  /** Answer the count alone. */
  readonly countOnly?: boolean;
  /** Also count beyond `limit`; costs a walk over the whole range. */
  readonly withCount?: boolean;
  /** Stop (with `more`) once the answer holds this many bytes of keys and values; always at least one entry. Undefined = no limit. */
  readonly maxBytes?: number;
  /** Read as of this revision; undefined or 0 = now. */
  readonly revision?: number;
}

/** Puts and deletes that take effect together, in order, at one revision. The same key twice is refused. */
export interface BatchCommand {
  readonly type: 'batch';
  readonly ops: readonly (PutOp | DeleteOp | DeleteRangeOp)[];
}

export type CompareOperator = 'equal' | 'notEqual' | 'greater' | 'less';

/**
 * A condition on one key, or on each existing key of `[key, rangeEnd)`. A missing key has revision,
 * createRevision and version 0, does not exist, and never satisfies a comparison of values.
 */
export type Compare = {
  readonly key: Key;
  readonly range?: KeyRange;
  readonly operator: CompareOperator;
} & (
  | { readonly target: 'value'; readonly value: Uint8Array }
  | { readonly target: 'revision' | 'createRevision' | 'version'; readonly number: number }
  | { readonly target: 'exists'; readonly exists: boolean }
);

export type TxnOp = GetOp | ScanOp | PutOp | DeleteOp | DeleteRangeOp | TxnCommand;

/** If all of `compare` hold then `then` else `otherwise`, atomically, at one revision. May nest (at most 8 deep). */
export interface TxnCommand {
  readonly type: 'txn';
  readonly compare: readonly Compare[];
  readonly then: readonly TxnOp[];
  readonly otherwise: readonly TxnOp[];
}

/** Forget history below `revision`: reads and watches from before it answer `compacted` (etcd's Compact). */
export interface CompactCommand {
  readonly type: 'compact';
  readonly revision: number;
}

/** §6.3 RegisterClient: answered with a clientId (the entry's log index, so it is never reused). */
export interface OpenSessionCommand {
  readonly type: 'openSession';
}
/** Touches the session, so that it is not the least recently used one. */
export interface KeepAliveCommand {
  readonly type: 'keepAlive';
  readonly clientId: number;
}
export interface CloseSessionCommand {
  readonly type: 'closeSession';
  readonly clientId: number;
}

export type Command =
  | PutOp
  | DeleteOp
  | DeleteRangeOp
  | BatchCommand
  | TxnCommand
  | CompactCommand
  | OpenSessionCommand
  | KeepAliveCommand
  | CloseSessionCommand;

/**
 * Makes a retry harmless (§6.3): the pair (clientId, sequence) is carried out at most once, and asked
 * again it is answered from the session's table. `ackFloor`: the client has its answers to all sequences up to
 * and including this one, so the table may drop them. Sequences count from 1 and may arrive out of order.
 */
export interface SessionStamp {
  readonly clientId: number;
  readonly sequence: number;
  readonly ackFloor: number;
}

/** What an entry's bytes decode to. Without a session a retry may be carried out twice. */
export interface CommandEnvelope {
  readonly session: SessionStamp | undefined;
  readonly command: Command;
}

/** Expected refusals, decided alike on every replica. */
export type CommandErrorCode =
  | 'compacted'
  | 'future_revision'
  | 'duplicate_key'
  | 'session_expired'
  | 'session_stale'
  | 'session_overflow'
  | 'invalid_argument';

export interface PutResult {
  readonly type: 'put';
  /** The store's revision after this command; for a command without effect, the unchanged one. */
  readonly revision: number;
  readonly previous?: KeyValue;
}
export interface DeleteResult {
  readonly type: 'delete';
  readonly revision: number;
  /** How many keys existed and were deleted: 0 says that the key was missing. */
  readonly deleted: number;
  readonly previous?: readonly KeyValue[];
}
export interface GetResult {
  readonly type: 'get';
  readonly revision: number;
  readonly entry: KeyValue | undefined;
}
export interface ScanResult {
  readonly type: 'scan';
  readonly revision: number;
  readonly entries: readonly KeyValue[];
  /** More keys lie in the range beyond `limit`. */
  readonly more: boolean;
  /** Keys in the whole range; present with `countOnly` or `withCount`. */
  readonly count?: number;
}
export interface BatchResult {
  readonly type: 'batch';
  readonly revision: number;
  readonly results: readonly (PutResult | DeleteResult)[];
}
export interface TxnResult {
  readonly type: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  readonly results: readonly TxnOpResult[];
}
export type TxnOpResult = GetResult | ScanResult | PutResult | DeleteResult | TxnResult;

export interface CompactResult {
  readonly type: 'compact';
  readonly revision: number;
}
export interface SessionResult {
  readonly type: 'session';
  readonly clientId: number;
}
/** Nothing was changed (apart from the session's bookkeeping). */
export interface CommandError {
  readonly type: 'error';
  readonly code: CommandErrorCode;
  readonly message: string;
  /** With `compacted`: the oldest revision that can still be read. */
  readonly compactedRevision?: number;
}

export type CommandResult =
  | PutResult
  | DeleteResult
  | BatchResult
  | TxnResult
  | CompactResult
  | SessionResult
  | CommandError;
