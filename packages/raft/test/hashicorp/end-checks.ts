// What hashicorp/raft's fuzzy tests check when a run has come to rest: all logs are equal and in order, everything that was
// acknowledged stands where it was said to stand, all state machines saw one sequence. Pure; fuzz-cluster.ts is the caller.
import type { AppliedEntry } from '../member.ts';
import type { Entry } from '../../src/index.ts';
import { textOf } from '../member.ts';

/** What is left of a member in the end. */
export interface Remains {
  readonly id: string;
  readonly entries: readonly Entry[];
  readonly applied: readonly AppliedEntry[];
}

/** A command whose proposer was told that it is committed. */
export interface Acknowledged {
  readonly text: string;
  readonly index: number;
  readonly term: number;
}

/** What is wrong, a line each. */
export function findWrongs(members: readonly Remains[], acknowledged: readonly Acknowledged[]): string[] {
  const [first, ...others] = members;
  if (first === undefined) return ['nobody is left'];
  const wrongs = members.flatMap(disorderOf);
  const log = first.entries.map(wordOf);
  const sequence = first.applied.map(sequenceWordOf);
  for (const { id, entries, applied } of others) {
    const logDiffers = firstDifference(log, entries.map(wordOf));
    if (logDiffers !== undefined) wrongs.push(`the logs of ${first.id} and ${id} differ: ${logDiffers}`);
    const sequenceDiffers = firstDifference(sequence, applied.map(sequenceWordOf));
    if (sequenceDiffers !== undefined) wrongs.push(`${first.id} and ${id} applied differently: ${sequenceDiffers}`);
  }
  if (sequence.length !== log.length) wrongs.push(`${first.id} applied ${sequence.length} of ${log.length} entries`);
  for (const { text, index, term } of acknowledged) {
    const word = `${index}/${term} command ${text}`;
    if (log[index - 1] !== word) wrongs.push(`acknowledged ${word}, found ${log[index - 1]}`);
  }
  return wrongs;
}

function disorderOf({ id, entries }: Remains): string[] {
  return entries.flatMap(({ index, term }, i) => {
    if (index !== i + 1) return [`${id} has ${index} at ${i + 1}`];
    if (i > 0 && term < entries[i - 1]!.term) return [`${id}: term ${term} at ${index} after ${entries[i - 1]!.term}`];
    return [];
  });
}

function firstDifference(one: readonly string[], two: readonly string[]): string | undefined {
  const length = Math.max(one.length, two.length);
  for (let i = 0; i < length; i++) if (one[i] !== two[i]) return `${one[i]} and ${two[i]}`;
  return undefined;
}

function wordOf({ index, term, kind, data }: Entry): string {
  return `${index}/${term} ${kind} ${textOf(data)}`;
}

function sequenceWordOf({ index, term, text }: AppliedEntry): string {
  return `${index}/${term} ${text}`;
}
