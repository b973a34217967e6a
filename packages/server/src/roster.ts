// Who is who, as this member knows it: the records in the configuration that is in force and in the newest one that is certain, and for founders that
// have no record yet what they were founded with. Told by the replica; asked by the doors, the mesh's keeper and the registry of storages.
import type { Configuration, Member, PeerId } from '@raftkv/raft';
import { beyondIndexes, indexOf } from './identity.ts';
import type { FoundingMember } from './identity.ts';

/** What the core says of the members. */
export interface RosterState {
  readonly active: Configuration;
  readonly committed: Configuration;
  /** Of the entry that holds the committed one; 0 = as founded. */
  readonly committedIndex: number;
}

export type Founder = FoundingMember & { readonly id: PeerId };

export class Roster {
  readonly #founders: readonly Founder[];
  readonly #listeners = new Set<() => void>();
  #state: RosterState;
  #members: readonly Member[];

  /** `founders`: as far as they are known; none, for who joined later. */
  constructor(founders: readonly Founder[], state: RosterState) {
    this.#founders = founders;
    this.#state = state;
    this.#members = this.#list();
  }

  get state(): RosterState {
    return this.#state;
  }

  /** All of both configurations, sorted by id. */
  get members(): readonly Member[] {
    return this.#members;
  }

  update(state: RosterState): void {
    this.#state = state;
    this.#members = this.#list();
    for (const listener of this.#listeners) listener();
  }

  /** Told after each change. Answers the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(id: PeerId | undefined): Member | undefined {
    return this.#members.find((member) => member.id === id);
  }

  /** By id, else by name. */
  find(word: string): Member | undefined {
    return this.get(word) ?? this.#members.find(({ name }) => name === word);
  }

  /**
   * Whether this one was a member and is none any more, for certain. No list is needed: an id that the log gave is made of the index of its entry, so
   * one that is missing from a configuration as of a later index was removed, and so was a founder that is missing.
   */
  wasRemoved(id: PeerId): boolean {
    const { committed, committedIndex } = this.#state;
    if (this.get(id) !== undefined || idsOf(committed).includes(id)) return false;
    const index = indexOf(id);
    if (index === undefined) return false;
    return index <= committedIndex || (committedIndex > 0 && this.#isFounder(id, index));
  }

  /** Whether a log may give this id yet, as far as is known here. */
  mayBeNews(id: PeerId): boolean {
    const index = indexOf(id);
    return index !== undefined && index <= beyondIndexes && index > this.#state.committedIndex;
  }

  #isFounder(id: PeerId, index: number): boolean {
    return index > beyondIndexes || this.#founders.some((founder) => founder.id === id);
  }

  #list(): Member[] {
    const { active, committed } = this.#state;
    const ids = [...new Set([...idsOf(active), ...idsOf(committed)])].toSorted();
    const records = new Map<PeerId, Member>();
    for (const founder of this.#founders) records.set(founder.id, { ...founder, storeId: undefined });
    for (const { members = [] } of [committed, active]) for (const member of members) records.set(member.id, member);
    return ids.map((id) => records.get(id) ?? { id, name: id, address: '', storeId: undefined });
  }
}

/** Voters of both halves and learners, each once. */
export function idsOf({ voters, votersOutgoing, learners }: Configuration): PeerId[] {
  return [...new Set([...voters, ...votersOutgoing, ...learners])];
}
