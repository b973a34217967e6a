// The exactly-once table of §6.3: who may write, and what was answered to whom. It is replicated state, decided by log indexes
// alone and part of every snapshot. `store.ts` asks it before and after each command.
import type { CommandError, CommandResult, SessionStamp } from './command.ts';
import { sessionExpired, sessionOverflow, sessionStale } from './refusal.ts';

export interface SessionLimits {
  readonly maxSessions: number;
  readonly maxSessionAnswers: number;
}

export interface Session {
  readonly clientId: number;
  /** Log index of the last command that named this session. */
  lastUsedIndex: number;
  /** The client has the answers to all sequences up to and including this one. */
  floor: number;
  /** By sequence, above the floor, in the order of execution. */
  readonly answers: Map<number, CommandResult>;
  /** The table's epoch in which this object was made: an older one may be shared with a snapshot. */
  readonly epoch: number;
}

/** The command is to be carried out, and its answer noted in `session`. */
export interface Admission {
  readonly type: 'admitted';
  readonly session: Session;
}

export class SessionTable {
  readonly #limits: SessionLimits;
  /** By clientId, least recently used first: a session that is used moves to the end. */
  readonly #sessions = new Map<number, Session>();
  #newest: Session | undefined;
  #epoch = 0;

  /** `sessions`: those of a snapshot, least recently used first. */
  constructor(limits: SessionLimits, sessions: readonly Session[] = []) {
    this.#limits = limits;
    for (const session of sessions) this.#add(session);
  }

  get size(): number {
    return this.#sessions.size;
  }

  #add(session: Session): void {
    this.#sessions.set(session.clientId, session);
    this.#newest = session;
  }

  open(index: number): void {
    while (this.#sessions.size >= this.#limits.maxSessions) this.#evictOldest();
    this.#add({ clientId: index, lastUsedIndex: index, floor: 0, answers: new Map(), epoch: this.#epoch });
  }

  #evictOldest(): void {
    for (const clientId of this.#sessions.keys()) {
      this.#sessions.delete(clientId);
      return;
    }
  }

  close(clientId: number): boolean {
    return this.#sessions.delete(clientId);
  }

  /** Makes the session the most recently used one and answers it ready to be changed; undefined if there is none. */
  touch(clientId: number, index: number): Session | undefined {
    const present = this.#sessions.get(clientId);
    if (present === undefined) return undefined;
    // Copy on write: a snapshot may hold the object of an earlier epoch.
    const session =
      present.epoch === this.#epoch ? present : { ...present, answers: new Map(present.answers), epoch: this.#epoch };
    session.lastUsedIndex = index;
    if (session !== this.#newest) {
      if (present !== this.#newest) this.#sessions.delete(clientId);
      this.#add(session);
    }
    return session;
  }

  /** Whether a stamped command is to be carried out, or what to answer instead: the answer of the first time, or a refusal. */
  admit(stamp: SessionStamp, index: number): Admission | CommandResult {
    const session = this.touch(stamp.clientId, index);
    if (session === undefined) return sessionExpired(stamp.clientId);
    // The floor first: acknowledging makes room, so a full session can always go on.
    raiseFloor(session, stamp.ackFloor);
    if (stamp.sequence <= session.floor) return sessionStale(stamp.sequence, session.floor);
    const answer = session.answers.get(stamp.sequence);
    if (answer !== undefined) return answer;
    if (session.answers.size >= this.#limits.maxSessionAnswers) return sessionOverflow(this.#limits.maxSessionAnswers);
    return { type: 'admitted', session };
  }

  /** The sessions as they are now, least recently used first; later changes are made to copies. */
  freeze(): readonly Session[] {
    this.#epoch++;
    return [...this.#sessions.values()];
  }
}

/** Notes what was answered. Refusals are noted too, so that a retry hears the same. */
export function recordAnswer(session: Session, sequence: number, answer: CommandResult | CommandError): void {
  session.answers.set(sequence, answer);
}

function raiseFloor(session: Session, floor: number): void {
  if (floor <= session.floor) return;
  if (floor - session.floor <= session.answers.size) {
    for (let sequence = session.floor + 1; sequence <= floor; sequence++) session.answers.delete(sequence);
  } else {
    // A wide step over few answers: look at those rather than at each number in between.
    for (const sequence of session.answers.keys()) if (sequence <= floor) session.answers.delete(sequence);
  }
  session.floor = floor;
}
