// Exactly once, and durable: each acknowledged write took effect once, one of unknown outcome at most once, a refused one never,
// and what took effect is there at the end or overwritten later. Judged by the log (log-truth.ts) and by what members hold at the end.
import type { KeyValue } from '@raftkv/kv';
import { agrees, describe } from './agree.ts';
import { isRead, name } from './history.ts';
import type { ClientOperation, Write } from './history.ts';
import type { LogTruth } from './log-truth.ts';
import { toldEffect } from './told-effect.ts';
import { identityOf } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

interface Asked {
  readonly operation: ClientOperation;
  readonly request: Write;
  readonly identity: string;
}

export interface ExactlyOnceOptions {
  /** All writes of the run are among the operations: an effect that nobody asked for is an invention. Default false. */
  readonly isComplete?: boolean;
}

export function checkExactlyOnce(
  operations: readonly ClientOperation[],
  log: LogTruth,
  options: ExactlyOnceOptions = {},
): Verdict {
  if (log.verdict.verdict !== 'holds') return log.verdict;
  const asked = operations.flatMap((operation): Asked[] => {
    const { request } = operation;
    return isRead(request) ? [] : [{ operation, request, identity: identityOf(request) }];
  });
  const wrong = wrongStamp(asked, log) ?? wrongCount(asked, log, options.isComplete ?? false);
  return wrong === undefined ? holds('exactly once') : violation('exactly once', wrong);
}

/** Where the stamp is known, the log says what became of it. */
function wrongStamp(asked: readonly Asked[], log: LogTruth): string | undefined {
  const effects = new Map<string, NonNullable<LogTruth['effects'][number]>>();
  for (const effect of log.effects) {
    const session = effect?.entry.envelope.session;
    if (effect !== undefined && session !== undefined) effects.set(`${session.clientId} ${session.sequence}`, effect);
  }
  for (const { operation, identity } of asked) {
    const { stamp, outcome, answer } = operation;
    if (stamp === undefined) continue;
    const effect = effects.get(`${stamp.clientId} ${stamp.sequence}`);
    if (effect !== undefined && effect.identity !== identity)
      return `${name(operation)} was stamped ${describe(stamp)}, under which entry ${effect.entry.index} is ${effect.identity}`;
    if (outcome === 'refused' && effect !== undefined)
      return `${name(operation)} was refused, and took effect at revision ${effect.revision}`;
    if (outcome !== 'answered') continue;
    const told = toldEffect(answer!);
    if (told === true && effect === undefined)
      return `${name(operation)} was answered ${describe(answer)}, and never took effect`;
    if (told === false && effect !== undefined)
      return `${name(operation)} was answered ${describe(answer)}, and took effect at revision ${effect.revision}`;
    if (effect !== undefined && !agrees(answer, effect.entry.result))
      return `${name(operation)} was answered ${describe(answer)}, the log has ${describe(effect.entry.result)}`;
  }
  return undefined;
}

interface Count {
  operation: ClientOperation | undefined;
  atLeast: number;
  atMost: number;
  readonly revisions: number[];
}

/** Of each command: as many effects as were acknowledged at least, as were not refused at most. */
function wrongCount(asked: readonly Asked[], log: LogTruth, isComplete: boolean): string | undefined {
  const counts = new Map<string, Count>();
  const countOf = (identity: string): Count => {
    let count = counts.get(identity);
    if (count === undefined)
      counts.set(identity, (count = { operation: undefined, atLeast: 0, atMost: 0, revisions: [] }));
    return count;
  };
  for (const { operation, identity } of asked) {
    const count = countOf(identity);
    count.operation ??= operation;
    const told = operation.outcome === 'answered' ? toldEffect(operation.answer!) : undefined;
    if (told === true) count.atLeast++;
    if (told !== false && operation.outcome !== 'refused') count.atMost++;
  }
  for (const effect of log.effects) if (effect !== undefined) countOf(effect.identity).revisions.push(effect.revision);
  for (const [identity, { operation, atLeast, atMost, revisions }] of counts) {
    const found = `took effect ${revisions.length} times (revisions ${revisions.join() || 'none'})`;
    if (operation === undefined) {
      if (isComplete) return `${identity} ${found}, and nobody asked for it`;
    } else if (revisions.length < atLeast) return `${name(operation)} was acknowledged ${atLeast} times, and ${found}`;
    else if (revisions.length > atMost) return `${name(operation)} may have happened ${atMost} times, and ${found}`;
  }
  return undefined;
}

/** What one member, or a copy of all keys, holds at the end. */
export interface FinalContent {
  readonly holder: string;
  readonly revision: number;
  /** Of all keys, in any order. */
  readonly entries: readonly KeyValue[];
}

/** Every acknowledged write is there or was overwritten by a later revision, on every holder. */
export function checkDurability(
  operations: readonly ClientOperation[],
  log: LogTruth,
  contents: readonly FinalContent[],
): Verdict {
  for (const operation of operations) {
    const { request, outcome, answer } = operation;
    if (outcome !== 'answered' || isRead(request) || toldEffect(answer!) !== true) continue;
    const { revision } = answer!;
    const late = contents.find((content) => revision !== undefined && content.revision < revision);
    if (late !== undefined)
      return violation(
        'durability',
        `${name(operation)} was acknowledged at revision ${revision}; ${late.holder} ends at ${late.revision}`,
      );
    const effect = revision === undefined ? undefined : log.effects[revision];
    if (revision !== undefined && effect?.identity !== identityOf(request))
      return violation(
        'durability',
        `${name(operation)} was acknowledged at revision ${revision}, which is ${effect?.identity ?? 'not there'}`,
      );
  }
  for (const content of contents) {
    const wrong = wrongContent(content, log);
    if (wrong !== undefined) return violation('durability', wrong);
  }
  return holds('durability');
}

function wrongContent({ holder, revision, entries }: FinalContent, { truth }: LogTruth): string | undefined {
  if (revision > truth.revision) return `${holder} is at revision ${revision}, the log ends at ${truth.revision}`;
  const held = new Map(entries.map((entry) => [entry.key, entry]));
  for (const wanted of truth.within({ from: '', to: undefined }, revision)) {
    const found = held.get(wanted.key);
    if (!agrees(wanted, found))
      return `${holder} holds ${describe(found)} at revision ${revision}, and it should be ${describe(wanted)}`;
    held.delete(wanted.key);
  }
  const [extra] = held.values();
  return extra === undefined
    ? undefined
    : `${holder} holds ${describe(extra)} at revision ${revision}, which is not there`;
}
