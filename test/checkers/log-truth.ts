// From an applied log to the truth: carries the log's commands out anew and holds every recorded answer against it. What is refused
// or repeated must have changed nothing, and be refused for a reason that the log shows: a write takes effect once for each stamp. Called by the other
// checkers' users first.
import type { CommandErrorCode, CommandResult } from '@raftkv/kv';
import { agrees, describe } from './agree.ts';
import type { AppliedEntry, Write } from './history.ts';
import { refusalOf } from './refusals.ts';
import { SessionTruth } from './session-truth.ts';
import { Truth, identityOf } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** One command of the log that changed something, by the revision that it made. */
export interface Effect {
  readonly entry: AppliedEntry;
  readonly command: Write;
  readonly identity: string;
  readonly revision: number;
}

/** The truth as the log tells it. */
export interface LogTruth {
  readonly truth: Truth;
  /** By revision; nothing at 0 and 1. */
  readonly effects: readonly (Effect | undefined)[];
  /** Whether the log is in itself right. */
  readonly verdict: Verdict;
}

const PROMISE = 'exactly once';

/** Of the store that applied the log: when it forgets. Its defaults. */
export interface StoreLimits {
  readonly maxSessions?: number;
  readonly retainedRevisions?: number;
}

/** The whole log, from the first entry on. */
export function truthOfLog(log: readonly AppliedEntry[], limits: StoreLimits = {}): LogTruth {
  const replay = new Replay(limits);
  const { truth } = replay;
  const effects: (Effect | undefined)[] = [undefined, undefined];
  let index = 0;
  for (const entry of log) {
    const wrong = (text: string): LogTruth => ({
      truth,
      effects,
      verdict: violation(PROMISE, `entry ${entry.index}, ${describe(entry.envelope)}: ${text}`),
    });
    if (entry.index <= index) return wrong(`it comes after entry ${index}`);
    index = entry.index;
    const before = truth.revision;
    const problem = replay.take(entry);
    if (problem !== undefined) return wrong(problem);
    if (entry.revision !== truth.revision)
      return wrong(`the store came to revision ${entry.revision}, and it should be ${truth.revision}`);
    if (truth.revision === before) continue;
    const command = entry.envelope.command as Write;
    effects.push({ entry, command, identity: identityOf(command), revision: truth.revision });
  }
  return { truth, effects, verdict: holds(PROMISE) };
}

class Replay {
  readonly truth = new Truth();
  readonly #sessions: SessionTruth;
  readonly #retainedRevisions: number;
  #compactedRevision = 0;

  constructor({ maxSessions = 10_000, retainedRevisions = 10_000 }: StoreLimits) {
    this.#sessions = new SessionTruth(maxSessions);
    this.#retainedRevisions = retainedRevisions;
  }

  /** Carries one entry out. Answers what is wrong with it. */
  take(entry: AppliedEntry): string | undefined {
    const { result } = entry;
    const ruling = this.#sessions.rule(entry.envelope);
    if (ruling.type === 'refused') return refusedWith(ruling.code, result);
    if (ruling.type === 'retry') return repeated(ruling.first.result, result);
    const problem = this.#carryOut(entry);
    this.#sessions.note(entry);
    return problem;
  }

  #carryOut({ index, envelope: { command }, result }: AppliedEntry): string | undefined {
    switch (command.type) {
      case 'openSession':
        this.#sessions.open(index);
        return answeredWith({ type: 'session', clientId: index }, result);
      case 'keepAlive':
        return ofSession(command.clientId, this.#sessions.keepAlive(command.clientId), result);
      case 'closeSession':
        return ofSession(command.clientId, this.#sessions.close(command.clientId), result);
      default:
        return this.#write(command, result);
    }
  }

  #write(command: Write, result: CommandResult): string | undefined {
    const { truth } = this;
    const { revision } = truth;
    const code = refusalOf(command, truth, { revision, compactedRevision: this.#compactedRevision });
    if (code !== undefined) return refusedWith(code, result);
    const outcome = truth.apply(command);
    const forgotten = command.type === 'compact' ? command.revision : truth.revision - this.#retainedRevisions + 1;
    if (command.type === 'compact' || truth.revision > revision)
      this.#compactedRevision = Math.max(this.#compactedRevision, forgotten);
    return answeredWith(outcome, result);
  }
}

function answeredWith(outcome: CommandResult, result: CommandResult): string | undefined {
  return agrees(result, outcome) && agrees(outcome, result)
    ? undefined
    : `it answered ${describe(result)}, and it should be ${describe(outcome)}`;
}

/** The words are the store's own. */
function refusedWith(code: CommandErrorCode, result: CommandResult): string | undefined {
  return result.type === 'error' && result.code === code
    ? undefined
    : `it answered ${describe(result)}, and it should be refused with ${code}`;
}

function ofSession(clientId: number, isOpen: boolean, result: CommandResult): string | undefined {
  return isOpen ? answeredWith({ type: 'session', clientId }, result) : refusedWith('session_expired', result);
}

function repeated(first: CommandResult, result: CommandResult): string | undefined {
  return agrees(result, first) && agrees(first, result)
    ? undefined
    : `a retry was answered ${describe(result)}, the first time ${describe(first)}`;
}
