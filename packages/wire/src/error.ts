// The one error class of raftkv and its closed list of codes. Every package above `raft` and `kv` throws this
// and nothing else for an expected failure; the README of this package documents each code.

const errorCodes = [
  'invalid_argument', // the caller's words are off
  'key_empty',
  'key_too_large',
  'value_too_large',
  'batch_too_large',
  'request_too_large',
  'duplicate_key',
  'bad_frame', // bytes from a peer, a client or a disk do not decode
  'frame_too_large',
  'unsupported_version',
  'wrong_cluster',
  'wrong_member',
  'member_amnesia', // a member came back without its storage
  'member_superseded', // a later start of a member's storage was met: this one is a copy, or of an older one
  'founders_disagree', // a founder lost its storage before all had met
  'member_removed', // a member that was removed asks to take part
  'unsafe_change', // a change of members that would lose the quorum that is alive
  'not_caught_up', // a learner that lags too far to vote
  'no_leader',
  'busy', // a limit was reached: back off
  'timeout',
  'cancelled',
  'closed',
  'connect_failed',
  'connection_lost',
  'compacted',
  'future_revision',
  'session_expired',
  'session_stale',
  'session_overflow',
  'not_found',
  'condition_failed', // a write under conditions found something else
  'storage_locked',
  'storage_corrupt',
  'storage_missing',
  'storage_identity',
  'storage_full',
  'storage_failed',
  'config_invalid',
  'port_in_use',
  'diverged', // a copy does not agree with what it is a copy of
  'halted', // a broken invariant stopped the replica
  'unsupported',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What is there, as the client decodes it. A key that is missing does not exist. */
export interface FoundEntry {
  readonly key: string | Uint8Array;
  readonly value: unknown;
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
}

export interface ErrorDetails {
  /** For a write: true = it definitely did not happen; false = it may have. Reads and set-up failures are definite. Default true. */
  readonly definite?: boolean;
  readonly cause?: unknown;
  /** With `compacted`: the oldest revision that can still be read. */
  readonly compactedRevision?: number;
  /** Where the leader is thought to be ("host:port"), with `no_leader`. */
  readonly leader?: string;
}

/**
 * @example
 * ```ts
 * try { await kv.put('a', 1) } catch (error) {
 *   if (error instanceof RaftkvError && !error.definite) console.log('it may have happened')
 * }
 * ```
 */
export class RaftkvError extends Error {
  override readonly name = 'RaftkvError';
  readonly code: ErrorCode;
  readonly definite: boolean;
  readonly compactedRevision: number | undefined;
  readonly leader: string | undefined;
  /** With `condition_failed`, and with a kept write of unknown outcome: the entries that are there now, of the keys that it concerns. */
  readonly found?: readonly FoundEntry[];

  constructor(code: ErrorCode, message = '', details: ErrorDetails = {}) {
    super(
      isShort(message) ? code.replaceAll('_', ' ') + message : message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.definite = details.definite ?? true;
    this.compactedRevision = details.compactedRevision;
    this.leader = details.leader;
  }

  /** Converts what a `catch` got, once, at the border: a RaftkvError stays itself, anything else becomes `internal`. */
  static from(error: unknown, fallback: ErrorCode = 'internal', details: ErrorDetails = {}): RaftkvError {
    if (error instanceof RaftkvError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new RaftkvError(fallback, message, { ...details, cause: error });
  }
}

/** The browser's production build leaves of a sentence only the values in it, behind a colon; the code speaks for the rest. */
function isShort(message: string): boolean {
  return message === '' || message.startsWith(': ');
}

/** Whether this text is one of the codes: for codes that come from elsewhere. */
export function isErrorCode(text: string): text is ErrorCode {
  return (errorCodes as readonly string[]).includes(text);
}
