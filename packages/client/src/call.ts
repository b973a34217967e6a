// One call of a user from its first attempt to its answer. Whether a failed write may have happened is decided here, and nowhere else.
import type { CommandResult, GetResult, ScanResult } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { ClientMessage, ErrorCode, ErrorDetails, NodeStatus } from '@raftkv/wire';

/** Bytes: about members. */
export type Answer = CommandResult | GetResult | ScanResult | NodeStatus | Uint8Array;

/** `admin`: for the leader, without a session, so it is not tried again once it may have happened. */
export type CallKind = 'write' | 'read' | 'admin';

/** A request whose id is filled in for each attempt. */
export type Request = Mutable<Extract<ClientMessage, { readonly id: number }>>;
type Mutable<Message> = Message extends unknown ? { -readonly [Name in keyof Message]: Message[Name] } : never;

/** What makes one attempt of a call: a connection. */
export interface Carrier {
  /** The call is over or goes elsewhere: its answer will not be looked at. */
  withdraw(call: Call): void;
}

/** What becomes of a call: its answer as the user wants it, told once. One object and no closures for each call, since there are many. */
export interface CallOutcome {
  /** What it throws is told to `reject`. */
  readonly convert: (answer: Answer) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: RaftkvError) => void;
}

export class Call {
  readonly kind: CallKind;
  /** What is sent; the same object, with a new id, at each attempt. */
  request: Request;
  readonly outcome: CallOutcome;
  readonly timeoutMilliseconds: number;
  readonly deadline: number;
  isDone = false;
  /** Attempts that failed, apart from those for want of a leader. */
  failures = 0;
  /** Attempts that failed for want of a leader. */
  redirects = 0;
  /** An attempt of this write ended without the certainty that it was not carried out. */
  mayHaveHappened = false;
  /** The present attempt: where, under which id, and whether it left this process. */
  connection: Carrier | undefined = undefined;
  isSent = false;
  sentAt = 0;
  /** The connection that let the last attempt wait too long. */
  avoid: Carrier | undefined = undefined;
  /** Only this endpoint will do. */
  endpoint: string | undefined = undefined;
  /** When its next attempt is due, while it waits for one. */
  retryAt = Infinity;
  isWaitingForLeader = false;
  /** Of a write: its place in the session. 0 = without. */
  clientId = 0;
  sequence = 0;
  restamps = 0;
  /** However often it fails in passing, it is tried again until its time is up. */
  isPatient = false;
  /** Told when an attempt left (true), and when it came to nothing (false). */
  onSent: ((isSent: boolean) => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  signal: AbortSignal | undefined = undefined;

  constructor(
    kind: CallKind,
    request: Request,
    outcome: CallOutcome,
    time: { readonly deadline: number; readonly timeoutMilliseconds: number },
  ) {
    this.kind = kind;
    this.request = request;
    this.outcome = outcome;
    this.deadline = time.deadline;
    this.timeoutMilliseconds = time.timeoutMilliseconds;
  }

  /** T49: only a write that certainly never reached a log is definitely not done. Reads change nothing. */
  get isDefinite(): boolean {
    return this.kind === 'read' || !(this.mayHaveHappened || this.isSent);
  }

  /** The error that the user sees, truthful about the whole call rather than the last attempt. */
  error(code: ErrorCode, message: string, details: ErrorDetails = {}): RaftkvError {
    const definite = this.isDefinite;
    const suffix = definite ? '' : '; the write may have happened';
    return new RaftkvError(code, message + suffix, { ...details, definite });
  }
}
