// The founding of a cluster, and why a member that lost its disk cannot come back under its old name. Each storage draws a
// store id when it is created. Every founder notes, durably, the store id of every other one before it talks Raft with it, and tells the others what it has noted;
// it starts Raft itself only when all the others have noted all that it has. From then on a member that turns up with an empty
// storage has a new store id, is recognised by every other member, and refused (T24, T25): its promises are gone, so its votes must not count.
// The price: all founders must be up once, at the first start. No weaker rule is safe for three members: if two founded
// without the third, only one of them could tell, and not when the third asks nobody else. And that they agree on *all* storages, not on the two of each pair, keeps
// a founder whose storage is lost halfway from leaving the others with two ids of the cluster. Who joins later has its store id in the
// configuration, and so have the founders from the first change of members on: there the roster tells.
import type { PeerId } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';
import type { Greeted } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Incarnation, PeerFacts } from '@raftkv/wire';
import { beginIncarnation, noteSuperseded } from './incarnation.ts';
import { MetBoots } from './met-boots.ts';
import type { Roster } from './roster.ts';

const noteName = 'peers';
/** 1: `admittedBy` in place of `agreedBy`, the founders that had noted this one's storage; that was enough then. */
const noteVersion = 2;
/** More are not told (`wire`): founders then go by what each pair has noted of itself. */
const maxToldFounders = 64;

export interface PeerRegistryOptions {
  readonly storage: Storage;
  readonly self: { readonly memberId: PeerId; readonly storeId: string };
  /** The other founders; none for a member that joined. */
  readonly others: readonly { readonly id: PeerId; readonly name: string }[];
  readonly roster: Roster;
  /** Random bytes, for this start. Default: the runtime's. */
  readonly draw?: (count: number) => Uint8Array;
}

interface PeersNote {
  readonly version: number;
  readonly storeIds: Record<string, string>;
  readonly agreedBy: string[];
}

export class PeerRegistry {
  readonly #options: PeerRegistryOptions;
  readonly #incarnation: Incarnation;
  readonly #others: PeerRegistryOptions['others'];
  readonly #roster: Roster;
  #met!: MetBoots;
  readonly #storeIds = new Map<PeerId, string>();
  /** Of the founders, its own too; what of it is durable. */
  #durable: ReadonlyMap<PeerId, string>;
  /** What the other founders say that they have noted, of those that say so in this life. */
  readonly #told = new Map<PeerId, ReadonlyMap<PeerId, string>>();
  /** Founders that have noted what is noted here, of all. */
  readonly #agreedBy = new Set<PeerId>();
  readonly #onFounded: (() => void)[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isFounded = false;
  /** Told when there is more to tell of the founding: `factsFor` says it. */
  onNews: () => void = () => undefined;

  private constructor(options: PeerRegistryOptions, incarnation: Incarnation) {
    this.#options = options;
    this.#incarnation = incarnation;
    this.#others = options.others;
    this.#roster = options.roster;
    this.#durable = this.#foundersNoted();
  }

  /**
   * Reads what this storage noted, and notes that it was started: from here on it may speak. Throws `member_superseded` if it may not be started any more, and
   * `storage_corrupt` or `unsupported_version` if a note does not decode.
   */
  static async open(options: PeerRegistryOptions): Promise<PeerRegistry> {
    const { storage } = options;
    const registry = new PeerRegistry(options, await beginIncarnation(storage, options.draw));
    registry.#met = await MetBoots.open({ storage, isKnown: (storeId) => registry.#isStoreOfMember(storeId) });
    const bytes = await storage.getNote(noteName);
    if (bytes !== undefined) registry.#restore(bytes);
    registry.#durable = registry.#foundersNoted();
    registry.#isFounded = registry.missing().length === 0;
    return registry;
  }

  /** All founders know each other's storage: Raft may start. */
  get isFounded(): boolean {
    return this.#isFounded;
  }

  /** Names of the founders that are still waited for. */
  missing(): string[] {
    const isKnown = (id: PeerId): boolean => this.#storeIds.has(id) && this.#agreedBy.has(id);
    return this.#others.filter((other) => !isKnown(other.id)).map((other) => other.name);
  }

  /** Resolves once founded; at once if it is. */
  founded(): Promise<void> {
    if (this.#isFounded) return Promise.resolve();
    return new Promise((resolve) => this.#onFounded.push(resolve));
  }

  /** The storages of the other founders, by their ids. Undefined: not founded yet. They stay the same for ever. */
  get founders(): ReadonlyMap<PeerId, string> | undefined {
    if (!this.#isFounded) return undefined;
    return new Map(this.#others.map(({ id }) => [id, this.#storeIds.get(id)!]));
  }

  /** The store id of this member, as far as it is known here; undefined: nobody has come with one. */
  storeIdOf(id: PeerId): string | undefined {
    return this.#roster.get(id)?.storeId ?? this.#storeIds.get(id);
  }

  /** What this peer is told of this member; all of it is durable. */
  factsFor(peer: PeerId): PeerFacts {
    const isTold = this.#isFounder(peer) && this.#others.length < maxToldFounders;
    return { incarnation: this.#incarnation, founding: isTold ? this.#durable : undefined };
  }

  /**
   * A peer introduces itself: notes its store id durably, and its start where it tells it, or rejects with `member_amnesia`, `member_superseded`, `founders_disagree` or
   * what `strangerError` says. Of a guest (`guests.ts`) only its start is noted.
   */
  async admit({ memberId, storeId, facts }: Greeted): Promise<void> {
    const known = this.#roster.get(memberId);
    if (known === undefined && !this.#roster.mayBeNews(memberId)) throw this.strangerError(memberId);
    // A guest, of which the log will tell, is nobody to compare with.
    if (known !== undefined) this.#checkStore(known, storeId);
    const { name } = known ?? { name: memberId };
    if (facts !== undefined) await this.#met.meet({ name, storeId }, facts.incarnation);
    if (known === undefined) return;
    // Another storage may have come under this name while that was noted.
    this.#checkStore(known, storeId);
    if (this.storeIdOf(memberId) === undefined) {
      this.#storeIds.set(memberId, storeId);
      await this.#save();
    } else await this.#writing; // a second channel must not be welcomed before the first one's note is durable
    if (facts?.founding !== undefined) await this.#hear(known, facts.founding);
  }

  #checkStore({ id, name }: { readonly id: PeerId; readonly name: string }, storeId: string): void {
    const known = this.storeIdOf(id) ?? this.#toldStoreOf(id);
    if (known === undefined || known === storeId) return;
    // An entry that may be taken back, and its id with it, is no reason for anybody to stop.
    const { members = [] } = this.#roster.state.committed;
    const isCertain = this.#isFounder(id) || this.#storeIds.has(id) || members.some((member) => member.id === id);
    if (!isCertain) throw new RaftkvError('busy', `it is not certain yet who ${id} is`);
    const wayOut = this.#isFounded
      ? 'restore its data directory, or remove the member and join the machine as a new one'
      : refound;
    throw new RaftkvError(
      'member_amnesia',
      `${name} came back with an empty storage (its store was ${known}, now ${storeId}): it forgot its votes, so it may not take ` +
        `part under its old identity; ${wayOut}`,
    );
  }

  /** Why this one is no peer: it was removed for certain, it is not known yet (`busy`: it may ask again soon), or it is none of ours. */
  strangerError(id: PeerId): RaftkvError {
    if (this.#roster.wasRemoved(id)) {
      return new RaftkvError(
        'member_removed',
        `member ${id} was removed from the cluster; to bring the machine back, empty its data directory and join it as a new member`,
      );
    }
    if (this.#roster.mayBeNews(id)) return new RaftkvError('busy', `member ${id} is not known here yet`);
    return new RaftkvError('wrong_member', `member ${id} is not of this cluster`);
  }

  /** A channel stands: this peer has noted our store id. That is all that one which speaks version 1 ever says. */
  async admittedBy(peer: PeerId): Promise<void> {
    // That matters for the founding alone.
    if (this.#agreedBy.has(peer) || this.#told.has(peer) || !this.#isFounder(peer)) return;
    this.#agreedBy.add(peer);
    await this.#save();
  }

  /** The others have met another start of this storage: it does not start again. Resolves, when that is durable, with what to tell the owner. */
  async superseded(reason: string): Promise<RaftkvError> {
    await noteSuperseded(this.#options.storage, this.#incarnation, reason);
    return new RaftkvError('member_superseded', reason);
  }

  /** Another founder says whose storages it has noted. */
  async #hear(
    peer: { readonly id: PeerId; readonly name: string },
    theirs: ReadonlyMap<PeerId, string>,
  ): Promise<void> {
    if (this.#isFounded || !this.#isFounder(peer.id)) return;
    for (const { id, name } of this.#others) {
      const [here, there] = [this.#storeIds.get(id), theirs.get(id)];
      if (here === undefined || there === undefined || here === there) continue;
      throw new RaftkvError(
        'founders_disagree',
        `${name} lost its storage before all founders had met: ${peer.name} has met it with store ${there}, another founder with ${here}; ${refound}`,
      );
    }
    // What a founder has noted only grows. Two channels of a pair are opened at once, and what was said on one before may come in after what the other says: less is
    // no news, and were it believed, nobody would say the rest again.
    if (theirs.size >= (this.#told.get(peer.id)?.size ?? 0)) this.#told.set(peer.id, theirs);
    await this.#agree();
  }

  /** Those that have noted all founders, and the same as this one. */
  async #agree(): Promise<void> {
    const { size } = this.#agreedBy;
    if (this.#durable.size > this.#others.length) {
      for (const [peer, theirs] of this.#told) {
        if ([...this.#durable].every(([id, storeId]) => theirs.get(id) === storeId)) this.#agreedBy.add(peer);
      }
    }
    if (this.#agreedBy.size > size) await this.#save();
  }

  async #save(): Promise<void> {
    const note: PeersNote = {
      version: noteVersion,
      storeIds: Object.fromEntries(this.#storeIds),
      agreedBy: [...this.#agreedBy],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(note));
    // What is learned while this is written is in the next note: a crash before that one would forget it.
    const isComplete = this.missing().length === 0;
    const noted = this.#foundersNoted();
    this.#writing = this.#writing.then(() => this.#options.storage.setNote(noteName, bytes));
    await this.#writing;
    await this.#isDurable(noted);
    if (this.#isFounded || !isComplete) return;
    this.#isFounded = true;
    for (const resolve of this.#onFounded.splice(0)) resolve();
  }

  async #isDurable(noted: ReadonlyMap<PeerId, string>): Promise<void> {
    if (noted.size <= this.#durable.size) return;
    this.#durable = noted;
    if (noted.size <= this.#others.length) return;
    this.onNews();
    await this.#agree();
  }

  #foundersNoted(): ReadonlyMap<PeerId, string> {
    const { memberId, storeId } = this.#options.self;
    const noted = new Map([[memberId, storeId]]);
    for (const { id } of this.#others) {
      const known = this.#storeIds.get(id);
      if (known !== undefined) noted.set(id, known);
    }
    return noted;
  }

  /** What another founder has noted of this one, while that counts. */
  #toldStoreOf(id: PeerId): string | undefined {
    if (this.#isFounded || !this.#isFounder(id)) return undefined;
    for (const theirs of this.#told.values()) {
      const storeId = theirs.get(id);
      if (storeId !== undefined) return storeId;
    }
    return undefined;
  }

  #isFounder(id: PeerId): boolean {
    return this.#others.some((other) => other.id === id);
  }

  #isStoreOfMember(storeId: string): boolean {
    return this.#roster.members.some(({ id }) => this.storeIdOf(id) === storeId);
  }

  #restore(bytes: Uint8Array): void {
    let note: Partial<PeersNote> & { readonly admittedBy?: unknown };
    try {
      note = JSON.parse(new TextDecoder().decode(bytes)) as typeof note;
    } catch (error) {
      throw new RaftkvError('storage_corrupt', 'the note of the peers is not JSON', { cause: error });
    }
    const { version, storeIds } = note;
    const agreedBy = version === 1 ? note.admittedBy : note.agreedBy;
    if ((version !== 1 && version !== noteVersion) || typeof storeIds !== 'object' || !Array.isArray(agreedBy)) {
      throw new RaftkvError(
        'storage_corrupt',
        `the note of the peers has an unknown form (version ${String(version)})`,
      );
    }
    for (const [id, storeId] of Object.entries(storeIds)) this.#storeIds.set(id, String(storeId));
    for (const id of agreedBy) this.#agreedBy.add(String(id));
    // Founded then, it is founded; what was half done is told once more, by those that can.
    if (version === 1 && this.missing().length > 0) this.#agreedBy.clear();
  }
}

const refound =
  'the cluster is not founded yet, and nothing was written: stop all founders, empty their data directories, and start them again';
