// Asking a running cluster, and first of all to be let in: the storage's identity is drawn first, nothing is created before the cluster has answered with an id, and a
// repetition after a crash in between is another member: its never-seen predecessor of the same name goes.
import { createServer } from 'node:net';
import type { ClusterKv } from '@raftkv/client';
import { drawStoreId } from '@raftkv/storage';
import type { StorageIdentity } from '@raftkv/storage';
import { RaftkvError, decodeConfiguration } from '@raftkv/wire';
import type { AdminRequest, AdminResult, MemberPlan } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { connect } from './connect.ts';
import type { Logger } from './logger.ts';
import type { ClusterId } from './cluster-id.ts';
import type { Admission, Home } from './member-home.ts';

export interface JoinOptions {
  /** Some or all members of the cluster. */
  readonly endpoints: readonly string[];
  /** What becomes of it when it has caught up. Default: it votes, or what was planned when its place was kept. */
  readonly plan?: MemberPlan;
}

/** Attempts whose answer was lost: the same request again finds what the first one did. */
const maxAttempts = 5;
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
    const storeId = again?.storeId ?? drawStoreId();
    const address = config.advertise ?? `${config.host}:${config.port}`;
    const { members, memberId, configuration } = await add(kv, { name: config.nodeId, address, storeId, plan });
    if (memberId === undefined || configuration === undefined) {
      throw new RaftkvError('bad_frame', 'the cluster let this member in without a word about who it is');
    }
    return {
      identity: { clusterId: members.clusterId, memberId, memberName: config.nodeId, storeId },
      configuration: decodeConfiguration(configuration),
      configurationIndex: members.index,
    };
  } finally {
    await kv.close();
  }
}

/** Told to join with a directory that holds a member already: it goes on, if it is of that cluster. Throws `storage_identity`. */
export async function checkCluster(
  { dataDirectory }: NodeConfig,
  { endpoints }: JoinOptions,
  { home, clusterId, logger }: { readonly home: Home; readonly clusterId: ClusterId; readonly logger: Logger },
): Promise<void> {
  const { memberName } = home.stored.identity;
  // A founder of a cluster that was never founded is of none.
  const { known } = clusterId;
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

async function add(
  kv: ClusterKv,
  member: {
    readonly name: string;
    readonly address: string;
    readonly storeId: string;
    readonly plan: MemberPlan | undefined;
  },
): Promise<AdminResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await kv.askMembers({ type: 'add', ...member }, { timeoutMilliseconds: answerMilliseconds });
    } catch (error) {
      if (RaftkvError.from(error).definite || attempt === maxAttempts) throw error;
    }
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
