// The home of a member and what it says of it: whose storage it is, how it came to be a member, and what its log begins with. Founding writes that down,
// joining too (`admission.ts` asks the cluster first), and every later start goes by it, whatever the list of founders says by then. Where a storage is kept is for the runtime to say.
import type { RequestedIdentity, Storage, StorageIdentity, StoredState } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { Admission } from './admission.ts';
import { readHomeNote, readRemovalNote, writeHomeNote } from './home-note.ts';
import type { HeldConfiguration, HomeNote } from './home-note.ts';
import { clusterIdentity } from './identity.ts';
import type { FoundingMember } from './identity.ts';
import type { Founder } from './roster.ts';

export interface Home {
  readonly storage: Storage;
  readonly stored: StoredState;
  /** None for a member that joined. */
  readonly founders: readonly Founder[];
  /** That the cluster's id is drawn with (`cluster-id.ts`). Undefined: the id is the one in the storage's identity. */
  readonly token: string | undefined;
  /** What holds until the log says otherwise, and the index as of which it is committed: 0 for the founders. */
  readonly configuration: HeldConfiguration;
  readonly configurationIndex: number;
  /** Made just now. */
  readonly isNew: boolean;
}

/** Where a runtime keeps the storage of one member. */
export interface HomePlace {
  /** For messages: a directory, a database. */
  readonly label: string;
  /** Undefined: nothing is there. */
  readonly reopen: () => Promise<Storage | undefined>;
  readonly create: (identity: RequestedIdentity) => Promise<Storage>;
}

export interface HomeOptions {
  readonly place: HomePlace;
  readonly name: string;
  /** Clusters that share names are told apart by it. */
  readonly token: string;
  /** Of the cluster that this member founds or founded, itself among them. None: it joins. */
  readonly founders: readonly FoundingMember[];
  /** Asked for admission if the place is empty, or `again` if joining was cut short: as the one that has been let in. Undefined: founds. */
  readonly join: ((again?: StorageIdentity) => Promise<Admission>) | undefined;
}

/**
 * Throws `storage_*` for a storage that is not this member's, `config_invalid` for an empty place of one that is no founder and was not
 * told to join, `member_removed` for that of a member that was removed, and what `join` does. Nothing stays open then.
 */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { place, join, founders, name } = options;
  const storage = await place.reopen();
  if (storage !== undefined) return reopen(options, storage);
  if (join !== undefined) {
    const admission = await join();
    return settle(await place.create(admission.identity), noteOfJoining(admission));
  }
  if (founders.some((founder) => founder.name === name)) return found(options);
  const names = founders.map((founder) => founder.name).join(', ');
  throw new RaftkvError(
    'config_invalid',
    `${name} is not among the founders (${names}), and ${place.label} holds no member: name it as one to found a cluster with it, or join a running one`,
  );
}

async function found({ place, name, token, founders }: HomeOptions): Promise<Home> {
  const { foundingId, members } = clusterIdentity(token, founders);
  const self = members.find((member) => member.name === name)!;
  const storage = await place.create({ clusterId: foundingId, memberId: self.id, memberName: name });
  return settle(storage, { type: 'founded', token, founders: members, isNamed: false });
}

function settle(storage: Storage, note: HomeNote): Promise<Home> {
  return finish(storage, true, async () => {
    await writeHomeNote(storage, note);
    return note;
  });
}

function reopen(options: HomeOptions, storage: Storage): Promise<Home> {
  return finish(storage, false, async ({ identity }) => {
    const { place, name, token, join } = options;
    const owner = `${place.label} belongs to member "${identity.memberName}" (${identity.memberId})`;
    if (identity.memberName !== name) {
      throw new RaftkvError('storage_identity', `${owner}, but was opened as "${name}"`);
    }
    const removal = await readRemovalNote(storage);
    if (removal !== undefined) throw new RaftkvError('member_removed', removal);
    const note = (await readHomeNote(storage)) ?? (await reconstruct(options, storage, identity));
    if (note.type === 'founded' && join === undefined && note.token !== token) {
      throw new RaftkvError('storage_identity', `${owner}, whose cluster was founded with another cluster token`);
    }
    return note;
  });
}

/** A store whose making was cut short, or one from before there were notes: the list must be that of the founders. */
async function reconstruct(
  { place, token, founders, join }: HomeOptions,
  storage: Storage,
  identity: StorageIdentity,
): Promise<HomeNote> {
  const { clusterId, foundingId, members } = clusterIdentity(token, founders);
  const isFounder = members.some(({ id }) => id === identity.memberId);
  const isNamed = identity.clusterId === clusterId;
  let note: HomeNote;
  if (isFounder && (isNamed || identity.clusterId === foundingId)) {
    note = { type: 'founded', token, founders: members, isNamed };
  } else if (join === undefined) {
    throw new RaftkvError(
      'storage_identity',
      `${place.label} belongs to member "${identity.memberName}" (${identity.memberId}), which is no founder of the cluster of these peers; ` +
        `if joining with it was cut short, join again`,
    );
  } else note = noteOfJoining(await rejoin(place, identity, join));
  await writeHomeNote(storage, note);
  return note;
}

/** Nothing was promised with this storage yet: the note comes before anything else that would be written to it. */
async function rejoin(
  { label }: HomePlace,
  identity: StorageIdentity,
  join: NonNullable<HomeOptions['join']>,
): Promise<Admission> {
  const admission = await join(identity);
  if (admission.identity.memberId === identity.memberId) return admission;
  throw new RaftkvError(
    'storage_identity',
    `joining with ${label} was cut short, and ${identity.memberName} (${identity.memberId}) is no member any more: empty it, and join again`,
  );
}

function noteOfJoining({ configuration, configurationIndex }: Admission): HomeNote {
  return { type: 'joined', configuration, configurationIndex };
}

/** Reads the rest, or closes the storage. */
async function finish(
  storage: Storage,
  isNew: boolean,
  noteOf: (stored: StoredState) => Promise<HomeNote>,
): Promise<Home> {
  try {
    const stored = await storage.load();
    const note = await noteOf(stored);
    if (note.type === 'joined') {
      const { configuration, configurationIndex } = note;
      return { storage, stored, founders: [], token: undefined, configuration, configurationIndex, isNew };
    }
    const { founders } = note;
    const token = note.isNamed ? undefined : note.token;
    const configuration = { voters: founders.map(({ id }) => id).toSorted(), votersOutgoing: [], learners: [] };
    return { storage, stored, founders, token, configuration, configurationIndex: 0, isNew };
  } catch (error) {
    await storage.close();
    throw error;
  }
}
