// One call of a user from its first attempt to its answer. Whether a failed write may have happened is decided here, and nowhere else.
import type { CommandResult, GetResult, ScanResult } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { ClientMessage, ErrorCode, ErrorDetails, NodeStatus } from '@raftkv/wire';
import type { Clock } from './clock.ts';

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
  /** Due for its next attempt, while it waits for it. */
  retryAt = 0;
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

/** Runs out the time of many calls with one timer. Calls of the same length are in the order of their deadlines. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #onExpired: (call: Call) => void;
  readonly #byLength = new Map<number, Set<Call>>();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock, onExpired: (call: Call) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  add(call: Call): void {
    let calls = this.#byLength.get(call.timeoutMilliseconds);
    if (calls === undefined) {
      calls = new Set();
      this.#byLength.set(call.timeoutMilliseconds, calls);
    }
    calls.add(call);
    this.#wakeAt(call.deadline);
  }

  delete(call: Call): void {
    const calls = this.#byLength.get(call.timeoutMilliseconds);
    calls?.delete(call);
    if (calls?.size === 0) {
      this.#byLength.delete(call.timeoutMilliseconds);
      if (this.#byLength.size === 0) this.#stop();
    }
  }

  /** Every open call. */
  all(): Call[] {
    return [...this.#byLength.values()].flatMap((calls) => [...calls]);
  }

  #wakeAt(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = deadline;
    this.#cancelTimer = this.#clock.schedule(() => this.#expire(), Math.max(1, deadline - this.#clock.now()));
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = Infinity;
  }

  #expire(): void {
    this.#stop();
    const now = this.#clock.now();
    const expired: Call[] = [];
    let next = Infinity;
    for (const calls of this.#byLength.values()) {
      for (const call of calls) {
        if (call.deadline > now) {
          next = Math.min(next, call.deadline);
          break;
        }
        expired.push(call);
      }
    }
    for (const call of expired) this.#onExpired(call);
    if (next < Infinity) this.#wakeAt(next);
  }
}
