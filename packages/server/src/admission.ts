// Asking a running cluster to be let in: the storage's identity is drawn first, nothing is created before the cluster has answered with an id, and a
// repetition after a crash in between is another member: its never-seen predecessor of the same name goes. How the cluster is reached is the caller's business.
import { drawStoreId } from '@raftkv/storage';
import type { RequestedIdentity, StorageIdentity } from '@raftkv/storage';
import { RaftkvError, decodeConfiguration } from '@raftkv/wire';
import type { AdminRequest, AdminResult, MemberPlan } from '@raftkv/wire';
import type { HeldConfiguration } from './home-note.ts';
import { traitsOf } from './member-kind.ts';
import type { Traits } from './member-kind.ts';

/** What the cluster answered to who joins it. */
export interface Admission {
  readonly identity: RequestedIdentity;
  readonly configuration: HeldConfiguration;
  /** As of which that is committed. */
  readonly configurationIndex: number;
}

export interface AdmissionRequest extends Traits {
  readonly name: string;
  /** Where the other members find it: "host:port", or that of a tab (`tabAddress`). */
  readonly address: string;
  /** What becomes of it when it has caught up. Undefined: it votes, or what was planned when its place was kept. */
  readonly plan: MemberPlan | undefined;
  /** As the one that this cluster has let in before. */
  readonly again?: Pick<StorageIdentity, 'storeId'> | undefined;
}

/** Attempts whose answer was lost: the same request again finds what the first one did. */
const maxAttempts = 5;

/**
 * `ask` carries one request to the leader, as `askMembers` of a client does. Throws `invalid_argument` if the name or the address is taken, `not_found` if there is no
 * member to replace, and what `ask` says of a cluster that does not answer.
 */
export async function askAdmission(
  ask: (request: AdminRequest) => Promise<AdminResult>,
  { name, address, plan, again, ...traits }: AdmissionRequest,
): Promise<Admission> {
  const storeId = again?.storeId ?? drawStoreId();
  const { members, memberId, configuration } = await persistently(ask, {
    type: 'add',
    name,
    address,
    storeId,
    plan,
    ...traitsOf(traits),
  });
  if (memberId === undefined || configuration === undefined) {
    throw new RaftkvError('bad_frame', 'the cluster let this member in without a word about who it is');
  }
  return {
    identity: { clusterId: members.clusterId, memberId, memberName: name, storeId },
    configuration: decodeConfiguration(configuration),
    configurationIndex: members.index,
  };
}

async function persistently(
  ask: (request: AdminRequest) => Promise<AdminResult>,
  request: AdminRequest,
): Promise<AdminResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(request);
    } catch (error) {
      if (RaftkvError.from(error).definite || attempt === maxAttempts) throw error;
    }
  }
}
