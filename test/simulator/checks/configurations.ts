// The members as the committed entries tell them: which configurations may follow each other (§4.3), ids that are given once, who is gone for good; and
// those that some log holds and that may count one day. Worked out from the bytes of entries, never from what a core made of them.
import type { Configuration, Entry, PeerId } from '@raftkv/raft';
import { decodeConfiguration } from '@raftkv/wire';
import { isQuorum, quorumsOf } from '../../checkers/quorums.ts';
import { Violation } from '../world/violation.ts';

export interface Held {
  readonly index: number;
  readonly configuration: Configuration;
}

const promise = 'configurations follow each other';

export class Configurations {
  #history: Held[] = [];
  /** By index and term: those that somebody's log was seen to hold. */
  readonly #proposed = new Map<string, Held>();
  readonly #known = new Set<PeerId>();
  readonly #storeIds = new Set<string>();

  found(configuration: Configuration): void {
    this.#history = [{ index: 0, configuration }];
    for (const id of idsOf(configuration)) this.#known.add(id);
  }

  /** The newest committed one. */
  get latest(): Held {
    return this.#history.at(-1)!;
  }

  /** The newest committed one at or before `index`. */
  asOf(index: number): Configuration {
    return this.#history.findLast((held) => held.index <= index)!.configuration;
  }

  /** It was a member for certain, and is none any more. */
  isGone(id: PeerId): boolean {
    return this.#known.has(id) && !idsOf(this.latest.configuration).has(id);
  }

  isMember(id: PeerId): boolean {
    return idsOf(this.latest.configuration).has(id);
  }

  /** Whether a member with this storage was ever let in. */
  knowsStore(storeId: string): boolean {
    return this.#storeIds.has(storeId);
  }

  /** An entry is in a log: it may be committed one day. */
  noteProposed({ index, term, data }: Entry): void {
    const key = `${index}/${term}`;
    if (!this.#proposed.has(key)) this.#proposed.set(key, { index, configuration: decodeConfiguration(data) });
  }

  /** All that may yet count: the newest that is committed, and those that stand behind all that is. */
  pending(lastIndex: number): readonly Configuration[] {
    for (const [key, { index }] of this.#proposed) if (index <= lastIndex) this.#proposed.delete(key);
    return [this.latest.configuration, ...[...this.#proposed.values()].map((held) => held.configuration)];
  }

  /** An entry that changes the members is committed. */
  commit({ index, data }: Entry): void {
    const next = decodeConfiguration(data);
    const { configuration: before } = this.latest;
    const broken = (what: string): never => {
      throw new Violation(promise, `${what} at ${index}: ${describe(before)}, then ${describe(next)}`);
    };
    const parted = findParted(before, next);
    if (parted !== undefined) broken(`${parted.join(' ')} and those without them both decide`);
    const isLeaving = before.votersOutgoing.length > 0;
    if (isLeaving && next.votersOutgoing.length > 0) broken('a change upon a change');
    if (isLeaving && !isSame(before.voters, next.voters)) broken('voters that nobody asked for');
    this.#checkIds(index, next, broken);
    this.#history.push({ index, configuration: next });
  }

  /** T24: an id is made of the index of its entry, so none is given twice; and who is gone does not come back. */
  #checkIds(index: number, next: Configuration, broken: (what: string) => never): void {
    for (const id of idsOf(next)) {
      if (this.isGone(id)) broken(`${id} is a member again`);
      if (!this.#known.has(id) && Number.parseInt(id.slice(2), 16) !== index) broken(`${id} is not of this entry`);
    }
    for (const id of idsOf(next)) this.#known.add(id);
    for (const { storeId } of next.members ?? []) if (storeId !== undefined) this.#storeIds.add(storeId);
  }
}

/** A quorum of the one that leaves a quorum of the other without any of its own: both could decide, and not know of each other. */
function findParted(one: Configuration, two: Configuration): readonly PeerId[] | undefined {
  const voters = new Set([...two.voters, ...two.votersOutgoing]);
  for (const quorum of quorumsOf(one, idsOf(one))) {
    const rest = new Set([...voters].filter((id) => !quorum.has(id)));
    if (isQuorum(two, rest)) return [...quorum];
  }
  return undefined;
}

export function idsOf({ voters, votersOutgoing, learners }: Configuration): Set<PeerId> {
  return new Set([...voters, ...votersOutgoing, ...learners]);
}

function isSame(one: readonly PeerId[], two: readonly PeerId[]): boolean {
  return one.toSorted().join() === two.toSorted().join();
}

export function describe({ voters, votersOutgoing, learners }: Configuration): string {
  const outgoing = votersOutgoing.length === 0 ? '' : ` from ${votersOutgoing.join(' ')}`;
  return `${voters.join(' ')}${outgoing}, learners ${learners.join(' ') || 'none'}`;
}
