// The directory of a member and what it says of it: whose it is, how it came to be a member, and what its log begins with. Founding writes that down,
// joining too (`join-cluster.ts` asks the cluster first), and every later start goes by it, whatever the list of peers says by then.
import { clusterIdentity } from '@raftkv/server';
import type { Founder } from '@raftkv/server';
import type { RequestedIdentity, Storage, StorageIdentity, StoredState } from '@raftkv/storage';
import { hasFileStorage, openFileStorage } from '@raftkv/storage/node';
import { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { readHomeNote, readRemovalNote, writeHomeNote } from './home-note.ts';
import type { Configuration, HomeNote } from './home-note.ts';

export interface Home {
  readonly storage: Storage;
  readonly stored: StoredState;
  /** None for a member that joined. */
  readonly founders: readonly Founder[];
  /** That the cluster's id is drawn with (`cluster-id.ts`). Undefined: the id is the one in the storage's identity. */
  readonly token: string | undefined;
  /** What holds until the log says otherwise, and the index as of which it is committed: 0 for the founders. */
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  /** Made just now. */
  readonly isNew: boolean;
}

/** What the cluster answered to who joins it. */
export interface Admission {
  readonly identity: RequestedIdentity;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
}

export interface HomeOptions {
  readonly config: NodeConfig;
  readonly onFailure: (error: RaftkvError) => void;
  /** Asked for admission if the directory is empty, or `again` if joining was cut short: as the one that has been let in. Undefined: founds. */
  readonly join: ((again?: StorageIdentity) => Promise<Admission>) | undefined;
}

/**
 * Throws `storage_*` for a directory that is not this member's, `config_invalid` for an empty one of a member that is not in the list of peers and was not
 * told to join, `member_removed` for that of a member that was removed.
 */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { config, join } = options;
  if (hasFileStorage(config.dataDirectory)) return reopen(options);
  if (join !== undefined) return settle(options, await join());
  if (!config.isListed) {
    const names = config.peers.map(({ name }) => name).join(', ');
    throw new RaftkvError(
      'config_invalid',
      `--id: ${config.nodeId} is not in the list of peers (${names}), and ${config.dataDirectory} holds no member: ` +
        `list it to found a cluster with it, or join a running one with raftkv join`,
    );
  }
  return found(options);
}

async function found(options: HomeOptions): Promise<Home> {
  const { foundingId, members } = foundersOf(options.config);
  const self = members.find(({ name }) => name === options.config.nodeId)!;
  const storage = await open(options, { clusterId: foundingId, memberId: self.id, memberName: self.name });
  const note: HomeNote = { type: 'founded', token: options.config.clusterToken, founders: members, isNamed: false };
  return finish(storage, true, async () => {
    await writeHomeNote(storage, note);
    return note;
  });
}

async function settle(options: HomeOptions, admission: Admission): Promise<Home> {
  const storage = await open(options, admission.identity);
  const note = noteOfJoining(admission);
  return finish(storage, true, async () => {
    await writeHomeNote(storage, note);
    return note;
  });
}

async function reopen(options: HomeOptions): Promise<Home> {
  const storage = await open(options, undefined);
  return finish(storage, false, async ({ identity }) => {
    const { nodeId, clusterToken, dataDirectory } = options.config;
    const owner = `${dataDirectory} belongs to member "${identity.memberName}" (${identity.memberId})`;
    if (identity.memberName !== nodeId) {
      throw new RaftkvError('storage_identity', `${owner}, but was opened as "${nodeId}"`);
    }
    const removal = await readRemovalNote(storage);
    if (removal !== undefined) throw new RaftkvError('member_removed', removal);
    const note = (await readHomeNote(storage)) ?? (await reconstruct(options, storage, identity));
    if (note.type === 'founded' && options.join === undefined && note.token !== clusterToken) {
      throw new RaftkvError('storage_identity', `${owner}, whose cluster was founded with another cluster token`);
    }
    return note;
  });
}

/** A store whose making was cut short, or one from before there were notes: the list of peers must be that of the founders. */
async function reconstruct(options: HomeOptions, storage: Storage, identity: StorageIdentity): Promise<HomeNote> {
  const { config, join } = options;
  const { clusterId, foundingId, members } = foundersOf(config);
  const isFounder = members.some(({ id }) => id === identity.memberId);
  const isNamed = identity.clusterId === clusterId;
  let note: HomeNote;
  if (isFounder && (isNamed || identity.clusterId === foundingId)) {
    note = { type: 'founded', token: config.clusterToken, founders: members, isNamed };
  } else if (join === undefined) {
    throw new RaftkvError(
      'storage_identity',
      `${config.dataDirectory} belongs to member "${identity.memberName}" (${identity.memberId}), which is no founder of the cluster of these peers; ` +
        `if joining with it was cut short, join again`,
    );
  } else note = noteOfJoining(await rejoin(config, identity, join));
  await writeHomeNote(storage, note);
  return note;
}

/** Nothing was promised with this storage yet: the note comes before anything else that would be written to it. */
async function rejoin(
  { dataDirectory }: NodeConfig,
  identity: StorageIdentity,
  join: NonNullable<HomeOptions['join']>,
): Promise<Admission> {
  const admission = await join(identity);
  if (admission.identity.memberId === identity.memberId) return admission;
  throw new RaftkvError(
    'storage_identity',
    `joining with ${dataDirectory} was cut short, and ${identity.memberName} (${identity.memberId}) is no member any more: empty it, and join again`,
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

function foundersOf({ clusterToken, peers }: NodeConfig): ReturnType<typeof clusterIdentity> {
  return clusterIdentity(
    clusterToken,
    peers.map(({ name, host, port }) => ({ name, address: `${host}:${port}` })),
  );
}

function open({ config, onFailure }: HomeOptions, identity: RequestedIdentity | undefined): Promise<Storage> {
  return openFileStorage({
    directory: config.dataDirectory,
    ...(identity === undefined ? {} : { identity }),
    create: identity !== undefined,
    syncWrites: config.syncWrites,
    compression: config.compression,
    onFailure,
  });
}
