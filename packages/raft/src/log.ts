// The replicated log in memory: one array after a compaction point. Nothing here knows about roles or
// durability (see durability.ts for which part is on disk); callers are every module that reads terms or entries.
import type { Entry } from './entry.ts';
import { assert } from './assert.ts';

/** Added to the length of an entry's data wherever bytes are counted, so that empty entries are not free. */
export const ENTRY_OVERHEAD_BYTES = 32;

export interface RaftLog {
  /** Everything up to and including this index is in a snapshot only. Invariant: 0 for a whole log. */
  compactedIndex: number;
  /** Term of the entry at `compactedIndex`, kept for the consistency check of the entry after it. */
  compactedTerm: number;
  /** Invariant: `entries[i].index === compactedIndex + 1 + i`, and terms never decrease. */
  entries: Entry[];
  /** Sum of entryBytes over `entries`. */
  bytes: number;
}

export interface SliceLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export function createLog(compactedIndex: number, compactedTerm: number, entries: readonly Entry[]): RaftLog {
  const log: RaftLog = { compactedIndex, compactedTerm, entries: [], bytes: 0 };
  for (const entry of entries) appendEntry(log, entry);
  return log;
}

export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

export function lastIndexOf(log: RaftLog): number {
  return log.compactedIndex + log.entries.length;
}

export function lastTermOf(log: RaftLog): number {
  const last = log.entries.length - 1;
  return last < 0 ? log.compactedTerm : log.entries[last]!.term;
}

/** The term at `index`; undefined before the compaction point and after the end. */
export function termAt(log: RaftLog, index: number): number | undefined {
  if (index === log.compactedIndex) return log.compactedTerm;
  return entryAt(log, index)?.term;
}

export function entryAt(log: RaftLog, index: number): Entry | undefined {
  const position = index - log.compactedIndex - 1;
  return position >= 0 && position < log.entries.length ? log.entries[position] : undefined;
}

/** §3.6.1: whether a log that ends with (`lastTerm`, `lastIndex`) is at least as up to date as this one. The term decides first. */
export function isUpToDate(log: RaftLog, lastTerm: number, lastIndex: number): boolean {
  const ownTerm = lastTermOf(log);
  return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= lastIndexOf(log));
}

export function appendEntry(log: RaftLog, entry: Entry): void {
  assert(entry.index === lastIndexOf(log) + 1, () => `log: entry ${entry.index} after ${lastIndexOf(log)}`);
  assert(entry.term >= lastTermOf(log), () => `log: term ${entry.term} at ${entry.index} after ${lastTermOf(log)}`);
  log.entries.push(entry);
  log.bytes += entryBytes(entry);
}

/** Drops the entry at `index` and all after it. The caller has made sure that none of them is committed. */
export function truncateFrom(log: RaftLog, index: number): void {
  assert(index > log.compactedIndex, () => `log: truncation at ${index}, compacted to ${log.compactedIndex}`);
  const keep = index - log.compactedIndex - 1;
  for (let i = keep; i < log.entries.length; i++) log.bytes -= entryBytes(log.entries[i]!);
  log.entries.length = Math.min(log.entries.length, keep);
}

/** Drops the entries up to and including `index`, remembering the last one's term. */
export function compactLog(log: RaftLog, index: number): void {
  const term = termAt(log, index);
  assert(term !== undefined, () => `log: compaction to ${index}, held ${log.compactedIndex}..${lastIndexOf(log)}`);
  const dropped = log.entries.splice(0, index - log.compactedIndex);
  for (const entry of dropped) log.bytes -= entryBytes(entry);
  log.compactedIndex = index;
  log.compactedTerm = term;
}

/** Replaces the whole log by a snapshot's end. */
export function resetLog(log: RaftLog, index: number, term: number): void {
  log.compactedIndex = index;
  log.compactedTerm = term;
  log.entries = [];
  log.bytes = 0;
}

/** Entries `from`..`to` within the limits, but always at least one. */
export function sliceLog(log: RaftLog, from: number, to: number, limits: SliceLimits): Entry[] {
  const start = from - log.compactedIndex - 1;
  const most = Math.min(to - log.compactedIndex, start + limits.maxEntries);
  assert(start >= 0 && most <= log.entries.length, () => `log: slice ${from}..${to} of ${describeLog(log)}`);
  let bytes = 0;
  let end = start;
  while (end < most) {
    bytes += entryBytes(log.entries[end]!);
    if (bytes > limits.maxBytes && end > start) break;
    end++;
  }
  return log.entries.slice(start, end);
}

/**
 * The largest index up to `index` whose term is at most `term`, or the compaction point. Both ends of a
 * rejected AppendEntries use it to skip a whole term per round trip (§3.5). Terms never decrease, so halving finds it.
 */
export function lastIndexWithTermAtMost(log: RaftLog, index: number, term: number): number {
  let low = log.compactedIndex;
  let high = Math.min(index, lastIndexOf(log));
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2);
    if (termAt(log, middle)! <= term) low = middle;
    else high = middle - 1;
  }
  return low;
}

function describeLog(log: RaftLog): string {
  return `${log.compactedIndex + 1}..${lastIndexOf(log)}`;
}
