// The directory of a member and what it says of it: whose it is, how it came to be a member, and what its log begins with. Founding writes that down,
// joining too (`join-cluster.ts` asks the cluster first), and every later start goes by it, whatever the list of peers says by then.
import { clusterIdentity } from '@raftkv/server';
import type { Founder } from '@raftkv/server';
import type { RequestedIdentity, Storage, StoredState } from '@raftkv/storage';
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
  /** Asked for admission if the directory is empty. Undefined: founds. */
  readonly join: (() => Promise<Admission>) | undefined;
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
  const { clusterId, members } = foundersOf(options.config);
  const self = members.find(({ name }) => name === options.config.nodeId)!;
  const storage = await open(options, { clusterId, memberId: self.id, memberName: self.name });
  const note: HomeNote = { type: 'founded', token: options.config.clusterToken, founders: members };
  return finish(storage, true, async () => {
    await writeHomeNote(storage, note);
    return note;
  });
}

async function settle(options: HomeOptions, admission: Admission): Promise<Home> {
  const { configuration, configurationIndex, identity } = admission;
  const storage = await open(options, identity);
  const note: HomeNote = { type: 'joined', configuration, configurationIndex };
  return finish(storage, true, async () => {
    await writeHomeNote(storage, note);
    return note;
  });
}

async function reopen(options: HomeOptions): Promise<Home> {
  const storage = await open(options, undefined);
  return finish(storage, false, async ({ identity }) => {
    const { nodeId, clusterToken, dataDirectory } = options.config;
    const owner = `${dataDirectory} belongs to member "${identity.memberName}" of cluster ${identity.clusterId}`;
    if (identity.memberName !== nodeId) {
      throw new RaftkvError('storage_identity', `${owner}, but was opened as "${nodeId}"`);
    }
    const removal = await readRemovalNote(storage);
    if (removal !== undefined) throw new RaftkvError('member_removed', removal);
    const note = (await readHomeNote(storage)) ?? (await reconstruct(options, storage, identity));
    if (note.type === 'founded' && options.join === undefined && note.token !== clusterToken) {
      throw new RaftkvError('storage_identity', `${owner}, which was founded with another cluster token`);
    }
    return note;
  });
}

/** A store from before there were notes, or one whose making was cut short: the list of peers must be that of the founders. */
async function reconstruct(
  { config, join }: HomeOptions,
  storage: Storage,
  identity: RequestedIdentity,
): Promise<HomeNote> {
  const { clusterId, members } = foundersOf(config);
  const isFounder = members.some(({ id }) => id === identity.memberId);
  if (clusterId !== identity.clusterId || !isFounder) {
    throw new RaftkvError(
      'storage_identity',
      join === undefined
        ? `${config.dataDirectory} belongs to member "${identity.memberName}" of cluster ${identity.clusterId}, but was opened as one of cluster ${clusterId}`
        : `joining with ${config.dataDirectory} was cut short: empty it, and join again`,
    );
  }
  const note: HomeNote = { type: 'founded', token: config.clusterToken, founders: members };
  await writeHomeNote(storage, note);
  return note;
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
      return { storage, stored, founders: [], configuration, configurationIndex, isNew };
    }
    const { founders } = note;
    const configuration = { voters: founders.map(({ id }) => id).toSorted(), votersOutgoing: [], learners: [] };
    return { storage, stored, founders, configuration, configurationIndex: 0, isNew };
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
