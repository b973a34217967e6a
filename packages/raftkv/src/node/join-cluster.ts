// Asking a running cluster over its clients' door: to be let in, whether it is the one that a directory belongs to, and whatever a member that does not lead is
// asked itself. What being let in means is the server's business. Called by `start-node.ts`.
import { createServer } from 'node:net';
import { askAdmission } from '@raftkv/server';
import type { Admission, Home } from '@raftkv/server';
import type { StorageIdentity } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest, AdminResult, MemberPlan } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { connect } from './connect.ts';
import type { Logger } from './logger.ts';

export interface JoinOptions {
  /** Some or all members of the cluster. */
  readonly endpoints: readonly string[];
  /** What becomes of it when it has caught up. Default: it votes, or what was planned when its place was kept. */
  readonly plan?: MemberPlan;
}

const answerMilliseconds = 10_000;
/** A cluster that starts as a whole cannot answer its own members. */
const checkMilliseconds = 2_000;

/**
 * `again`: as the one that this cluster has let in before, and no other cluster. Throws `invalid_argument` if the name or the address is taken, `not_found` if there is no member to replace, `port_in_use`, and what a client says of a cluster
 * that does not answer.
 */
export async function joinCluster(
  config: NodeConfig,
  { endpoints, plan }: JoinOptions,
  again?: StorageIdentity,
): Promise<Admission> {
  // Before the cluster hears of it: a member that cannot listen would only be in its way.
  await checkPort(config);
  const kv = connect({ endpoints, ...(again === undefined ? {} : { clusterId: again.clusterId }) });
  try {
    const address = config.advertise ?? `${config.host}:${config.port}`;
    return await askAdmission((request) => kv.askMembers(request, { timeoutMilliseconds: answerMilliseconds }), {
      name: config.nodeId,
      address,
      plan,
      again,
    });
  } finally {
    await kv.close();
  }
}

/** Told to join with a directory that holds a member already: it goes on, if it is of that cluster. `known`: its cluster; a founder of one that was never founded is of none. Throws `storage_identity`. */
export async function checkCluster(
  { dataDirectory }: NodeConfig,
  { endpoints }: JoinOptions,
  { home, known, logger }: { readonly home: Home; readonly known: string | undefined; readonly logger: Logger },
): Promise<void> {
  const { memberName } = home.stored.identity;
  const kv = connect({ endpoints, retries: 0 });
  try {
    const found = (await kv.status({ timeoutMilliseconds: checkMilliseconds })).clusterId;
    if (found === known) return;
    throw new RaftkvError(
      'storage_identity',
      `${dataDirectory} belongs to member "${memberName}" of ${known === undefined ? 'a cluster that is being founded' : `cluster ${known}`}; the endpoints are of cluster ${found}`,
    );
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    if (code === 'storage_identity') throw error;
    logger.log('WARN', 'the endpoints do not answer', { endpoints, code, reason: message });
  } finally {
    await kv.close();
  }
}

/** For the gateway of a member that does not lead. Whoever may have that address by now: a node of another cluster is not asked. */
export async function askLeader(clusterId: string, address: string, request: AdminRequest): Promise<AdminResult> {
  const kv = connect({ clusterId, endpoints: [address] });
  try {
    return await kv.askMembers(request);
  } finally {
    await kv.close();
  }
}

function checkPort({ host, port }: NodeConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'port_in_use' : 'config_invalid';
      reject(
        new RaftkvError(code, `cannot listen on ${host}:${port} (${error.code ?? error.message})`, { cause: error }),
      );
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
