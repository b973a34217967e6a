// The table of sessions as the log tells it, in the plainest words: who has a session, what each was answered, and so whether a command under a
// stamp is carried out, is a retry, or is refused and for what. Only `log-truth.ts` calls it; what commands do to keys is in truth.ts.
import type { CommandEnvelope, CommandErrorCode } from '@raftkv/kv';
import type { AppliedEntry } from './history.ts';

interface Session {
  floor: number;
  readonly answers: Map<number, AppliedEntry>;
}

/** What is to become of an entry: carried out, answered like that entry before it, or refused. */
export type SessionRuling =
  | { readonly type: 'fresh' }
  | { readonly type: 'retry'; readonly first: AppliedEntry }
  | { readonly type: 'refused'; readonly code: CommandErrorCode };

const refused = (code: CommandErrorCode): SessionRuling => ({ type: 'refused', code });

/** That of a store by default. Bytes of answers have a limit too, which no recording comes near. */
const maxSessionAnswers = 16_384;

export class SessionTruth {
  readonly #maxSessions: number;
  /** By clientId, the one that was used longest ago first. */
  readonly #sessions = new Map<number, Session>();

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  /** Asked for each entry, once and in order. */
  rule({ session: stamp }: CommandEnvelope): SessionRuling {
    if (stamp === undefined) return { type: 'fresh' };
    const session = this.#use(stamp.clientId);
    if (session === undefined) return refused('session_expired');
    session.floor = Math.max(session.floor, stamp.ackFloor);
    for (const sequence of session.answers.keys()) if (sequence <= session.floor) session.answers.delete(sequence);
    if (stamp.sequence <= session.floor) return refused('session_stale');
    const first = session.answers.get(stamp.sequence);
    if (first !== undefined) return { type: 'retry', first };
    return session.answers.size >= maxSessionAnswers ? refused('session_overflow') : { type: 'fresh' };
  }

  /** It was carried out under its stamp, or refused for what it asks. */
  note(entry: AppliedEntry): void {
    const { session: stamp } = entry.envelope;
    if (stamp !== undefined) this.#sessions.get(stamp.clientId)?.answers.set(stamp.sequence, entry);
  }

  /** The newcomer's id is the index of its entry. Where there are too many the one that was used longest ago goes. */
  open(clientId: number): void {
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size < this.#maxSessions) break;
      this.#sessions.delete(oldest);
    }
    this.#sessions.set(clientId, { floor: 0, answers: new Map() });
  }

  /** Whether there is one. */
  keepAlive(clientId: number): boolean {
    return this.#use(clientId) !== undefined;
  }

  /** Whether there was one. */
  close(clientId: number): boolean {
    return this.#sessions.delete(clientId);
  }

  #use(clientId: number): Session | undefined {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return undefined;
    this.#sessions.delete(clientId);
    this.#sessions.set(clientId, session);
    return session;
  }
}
