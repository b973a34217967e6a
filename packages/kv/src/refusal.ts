// The refusals as values, each made in one place, so that its words are the same on every replica: a refusal given
// under a session is replicated state. Plain ASCII, and nothing of a client's data in them.
import type { CommandError, CommandErrorCode } from './command.ts';

function refuse(code: CommandErrorCode, message: string): CommandError {
  return { type: 'error', code, message };
}

export function invalidArgument(message: string): CommandError {
  return refuse('invalid_argument', message);
}

export function compacted(revision: number, compactedRevision: number): CommandError {
  const message = `revision ${revision} has been compacted; the oldest one kept is ${compactedRevision}`;
  return { type: 'error', code: 'compacted', message, compactedRevision };
}

export function futureRevision(revision: number, newest: number): CommandError {
  return refuse('future_revision', `revision ${revision} is yet to come; the newest is ${newest}`);
}

export function duplicateKey(): CommandError {
  return refuse('duplicate_key', 'a key is written more than once');
}

export function sessionExpired(clientId: number): CommandError {
  return refuse('session_expired', `there is no session ${clientId}; it was closed or evicted`);
}

export function sessionStale(sequence: number, floor: number): CommandError {
  return refuse(
    'session_stale',
    `sequence ${sequence} is not above ${floor}, which the client said it had the answers up to`,
  );
}

export function sessionOverflow(answers: number, bytes: number): CommandError {
  const held = `${answers} answers of ${bytes} bytes`;
  return refuse('session_overflow', `the session holds ${held} that the client has not acknowledged`);
}
