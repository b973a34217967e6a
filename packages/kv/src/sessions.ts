// The exactly-once table of §6.3: who may write, and what was answered to whom. It is replicated state, decided by log indexes
// alone and part of every snapshot. `store.ts` asks it before and after each command.
import type { CommandResult, KeyValue, SessionStamp, TxnOpResult } from './command.ts';
import { assert } from './assert.ts';
import { sessionExpired, sessionOverflow, sessionStale } from './refusal.ts';

export interface SessionLimits {
  readonly maxSessions: number;
  readonly maxSessionAnswers: number;
  readonly maxSessionAnswerBytes: number;
  readonly maxAnswerBytes: number;
}

export interface Session {
  readonly clientId: number;
  /** Log index of the last command that named this session. */
  lastUsedIndex: number;
  /** The client has the answers to all sequences up to and including this one. */
  floor: number;
  /** By sequence, above the floor, in the order of execution. */
  readonly answers: Map<number, CommandResult>;
  /** Of all of them. */
  answerBytes: number;
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
  /** Of all sessions. */
  #answerBytes = 0;

  /** `sessions`: those of a snapshot, least recently used first. */
  constructor(limits: SessionLimits, sessions: readonly Session[] = []) {
    this.#limits = limits;
    for (const session of sessions) {
      this.#add(session);
      this.#answerBytes += session.answerBytes;
    }
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
    const [answers, epoch] = [new Map<number, CommandResult>(), this.#epoch];
    this.#add({ clientId: index, lastUsedIndex: index, floor: 0, answers, answerBytes: 0, epoch });
  }

  #evictOldest(): void {
    for (const clientId of this.#sessions.keys()) {
      this.close(clientId);
      return;
    }
  }

  /** The least recently used of the largest. */
  #evictLargest(): void {
    let largest: Session | undefined;
    for (const session of this.#sessions.values()) {
      if (largest === undefined || session.answerBytes > largest.answerBytes) largest = session;
    }
    assert(largest !== undefined, 'answers are counted that no session holds');
    this.close(largest.clientId);
  }

  close(clientId: number): boolean {
    this.#answerBytes -= this.#sessions.get(clientId)?.answerBytes ?? 0;
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
    this.#raiseFloor(session, stamp.ackFloor);
    if (stamp.sequence <= session.floor) return sessionStale(stamp.sequence, session.floor);
    const answer = session.answers.get(stamp.sequence);
    if (answer !== undefined) return answer;
    const { maxSessionAnswers, maxSessionAnswerBytes } = this.#limits;
    if (session.answers.size >= maxSessionAnswers || session.answerBytes >= maxSessionAnswerBytes) {
      return sessionOverflow(session.answers.size, session.answerBytes);
    }
    return { type: 'admitted', session };
  }

  #raiseFloor(session: Session, floor: number): void {
    if (floor <= session.floor) return;
    if (floor - session.floor <= session.answers.size) {
      for (let sequence = session.floor + 1; sequence <= floor; sequence++) this.#dropAnswer(session, sequence);
    } else {
      // A wide step over few answers: look at those rather than at each number in between.
      for (const sequence of session.answers.keys()) if (sequence <= floor) this.#dropAnswer(session, sequence);
    }
    session.floor = floor;
  }

  #dropAnswer(session: Session, sequence: number): void {
    const answer = session.answers.get(sequence);
    if (answer === undefined) return;
    session.answers.delete(sequence);
    this.#count(session, -answerBytes(answer));
  }

  /** Notes what was answered. Refusals are noted too, so that a retry hears the same. */
  record(session: Session, sequence: number, answer: CommandResult): void {
    // The command may have closed or evicted the session that it came under.
    if (this.#sessions.get(session.clientId) !== session) return;
    session.answers.set(sequence, answer);
    this.#count(session, answerBytes(answer));
    while (this.#answerBytes > this.#limits.maxAnswerBytes) this.#evictLargest();
  }

  #count(session: Session, bytes: number): void {
    session.answerBytes += bytes;
    this.#answerBytes += bytes;
  }

  /** The sessions as they are now, least recently used first; later changes are made to copies. */
  freeze(): readonly Session[] {
    this.#epoch++;
    return [...this.#sessions.values()];
  }
}

/** What an answer counts for, about what it takes in memory: it may hold all that a transaction read. */
export function answerBytes(answer: CommandResult | TxnOpResult): number {
  switch (answer.type) {
    case 'put':
      return answerOverheadBytes + entryBytes(answer.previous);
    case 'get':
      return answerOverheadBytes + entryBytes(answer.entry);
    case 'delete':
      return answerOverheadBytes + sum(answer.previous ?? [], entryBytes);
    case 'scan':
      return answerOverheadBytes + sum(answer.entries, entryBytes);
    case 'batch':
    case 'txn':
      return answerOverheadBytes + sum<TxnOpResult>(answer.results, answerBytes);
    default:
      return answerOverheadBytes;
  }
}

const answerOverheadBytes = 32;

function entryBytes(entry: KeyValue | undefined): number {
  return entry === undefined ? 0 : answerOverheadBytes + entry.key.length + entry.value.length;
}

function sum<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  let bytes = 0;
  for (const item of items) bytes += bytesOf(item);
  return bytes;
}
