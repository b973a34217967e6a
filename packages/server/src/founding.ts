// The founding of a cluster, and why a member that lost its disk cannot come back under its old name. Each storage draws a
// store id when it is created. Every founder notes, durably, the store id of every other one before it talks Raft with it,
// and starts Raft itself only when all the others have noted its own. From then on a member that turns up with an empty
// storage has a new store id, is recognised by every other member, and refused (T24, T25): its promises are gone, so its votes must not count.
// The price: all founders must be up once, at the first start. No weaker rule is safe for three members: if two founded
// without the third, only one of them could tell, and not when the third asks nobody else. Who joins later has its store id in the
// configuration, and so have the founders from the first change of members on: there the roster tells.
import type { PeerId } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { Roster } from './roster.ts';

const noteName = 'peers';
const noteVersion = 1;

export interface PeerRegistryOptions {
  readonly storage: Storage;
  /** The other founders; none for a member that joined. */
  readonly others: readonly { readonly id: PeerId; readonly name: string }[];
  readonly roster: Roster;
}

interface PeersNote {
  readonly version: number;
  readonly storeIds: Record<string, string>;
  readonly admittedBy: string[];
}

export class PeerRegistry {
  readonly #storage: Storage;
  readonly #others: readonly { readonly id: PeerId; readonly name: string }[];
  readonly #roster: Roster;
  readonly #storeIds = new Map<PeerId, string>();
  readonly #admittedBy = new Set<PeerId>();
  readonly #onFounded: (() => void)[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isFounded = false;

  private constructor({ storage, others, roster }: PeerRegistryOptions) {
    this.#storage = storage;
    this.#others = others;
    this.#roster = roster;
  }

  /** Reads what this storage noted. Throws `storage_corrupt` if that does not decode. */
  static async open(options: PeerRegistryOptions): Promise<PeerRegistry> {
    const { storage } = options;
    const registry = new PeerRegistry(options);
    const bytes = await storage.getNote(noteName);
    if (bytes !== undefined) registry.#restore(bytes);
    registry.#isFounded = registry.missing().length === 0;
    return registry;
  }

  /** All founders know each other's storage: Raft may start. */
  get isFounded(): boolean {
    return this.#isFounded;
  }

  /** Names of the founders that are still waited for. */
  missing(): string[] {
    const isKnown = (id: PeerId): boolean => this.#storeIds.has(id) && this.#admittedBy.has(id);
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

  /** A peer introduces itself: notes its store id durably, or rejects with `member_amnesia` or what `strangerError` says. Of a guest (`guests.ts`) nothing is noted. */
  async admit(peer: { readonly memberId: PeerId; readonly storeId: string }): Promise<void> {
    const known = this.#roster.get(peer.memberId);
    // A guest, of which the log will tell.
    if (known === undefined && this.#roster.mayBeNews(peer.memberId)) return;
    if (known === undefined) throw this.strangerError(peer.memberId);
    const noted = this.storeIdOf(peer.memberId);
    if (noted !== undefined && noted !== peer.storeId) {
      // An entry that may be taken back, and its id with it, is no reason for anybody to stop.
      const { members = [] } = this.#roster.state.committed;
      const isCertain = this.#storeIds.has(known.id) || members.some((member) => member.id === known.id);
      if (!isCertain) throw new RaftkvError('busy', `it is not certain yet who ${known.id} is`);
      throw new RaftkvError(
        'member_amnesia',
        `${known.name} came back with an empty storage (its store was ${noted}, now ${peer.storeId}): it forgot its votes, so it may not take ` +
          `part under its old identity; restore its data directory, or remove the member and join the machine as a new one`,
      );
    }
    if (noted === undefined) {
      this.#storeIds.set(peer.memberId, peer.storeId);
      await this.#save();
    } else await this.#writing; // a second channel must not be welcomed before the first one's note is durable
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

  /** A peer told us that it has noted our store id. */
  async admittedBy(peer: PeerId): Promise<void> {
    // That matters for the founding alone.
    if (this.#admittedBy.has(peer) || !this.#others.some(({ id }) => id === peer)) return;
    this.#admittedBy.add(peer);
    await this.#save();
  }

  async #save(): Promise<void> {
    const note: PeersNote = {
      version: noteVersion,
      storeIds: Object.fromEntries(this.#storeIds),
      admittedBy: [...this.#admittedBy],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(note));
    // What is learned while this is written is in the next note: a crash before that one would forget it.
    const isComplete = this.missing().length === 0;
    this.#writing = this.#writing.then(() => this.#storage.setNote(noteName, bytes));
    await this.#writing;
    if (this.#isFounded || !isComplete) return;
    this.#isFounded = true;
    for (const resolve of this.#onFounded.splice(0)) resolve();
  }

  #restore(bytes: Uint8Array): void {
    let note: Partial<PeersNote>;
    try {
      note = JSON.parse(new TextDecoder().decode(bytes)) as Partial<PeersNote>;
    } catch (error) {
      throw new RaftkvError('storage_corrupt', 'the note of the peers is not JSON', { cause: error });
    }
    if (note.version !== noteVersion || typeof note.storeIds !== 'object' || !Array.isArray(note.admittedBy)) {
      throw new RaftkvError(
        'storage_corrupt',
        `the note of the peers has an unknown form (version ${String(note.version)})`,
      );
    }
    for (const [id, storeId] of Object.entries(note.storeIds)) this.#storeIds.set(id, String(storeId));
    for (const id of note.admittedBy) this.#admittedBy.add(String(id));
  }
}
