// Exactly once (§6.3): the session under which this client writes, the stamp of each write, and what has been acknowledged. A retry sends the
// same bytes again, so the state machine knows it. When the session is gone, only what was certainly never carried out moves to a new one.
import type { Command, CommandError, SessionStamp } from '@raftkv/kv';
import { RaftkvError, Slab, encodeCommand, restampCommand } from '@raftkv/wire';
import type { EncodeCommandOptions } from '@raftkv/wire';
import type { Call, CallOutcome, Request } from './call.ts';
import type { CallOptions, OnChange, WriteGate } from './dispatcher.ts';
import { Dispatcher } from './dispatcher.ts';
import type { Settings } from './options.ts';

/** Writes ahead of the acknowledged ones wait beyond this: the state machine keeps the answers in between. */
const maxUnacknowledged = 8_192;
/** A call moves to a new session this often at most. */
const maxRestamps = 3;

type WriteMessage = Extract<Request, { type: 'write' }>;

export class Session implements WriteGate {
  readonly dispatcher: Dispatcher;
  readonly #settings: Settings;
  /** How commands become bytes. */
  readonly #encoding: EncodeCommandOptions;
  /** 0 = none is open. */
  #clientId = 0;
  #sequence = 0;
  /** All sequences up to this one have their answers; those in `#done` besides. */
  #floor = 0;
  #done = new Set<number>();
  #isOpening = false;
  /** Writes without a stamp yet, as commands, in order; at most `maxQueuedCalls`. */
  #waiting = new Set<Call>();

  constructor(settings: Settings, onChange: OnChange) {
    this.#settings = settings;
    const { limits, compression } = settings;
    this.#encoding = { limits, packer: compression?.packer(), slab: new Slab() };
    this.dispatcher = new Dispatcher(settings, this, onChange);
  }

  /** Throws RaftkvError for a command that cannot be encoded or is too large; everything else goes to the outcome. */
  write(command: Command, outcome: CallOutcome, options: CallOptions): void {
    const stamp = this.#stamp();
    // Without a session it is encoded all the same, so that the caller hears of errors at once and may reuse its buffer.
    const call = this.#begin(command, outcome, options, stamp);
    if (stamp !== undefined) {
      this.#stamped(call, stamp);
      // It may have been cancelled before it began; then its sequence is never used, but acknowledged.
      if (call.isDone) this.finished(call);
      this.dispatcher.place(call);
    } else if (!call.isDone && this.dispatcher.hasRoomFor(call, this.#waiting.size)) {
      this.#waiting.add(call);
      this.#open();
    }
  }

  mayLeave(call: Call): boolean {
    return call.clientId !== this.#clientId || call.sequence <= this.#floor + maxUnacknowledged;
  }

  finished(call: Call): void {
    if (call.sequence === 0) this.#waiting.delete(call);
    if (call.sequence === 0 || call.clientId !== this.#clientId) return;
    if (call.sequence !== this.#floor + 1) {
      if (call.sequence > this.#floor) this.#done.add(call.sequence);
      return;
    }
    this.#floor += 1;
    while (this.#done.size > 0 && this.#done.delete(this.#floor + 1)) this.#floor += 1;
  }

  /**
   * The state machine does not know the session (any more). Answers whether the call goes on under a new one; if not, it is for the
   * caller to fail it, and it may have happened.
   */
  moves(call: Call, error: CommandError): boolean {
    if (error.code !== 'session_expired' || call.clientId === 0) return false;
    if (call.clientId === this.#clientId) this.#forget();
    if (call.mayHaveHappened || call.restamps >= maxRestamps) return false;
    call.restamps += 1;
    call.clientId = 0;
    call.sequence = 0;
    if (this.#clientId !== 0) this.#restamp(call);
    else {
      this.#waiting.add(call);
      this.#open();
    }
    return true;
  }

  /** Tells the cluster that it may forget the session. Resolves when that is done, or `milliseconds` have passed. */
  async close(milliseconds: number): Promise<void> {
    const clientId = this.#clientId;
    if (clientId === 0) return;
    await new Promise<void>((resolve) => {
      const outcome: CallOutcome = { convert: () => undefined, resolve, reject: () => resolve() };
      const command: Command = { type: 'closeSession', clientId };
      const call = this.#begin(command, outcome, { timeoutMilliseconds: milliseconds });
      call.failures = this.#settings.retries;
      this.dispatcher.place(call);
    });
  }

  #forget(): void {
    this.#clientId = 0;
    this.#sequence = 0;
    this.#floor = 0;
    this.#done = new Set();
  }

  /** That of the next write; undefined: there is no session. It counts when the write has it. */
  #stamp(): SessionStamp | undefined {
    if (this.#clientId === 0) return undefined;
    return { clientId: this.#clientId, sequence: this.#sequence + 1, ackFloor: this.#floor };
  }

  #stamped(call: Call, { clientId, sequence }: SessionStamp): void {
    this.#sequence = sequence;
    call.clientId = clientId;
    call.sequence = sequence;
  }

  #begin(command: Command, outcome: CallOutcome, options: CallOptions, session?: SessionStamp): Call {
    const bytes = encodeCommand({ session, command }, this.#encoding);
    return this.dispatcher.open('write', { type: 'write', id: 0, command: bytes }, outcome, options);
  }

  #open(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    // Whoever waits patiently needs a session as patient as itself.
    const isPatient = [...this.#waiting].some((call) => call.isPatient);
    const outcome: CallOutcome = {
      convert: (answer) => {
        if ('type' in answer && answer.type === 'session') return answer.clientId;
        throw new RaftkvError('bad_frame', 'opening a session was answered with something else');
      },
      resolve: (clientId: number) => this.#opened(clientId),
      reject: (error) => this.#failed(error, isPatient),
    };
    const options = isPatient ? { isPatient, timeoutMilliseconds: Infinity } : {};
    this.dispatcher.place(this.#begin({ type: 'openSession' }, outcome, options));
  }

  #opened(clientId: number): void {
    this.#isOpening = false;
    this.#forget();
    this.#clientId = clientId;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const call of waiting) this.#restamp(call);
  }

  /** Places a write that was certainly never carried out under the present session. */
  #restamp(call: Call): void {
    const stamp = this.#stamp()!;
    try {
      const { command } = call.request as WriteMessage;
      call.request = { type: 'write', id: 0, command: restampCommand(command, stamp, this.#encoding) };
    } catch (error) {
      // Without a stamp it just fitted.
      const { code, message } = RaftkvError.from(error);
      return this.dispatcher.fail(call, call.error(code, message, { cause: error }));
    }
    this.#stamped(call, stamp);
    this.dispatcher.place(call);
  }

  /** No session, no write: none of those that wait was ever sent under one that could have carried it out. */
  #failed(error: RaftkvError, wasPatient: boolean): void {
    this.#isOpening = false;
    if (this.#waiting.size === 0) return;
    // Those that came later have time left.
    if (error.code === 'timeout') return this.#open();
    for (const call of this.#waiting) {
      if (call.isPatient && !wasPatient) continue;
      this.dispatcher.fail(call, call.error(error.code, error.message, { cause: error }));
    }
    if (this.#waiting.size > 0) this.#open();
  }
}
