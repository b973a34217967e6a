// The session under which kept writes are sent (§6.3), one for each life of a tab. A stamp is drawn when the way is known to be open, so that few writes are
// of unknown fate when a session is gone, and its floor passes nothing that the disk still holds.
import type { Command, SessionStamp } from '@raftkv/kv';
import { RaftkvError, encodeCommand, restampCommand } from '@raftkv/wire';
import type { Limits } from '@raftkv/wire';
import type { Answer } from '@raftkv/client/parts';
import type { CommandOptions, OutboxHost } from '../keep-writes.ts';

type Sender = OutboxHost<never, never>['sender'];
type SendOptions = Pick<CommandOptions, 'signal' | 'onSent'>;

/** Of closing one. */
const closeMilliseconds = 250;

export interface WriteSessionOptions {
  readonly sender: Sender;
  readonly limits: Limits;
  /** Aborted when the replica is closed. */
  readonly signal: AbortSignal;
  /** Whether there is anything that speaks against it. */
  readonly isOnline: () => boolean;
  /** Before what could not be loaded is asked for again. */
  readonly pause: () => Promise<void>;
}

export class WriteSession {
  readonly #options: WriteSessionOptions;
  /** 0 = none is open. */
  #clientId = 0;
  #sequence = 0;
  /** All stamps up to this one are settled, on the disk too; those in `#settled` besides. */
  #floor = 0;
  #settled = new Set<number>();
  /** An answer came since something last went wrong. */
  #isOpen = false;
  #opening: Promise<void> | undefined;
  /** Answers of every kind can be read. */
  #isWhole = false;
  #becoming: Promise<void> | undefined;

  constructor(options: WriteSessionOptions) {
    this.#options = options;
  }

  /** Resolves when there is a session, and a quorum has just answered or nothing speaks against it. Takes as long as it takes. */
  ready(): Promise<void> {
    if (this.#isOpen && this.#options.isOnline()) return Promise.resolve();
    this.#opening ??= this.#find().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Of the next write. It counts: it is to be sent, or `settled`. */
  stamp(): { readonly clientId: number; readonly sequence: number } {
    this.#sequence += 1;
    return { clientId: this.#clientId, sequence: this.#sequence };
  }

  /**
   * Sends a write under its stamp, again and again. Rejects with what the store refuses, or what no retry will change. Whatever was kept, the answer may be that
   * of a transaction, and one that could not be read would end the connection: before it can be, nothing is sent.
   */
  async send(
    command: Uint8Array,
    stamp: Omit<SessionStamp, 'ackFloor'>,
    onSent: (isSent: boolean) => void,
  ): Promise<Answer> {
    if (!this.#isWhole) await (this.#becoming ??= this.#becomeWhole());
    // Nothing is known of what was settled in sessions of earlier lives.
    const ackFloor = stamp.clientId === this.#clientId ? this.#floor : 0;
    const { limits } = this.#options;
    const { clientId, sequence } = stamp;
    return this.#ask(restampCommand(command, { clientId, sequence, ackFloor }, { limits }), {
      onSent: (isSent) => {
        if (!isSent) this.#isOpen = false;
        onSent(isSent);
      },
    });
  }

  /** The write of this stamp is off the disk, or will not be sent again. */
  settled({ clientId, sequence }: Omit<SessionStamp, 'ackFloor'>): void {
    if (clientId !== this.#clientId) return;
    this.#settled.add(sequence);
    while (this.#settled.delete(this.#floor + 1)) this.#floor += 1;
  }

  /** The store does not know this session. */
  expired(clientId: number): void {
    if (clientId === this.#clientId) this.#begin(0);
  }

  /** The present one, if there is one. */
  get clientId(): number {
    return this.#clientId;
  }

  /** What comes is sent under another one. What was stamped in this one may be in another tab's hands, which asks under the same stamps. */
  abandon(): void {
    this.#begin(0);
  }

  /** Tells the cluster that it may forget the present session; a moment is enough for that. Of another one nobody knows what is still to be asked under it. */
  async close(): Promise<void> {
    const clientId = this.#clientId;
    if (clientId === 0) return;
    this.#begin(0);
    await this.#order({ type: 'closeSession', clientId }, closeMilliseconds).catch(() => {});
  }

  async #find(): Promise<void> {
    const clientId = this.#clientId;
    try {
      // Whether the way is open is found out with something that may be done twice.
      const command: Command = clientId === 0 ? { type: 'openSession' } : { type: 'keepAlive', clientId };
      const answer = await this.#order(command);
      if (!('clientId' in answer))
        throw new RaftkvError('bad_frame', 'opening a session was answered with something else');
      if (clientId === 0) this.#begin(answer.clientId);
    } catch (error) {
      if (!(error instanceof RaftkvError) || error.code !== 'session_expired') throw error;
      this.#begin(0);
      return this.#find();
    }
    // It may have been found to be gone in the meantime.
    if (this.#clientId === 0) return this.#find();
    this.#isOpen = true;
  }

  #begin(clientId: number): void {
    this.#clientId = clientId;
    this.#sequence = 0;
    this.#floor = 0;
    this.#settled = new Set();
    this.#isOpen = false;
  }

  async #becomeWhole(): Promise<void> {
    const { sender, signal, pause } = this.#options;
    for (;;) {
      try {
        await sender.prefetch?.();
        this.#isWhole = true;
        return;
      } catch {
        if (signal.aborted) throw new RaftkvError('closed', 'the replica was closed');
        await pause();
      }
    }
  }

  #order(command: Command, timeoutMilliseconds?: number): Promise<Answer> {
    return this.#ask(encodeCommand({ session: undefined, command }), {}, timeoutMilliseconds);
  }

  #ask(command: Uint8Array, options: SendOptions, timeoutMilliseconds = Infinity): Promise<Answer> {
    const { sender, signal } = this.#options;
    const request = { type: 'write', id: 0, command } as const;
    return sender.ask(
      'write',
      () => request,
      { signal, isPatient: true, timeoutMilliseconds, ...options },
      (answer) => answer,
    );
  }
}
