// Carries calls from `submit` to their outcome: chooses a connection, lets calls wait for one, tries again, and ends those whose time is up.
// Sessions (`session.ts`) decide which writes may leave; connections report attempts, never outcomes.
import type { CommandError, TxnOpResult } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { Call } from './call.ts';
import type { Answer, CallKind, CallOutcome, Request } from './call.ts';
import { Cluster } from './cluster.ts';
import { Fifo } from './fifo.ts';
import type { Settings } from './options.ts';
import { retryDelay } from './retry.ts';

export interface CallOptions {
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
  /** Wait out whatever may pass, as long as there is time: for writes that are made offline. */
  readonly isPatient?: boolean;
  readonly onSent?: (isSent: boolean) => void;
  /** Only this one will do. */
  readonly endpoint?: string;
}

/** Connections or leaders changed, or a write was answered with this revision. */
export type OnChange = (written?: number) => void;

/** What the session has to say about writes. */
export interface WriteGate {
  /** Whether this write may leave now; if not it waits for `drain`. */
  mayLeave(call: Call): boolean;
  /** Its outcome was told. */
  finished(call: Call): void;
  /** The state machine refused the write for its session: true if it goes on under another one. */
  moves(call: Call, refusal: CommandError): boolean;
}

/** Whoever waits is looked at one by one, so the more there are the less often: 65,536 calls learn 65 ms late that their time is up. */
const callsPerMillisecond = 1_000;

export class Dispatcher {
  readonly settings: Settings;
  readonly cluster: Cluster;
  /** One node could not be reached, or was lost. */
  onNodeFailed: ((error: RaftkvError) => void) | undefined;
  readonly #gate: WriteGate;
  readonly #onChange: OnChange;
  /** Every call without an outcome. */
  readonly #open = new Set<Call>();
  /** Tried before; they pass those that wait for their first attempt, which may be waiting for just these. */
  readonly #retries = new Fifo<Call>();
  readonly #writes = new Fifo<Call>();
  readonly #reads = new Fifo<Call>();
  /** For one endpoint alone, while it is being connected; they hold up nobody else. */
  #pinned: Call[] = [];
  /** Those of them that wait for their next attempt. */
  readonly #resting = new Set<Call>();
  /** One timer for all: it runs out when the first deadline or the first rest does. */
  #cancelTimer: (() => void) | undefined;
  #wakesAt = Infinity;
  #isClosed = false;
  /** The highest revision in any answer. */
  #seenRevision = 0;

  constructor(settings: Settings, gate: WriteGate, onChange: OnChange) {
    this.settings = settings;
    this.#gate = gate;
    this.#onChange = onChange;
    this.cluster = new Cluster(settings, {
      onAnswer: (call, answer) => this.finish(call, answer),
      onAttemptFailed: (call, error, definite) => this.attemptFailed(call, error, definite),
      onRoom: () => this.drain(),
      onChange: () => {
        this.#clusterChanged();
        onChange();
      },
      onUnreachable: (error) => this.#unreachable(error),
      onNodeFailed: (endpoint, error) => {
        this.onNodeFailed?.(error);
        for (const call of this.#pinned) if (call.endpoint === endpoint) this.fail(call, error);
      },
    });
  }

  get seenRevision(): number {
    return this.#seenRevision;
  }

  see(revision: number): void {
    if (revision > this.#seenRevision) this.#seenRevision = revision;
  }

  /** A call with its deadline running. It is not sent until `place`. Its options have been checked. */
  open(kind: CallKind, request: Request, outcome: CallOutcome, options: CallOptions): Call {
    const timeoutMilliseconds = options.timeoutMilliseconds ?? this.settings.requestTimeoutMilliseconds;
    const deadline = this.settings.clock.now() + timeoutMilliseconds;
    const call = new Call(kind, request, outcome, { deadline, timeoutMilliseconds });
    call.isPatient = options.isPatient === true;
    call.onSent = options.onSent;
    call.endpoint = options.endpoint;
    this.#open.add(call);
    this.#wakeAt(deadline);
    if (options.signal !== undefined) this.#listen(call, options.signal);
    return call;
  }

  /** Sends it, or lets it wait for a connection or a place. */
  place(call: Call): void {
    if (call.isDone) return;
    if (call.endpoint !== undefined) return this.#placePinned(call, call.endpoint);
    const isRetry = call.failures + call.redirects > 0;
    const queue = isRetry ? this.#retries : call.kind === 'write' ? this.#writes : this.#reads;
    if (queue.size === 0 && this.#tryToSend(call)) return;
    if (isRetry || this.hasRoomFor(call, queue.size + this.#retries.size + this.#resting.size)) queue.push(call);
  }

  /** Whether one more call may wait where `waiting` do; if not it has failed with `busy`. */
  hasRoomFor(call: Call, waiting: number): boolean {
    if (waiting < this.settings.maxQueuedCalls) return true;
    this.fail(call, call.error('busy', `${waiting} calls are waiting already`));
    return false;
  }

  #placePinned(call: Call, endpoint: string): void {
    if (!this.cluster.endpoints().includes(endpoint)) {
      return this.fail(call, new RaftkvError('invalid_argument', `${endpoint} is none of the endpoints`));
    }
    if (!this.#tryToSend(call) && this.hasRoomFor(call, this.#pinned.length)) this.#pinned.push(call);
  }

  /** Sends what waits, as far as there is room. */
  drain(): void {
    if (this.#pinned.length > 0) {
      this.#pinned = this.#pinned.filter((call) => !call.isDone && !this.#tryToSend(call));
    }
    this.#drainQueue(this.#retries);
    this.#drainQueue(this.#writes);
    this.#drainQueue(this.#reads);
  }

  finish(call: Call, answer: Answer): void {
    if (call.isDone) return;
    call.isSent = false;
    if (call.kind === 'write' && 'type' in answer && answer.type === 'error') return this.#refused(call, answer);
    this.#settle(call);
    if ('revision' in answer) {
      this.see(answer.revision);
      if (call.kind === 'write' && hasWritten(answer)) this.#onChange(answer.revision);
    }
    const { convert, resolve, reject } = call.outcome;
    try {
      resolve(convert(answer) as never);
    } catch (error) {
      reject(unreadable(call, error));
    }
  }

  /** Refusals of a command are its outcome and change nothing; those of its session say nothing about earlier attempts. */
  #refused(call: Call, refusal: CommandError): void {
    const { code, message, compactedRevision } = refusal;
    if (code === 'session_overflow') return this.attemptFailed(call, new RaftkvError(code, message), true);
    if (this.#gate.moves(call, refusal)) return call.onSent?.(false);
    // Stale: it was acknowledged, so it was answered once, but not to this call.
    if (code === 'session_stale') call.mayHaveHappened = true;
    const isOfSession = code === 'session_stale' || code === 'session_expired';
    const error = isOfSession ? call.error(code, message) : new RaftkvError(code, message, { compactedRevision });
    this.fail(call, error);
  }

  fail(call: Call, error: RaftkvError): void {
    if (!this.#settle(call)) return;
    call.outcome.reject(error);
  }

  /** An attempt came to nothing: once more, or the end. */
  attemptFailed(call: Call, error: RaftkvError, definite: boolean): void {
    call.isSent = false;
    if (!definite) call.mayHaveHappened = true;
    if (call.isDone) return;
    call.onSent?.(false);
    const isOver = this.#isClosed || (call.kind === 'admin' && call.mayHaveHappened);
    const delay = isOver ? undefined : retryDelay(call, error.code, this.settings);
    if (delay === undefined) {
      const { cause, compactedRevision, leader } = error;
      this.fail(call, call.error(error.code, error.message, { cause, compactedRevision, leader }));
    } else if (delay <= 0) this.place(call);
    else this.#rest(call, delay, error.code === 'no_leader' || call.isPatient);
  }

  /** Ends every open call with `closed`. */
  endAll(): void {
    for (const call of this.#open) this.#withdrawAndFail(call, 'closed', 'the client was closed');
  }

  close(): void {
    this.#isClosed = true;
    this.endAll();
    this.#cancelTimer?.();
    this.cluster.close(new RaftkvError('closed', 'the client was closed'));
  }

  #tryToSend(call: Call): boolean {
    if (call.kind === 'write' && !this.#gate.mayLeave(call)) return false;
    const connection = this.cluster.pick(call);
    if (connection === undefined) this.cluster.demand();
    if (connection === undefined || connection.isFull) return false;
    connection.send(call);
    return true;
  }

  #drainQueue(queue: Fifo<Call>): void {
    for (let call = queue.peek(); call !== undefined; call = queue.peek()) {
      if (!call.isDone && !this.#tryToSend(call)) return;
      queue.shift();
    }
  }

  /** False if it was settled before. */
  #settle(call: Call): boolean {
    if (call.isDone) return false;
    call.isDone = true;
    this.#open.delete(call);
    this.#resting.delete(call);
    if (call.onAbort !== undefined) call.signal?.removeEventListener('abort', call.onAbort);
    this.#gate.finished(call);
    return true;
  }

  #listen(call: Call, signal: AbortSignal): void {
    const onAbort = (): void => this.#withdrawAndFail(call, 'cancelled', 'the call was cancelled', signal.reason);
    if (signal.aborted) return onAbort();
    call.signal = signal;
    call.onAbort = onAbort;
    signal.addEventListener('abort', onAbort, { once: true });
  }

  #expire(call: Call): void {
    const reason = call.isSent
      ? 'no answer came in time'
      : call.isWaitingForLeader
        ? 'the cluster had no leader in time'
        : 'the call was not sent in time';
    this.#withdrawAndFail(call, 'timeout', reason);
  }

  #withdrawAndFail(call: Call, code: 'closed' | 'cancelled' | 'timeout', message: string, cause?: unknown): void {
    const error = call.error(code, message, { cause });
    call.connection?.withdraw(call);
    this.fail(call, error);
    // Its place is free for another.
    if (!this.#isClosed) this.drain();
  }

  #rest(call: Call, delay: number, isWaitingForLeader: boolean): void {
    call.retryAt = this.settings.clock.now() + delay;
    call.isWaitingForLeader = isWaitingForLeader;
    this.#resting.add(call);
    this.#wakeAt(call.retryAt);
  }

  #endRest(call: Call): void {
    this.#resting.delete(call);
    call.retryAt = Infinity;
    this.place(call);
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return;
    this.#cancelTimer?.();
    this.#wakesAt = time;
    const { clock } = this.settings;
    const pause = Math.max(1, this.#open.size / callsPerMillisecond, time - clock.now());
    this.#cancelTimer = clock.schedule(() => this.#wake(), pause);
  }

  #wake(): void {
    this.#wakesAt = Infinity;
    const now = this.settings.clock.now();
    let next = Infinity;
    for (const call of this.#open) {
      if (call.deadline <= now) this.#expire(call);
      else if (call.retryAt <= now) this.#endRest(call);
      if (!call.isDone) next = Math.min(next, call.deadline, call.retryAt);
    }
    this.#wakeAt(next);
  }

  #clusterChanged(): void {
    if (this.cluster.hasLeader) {
      for (const call of [...this.#resting]) if (call.isWaitingForLeader) this.#endRest(call);
    }
    this.drain();
  }

  /** Whoever waits for a connection learns that there is none to be had at the moment. */
  #unreachable(error: RaftkvError): void {
    for (const queue of [this.#retries, this.#writes, this.#reads]) {
      for (let left = queue.size; left > 0; left -= 1) {
        const call = queue.shift()!;
        if (!call.isDone) this.attemptFailed(call, error, true);
      }
    }
  }
}

/** There is an answer, but not for this user: what the codec cannot read, say. A write has happened all the same. */
function unreadable(call: Call, thrown: unknown): RaftkvError {
  const error = RaftkvError.from(thrown);
  if (call.kind === 'read' || !error.definite) return error;
  return new RaftkvError(error.code, `${error.message}; the write happened`, { cause: thrown, definite: false });
}

/** What changed nothing is answered with the revision that the store has, which is that of another write. */
function hasWritten(result: Exclude<Answer, Uint8Array> | TxnOpResult): boolean {
  if ('deleted' in result) return result.deleted > 0;
  return 'results' in result ? result.results.some(hasWritten) : 'type' in result && result.type === 'put';
}
