// The last word on a run: the whole history of all clients, held against the log by the checkers of `test/checkers`. What can be seen while it happens was
// checked then; here is what takes the whole: exactly once, linearizability of every kind of request, the guarantees of sessions, durability, and the
// nine promises of a watch.
import { checkDurability, checkExactlyOnce } from '../../checkers/exactly-once.ts';
import type { FinalContent } from '../../checkers/exactly-once.ts';
import { isRead } from '../../checkers/history.ts';
import type { AppliedEntry, ClientOperation, WatchRecord, Write } from '../../checkers/history.ts';
import { checkLinearizableByLog } from '../../checkers/linearizable-log.ts';
import { truthOfLog } from '../../checkers/log-truth.ts';
import { checkSessions } from '../../checkers/session-guarantees.ts';
import type { Verdict } from '../../checkers/verdict.ts';
import { checkWatch } from '../../checkers/watch.ts';
import { decodeCommand, encodeCommand } from '@raftkv/wire';
import { Violation } from '../world/violation.ts';
import type { Canon } from './canon.ts';

/** Throws the first Violation. */
export function judge(
  canon: Canon,
  recorded: readonly ClientOperation[],
  contents: readonly FinalContent[],
  watches: readonly WatchRecord[],
): void {
  const applied = canon.entries.flatMap(({ entry, envelope, result, revision }): AppliedEntry[] => {
    if (envelope === undefined || result === undefined) return [];
    return [{ index: entry.index, envelope, result, revision }];
  });
  const log = truthOfLog(applied, canon.limits);
  const operations = recorded.map(asLogged);
  mustHold(log.verdict);
  mustHold(checkExactlyOnce(operations, log, { isComplete: true }));
  mustHold(checkLinearizableByLog(operations, log));
  mustHold(checkSessions(operations, log.truth));
  mustHold(checkDurability(operations, log, contents));
  for (const watch of watches) mustHold(checkWatch(watch, log.truth));
}

/** Writes as they read in the log, where what a request leaves out is filled in. */
function asLogged(operation: ClientOperation): ClientOperation {
  const { request } = operation;
  if (isRead(request)) return operation;
  const { command } = decodeCommand(encodeCommand({ session: undefined, command: request }));
  return { ...operation, request: command as Write };
}

function mustHold({ verdict, promise, explanation }: Verdict): void {
  if (verdict !== 'holds') throw new Violation(promise, explanation);
}
