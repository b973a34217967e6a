// What the published specification of Raft remembers beside its members: who stood, who voted, who led and with which log, what was committed. Written by
// spec-trace.ts, read by the rules about steps (spec-steps.ts, spec-log-steps.ts) and about messages (spec-messages.ts).
import type { Configuration, Entry, Input, PeerId } from '@raftkv/raft';
import type { DurableState, LogEntry, LogView, MemberState } from './cluster-events.ts';

/** One member, without what its disk holds: that is asked for. */
export type SpecMember = Omit<MemberState, 'durable'>;

/** From one state of a member to the next. */
export interface SpecStep {
  readonly before: SpecMember;
  readonly after: SpecMember;
  /** Undefined: what the member did when it was asked what it wants done. */
  readonly input: Input | undefined;
}

export interface Candidacy {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** What each disk holds for certain; undefined: it is lost, with all that it held. */
export type Disks = (id: PeerId) => DurableState | undefined;

export class SpecGhosts {
  readonly disks: Disks;
  /** By term, by candidate. */
  readonly candidacies = new Map<number, Map<PeerId, Candidacy>>();
  /** Terms in which a process stood whose place another one had taken: nobody may vote for it, but a term may be heard of that began so. */
  readonly termsBehind = new Set<number>();
  /** Votes that were given, and those of them that came in: by term and candidate. */
  readonly given = new Map<string, Set<PeerId>>();
  readonly received = new Map<string, Set<PeerId>>();
  readonly leaders = new Map<number, PeerId>();
  /** As its leader has it, or had it last. */
  readonly leaderLogs = new Map<number, LogView>();
  /** By index; nothing at 0. */
  readonly committed: LogEntry[] = [];
  /** Up to where a member's log was told to be that of the leader of its term. */
  readonly verified = new Map<PeerId, { readonly term: number; readonly index: number }>();

  constructor(disks: Disks) {
    this.disks = disks;
  }

  get commitIndex(): number {
    return Math.max(0, this.committed.length - 1);
  }
}

/** A rule of the specification that a step or a message breaks. */
export class SpecBroken extends Error {
  readonly rule: string;
  constructor(rule: string, explanation: string) {
    super(explanation);
    this.rule = rule;
  }
}

export function ballot(term: number, candidate: PeerId): string {
  return `${term} ${candidate}`;
}

export function addTo(votes: Map<string, Set<PeerId>>, term: number, candidate: PeerId, voter: PeerId): void {
  const key = ballot(term, candidate);
  const set = votes.get(key);
  if (set === undefined) votes.set(key, new Set([voter]));
  else set.add(voter);
}

export function lastIndexOf(log: LogView): number {
  return log.compactedIndex + log.entries.length;
}

export function lastTermOf(log: LogView): number {
  return log.entries.at(-1)?.term ?? log.compactedTerm;
}

export function entryAt(log: LogView, index: number): LogEntry | undefined {
  return log.entries[index - log.compactedIndex - 1];
}

/** Undefined where it is compacted away or not there. */
export function termAt(log: LogView, index: number): number | undefined {
  return index === log.compactedIndex ? log.compactedTerm : entryAt(log, index)?.term;
}

/** The log holds that entry; what is compacted is taken to. */
export function holdsEntry(log: LogView, index: number, term: number | undefined): boolean {
  if (index > lastIndexOf(log)) return false;
  return index < log.compactedIndex || term === undefined || termAt(log, index) === term;
}

export function isSameEntry(a: LogEntry | undefined, b: LogEntry | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.index === b.index && a.term === b.term && a.digest === b.digest;
}

export function isVoter({ voters, votersOutgoing }: Configuration, id: PeerId): boolean {
  return voters.includes(id) || votersOutgoing.includes(id);
}

const digested = new WeakMap<Entry, LogEntry>();

/** The same object for the same one. */
export function logEntryOf(entry: Entry): LogEntry {
  let known = digested.get(entry);
  if (known === undefined) digested.set(entry, (known = new DigestedEntry(entry)));
  return known;
}

/** Most are compared by who they are: the digest is made when it is asked for. */
class DigestedEntry implements LogEntry {
  readonly index: number;
  readonly term: number;
  readonly #entry: Entry;
  #digest: string | undefined;

  constructor(entry: Entry) {
    this.#entry = entry;
    this.index = entry.index;
    this.term = entry.term;
  }

  get digest(): string {
    return (this.#digest ??= `${this.#entry.kind} ${digestOf(this.#entry.data)}`);
  }
}

function digestOf(data: Uint8Array): string {
  let [first, second] = [0x811c9dc5, data.length];
  for (const byte of data) {
    first = Math.imul(first ^ byte, 0x01000193);
    second = (Math.imul(second, 31) + byte) | 0;
  }
  return `${(first >>> 0).toString(16)}-${(second >>> 0).toString(16)}-${data.length}`;
}
