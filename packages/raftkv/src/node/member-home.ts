// Where a member in Node keeps its storage, and how it finds or founds it there: the data directory of the configuration. What is noted in a home is
// the server's business. Called by `start-node.ts`.
import { openHome } from '@raftkv/server';
import type { Home, HomeOptions } from '@raftkv/server';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import { hasFileStorage, openFileStorage } from '@raftkv/storage/node';
import { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';

export interface DirectoryHomeOptions extends Pick<HomeOptions, 'join'> {
  readonly config: NodeConfig;
  readonly onFailure: (error: RaftkvError) => void;
}

/** Throws what `openHome` of the server does. */
export async function openDirectoryHome(options: DirectoryHomeOptions): Promise<Home> {
  const { config, join } = options;
  const { dataDirectory: directory, peers, nodeId: name, clusterToken: token } = config;
  if (join === undefined && !config.isListed && !hasFileStorage(directory)) {
    const names = peers.map((peer) => peer.name).join(', ');
    throw new RaftkvError(
      'config_invalid',
      `--id: ${name} is not in the list of peers (${names}), and ${directory} holds no member: ` +
        `list it to found a cluster with it, or join a running one with raftkv join`,
    );
  }
  const founders = peers.map(({ name: peer, host, port }) => ({ name: peer, address: `${host}:${port}` }));
  const place = {
    label: directory,
    reopen: async () => (hasFileStorage(directory) ? open(options, undefined) : undefined),
    create: (identity: RequestedIdentity) => open(options, identity),
  };
  return openHome({ place, name, token, founders, join });
}

function open({ config, onFailure }: DirectoryHomeOptions, identity: RequestedIdentity | undefined): Promise<Storage> {
  return openFileStorage({
    directory: config.dataDirectory,
    ...(identity === undefined ? {} : { identity }),
    create: identity !== undefined,
    syncWrites: config.syncWrites,
    compression: config.compression,
    onFailure,
  });
}
