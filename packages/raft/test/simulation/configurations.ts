// Who counts, worked out a second time: from the bytes in a member's log and snapshot, and from what was committed, never from what the core
// made of them. And the life of the members: which configurations may follow each other (§4.3), ids that are given once,
// and those that are gone for good. Called by checks.ts, and by the changes and the liveness phase, which must know who counts.
import type { Configuration } from '../../src/index.ts';
import { type Member, jsonCodec } from '../member.ts';
import { stateOf } from '../../src/raft.ts';

export interface Held {
  readonly index: number;
  readonly configuration: Configuration;
}

function voterIds({ voters, votersOutgoing }: Configuration): Set<string> {
  return new Set([...voters, ...votersOutgoing]);
}
export function memberIds(configuration: Configuration): Set<string> {
  return new Set([...voterIds(configuration), ...configuration.learners]);
}

/** A majority of each half. */
export function isQuorumOf({ voters, votersOutgoing }: Configuration, has: (id: string) => boolean): boolean {
  return [voters, votersOutgoing].every((half) => half.length === 0 || half.filter(has).length * 2 > half.length);
}

/** §4.1: the newest one in the log, committed or not; of entries below `term` only, for who wants to know as whom it was elected. */
export function newestIn(member: Member, term = Infinity): Held {
  const { log, snapshot } = stateOf(member.raft);
  const base = baseOf(member, snapshot.latest);
  for (let i = log.entries.length - 1; i >= 0; i--) {
    const { index, kind, data, term: entryTerm } = log.entries[i]!;
    if (index <= base.index) break;
    if (kind === 'configuration' && entryTerm < term) return { index, configuration: jsonCodec.decode(data) };
  }
  return base;
}

function baseOf(member: Member, latest: { lastIncludedIndex: number; configuration: Configuration } | undefined): Held {
  const { configuration, configurationIndex } = member;
  if (latest === undefined || latest.lastIncludedIndex < configurationIndex) {
    return { index: configurationIndex, configuration };
  }
  return { index: latest.lastIncludedIndex, configuration: latest.configuration };
}

/** Every configuration that was ever committed, as the entries are. */
export class Configurations {
  #latest: Held;
  readonly #known: Set<string>;
  /** By id: the term in which the removal was committed. */
  readonly #gone = new Map<string, number>();
  /** Changes of voters that were gone through to the end, and those of learners and records. */
  readonly counts = { joint: 0, simple: 0 };

  constructor(founding: Configuration) {
    this.#latest = { index: 0, configuration: founding };
    this.#known = memberIds(founding);
  }

  get latest(): Held {
    return this.#latest;
  }
  /** It was a member, and is none for ever: for sure, or since before `term`. */
  isGone(id: string, term = Infinity): boolean {
    return (this.#gone.get(id) ?? Infinity) < term;
  }

  /** The entry at `index` is committed. Throws if it could not honestly follow. */
  commit(index: number, data: Uint8Array, term: number): void {
    const next = jsonCodec.decode(data);
    const { configuration: before } = this.#latest;
    const isLeaving = before.votersOutgoing.length > 0;
    if (isLeaving) checkLeave(before, next);
    else if (next.votersOutgoing.length > 0) checkSame('outgoing voters', before.voters, next.votersOutgoing);
    else checkSame('voters', before.voters, next.voters);
    if (next.learners.some((id) => voterIds(next).has(id))) throw new Error(`a learner votes at ${index}`);
    this.#checkIds(index, next, term);
    if (next.votersOutgoing.length === 0) this.counts[isLeaving ? 'joint' : 'simple']++;
    this.#latest = { index, configuration: next };
  }

  #checkIds(index: number, next: Configuration, term: number): void {
    const ids = memberIds(next);
    for (const id of ids) {
      if (this.#gone.has(id)) throw new Error(`the id ${id} is used again at ${index}`);
      if (!this.#known.has(id) && Number.parseInt(id.slice(2), 16) !== index) {
        throw new Error(`${index} gives the id ${id}, which is not its own`);
      }
      this.#known.add(id);
    }
    for (const id of this.#known) if (!ids.has(id) && !this.#gone.has(id)) this.#gone.set(id, term);
  }
}

/** §4.3: out of a joint configuration there is one way. */
function checkLeave(joint: Configuration, next: Configuration): void {
  if (next.votersOutgoing.length > 0) throw new Error('a change upon a change');
  checkSame('voters', joint.voters, next.voters);
  checkSame('learners', [...joint.learners, ...(joint.learnersNext ?? [])], next.learners);
}

function checkSame(what: string, one: readonly string[], two: readonly string[]): void {
  const [a, b] = [one.toSorted().join(' '), two.toSorted().join(' ')];
  if (a !== b) throw new Error(`${what} go from ${a} to ${b} at once`);
}
