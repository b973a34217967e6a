// From an applied log to the truth: carries the log's commands out anew and holds every recorded answer against it. What is refused
// or repeated must have changed nothing: a write takes effect once for each stamp. Called by the other checkers' users first.
import type { CommandResult } from '@raftkv/kv';
import { agrees, describe } from './agree.ts';
import type { AppliedEntry, Write } from './history.ts';
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

export function truthOfLog(log: readonly AppliedEntry[]): LogTruth {
  const truth = new Truth();
  const effects: (Effect | undefined)[] = [undefined, undefined];
  const answers = new Map<string, AppliedEntry>();
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
    const problem = take(truth, answers, entry);
    if (problem !== undefined) return wrong(problem);
    if (entry.revision !== truth.revision)
      return wrong(`the store came to revision ${entry.revision}, and it should be ${truth.revision}`);
    if (truth.revision === before) continue;
    const command = entry.envelope.command as Write;
    effects.push({ entry, command, identity: identityOf(command), revision: truth.revision });
  }
  return { truth, effects, verdict: holds(PROMISE) };
}

/** Carries one entry out. Answers what is wrong with it. */
function take(truth: Truth, answers: Map<string, AppliedEntry>, entry: AppliedEntry): string | undefined {
  const { session, command } = entry.envelope;
  const { result } = entry;
  const stamp = session === undefined ? undefined : `${session.clientId} ${session.sequence}`;
  const first = stamp === undefined ? undefined : answers.get(stamp);
  // The session is gone or past this sequence, or full: not carried out, now or ever again under this stamp if it was before.
  if (result.type === 'error' && result.code.startsWith('session_')) return undefined;
  if (first !== undefined) return repeated(first.result, result);
  if (stamp !== undefined) answers.set(stamp, entry);
  if (command.type === 'openSession' || command.type === 'keepAlive' || command.type === 'closeSession')
    return undefined;
  if (result.type === 'error') return undefined;
  const outcome = truth.apply(command);
  return agrees(result, outcome) && agrees(outcome, result)
    ? undefined
    : `it answered ${describe(result)}, and it should be ${describe(outcome)}`;
}

function repeated(first: CommandResult, result: CommandResult): string | undefined {
  return agrees(result, first) && agrees(first, result)
    ? undefined
    : `a retry was answered ${describe(result)}, the first time ${describe(first)}`;
}
