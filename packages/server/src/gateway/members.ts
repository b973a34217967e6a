// The gateway's calls about members and the leader, in etcd's shapes: what is asked as a request of ours, and what came of it. A member of etcd has a
// name only once it has started; here the place that is kept for it is called by its address until it joins.
import type { AdminRequest, AdminResult, ClusterMember } from '@raftkv/wire';
import { RaftkvError } from '@raftkv/wire';
import { booleanField, fieldName, listField, uint64Field } from './fields.ts';
import { decimalId, listPiece, objectOf, truePiece } from './format.ts';
import type { JsonObject } from './json.ts';
import { refusals } from './refusal.ts';

const field = {
  id: fieldName('ID'),
  // etcd's schema itself writes these so.
  peerUrls: fieldName('peerURLs'),
  isLearner: fieldName('isLearner'),
  targetId: fieldName('targetID'),
} as const;

export const memberRequests: Readonly<Record<string, (message: JsonObject) => AdminRequest>> = {
  '/v3/cluster/member/add': (message) => {
    const address = addressOf(message);
    const plan = booleanField(message, field.isLearner) ? 'stay' : 'promote';
    return { type: 'add', name: placeName(address), address, storeId: undefined, plan };
  },
  '/v3/cluster/member/remove': (message) => ({ type: 'remove', member: idOf(message) }),
  '/v3/cluster/member/promote': (message) => ({ type: 'promote', member: idOf(message) }),
  '/v3/cluster/member/update': (message) => ({
    type: 'update',
    member: idOf(message),
    name: undefined,
    address: addressOf(message),
  }),
  '/v3/maintenance/transfer-leadership': (message) => ({
    type: 'transfer',
    to: hexId(uint64Field(message, field.targetId)),
  }),
};

/** `member` where one was added, `members` wherever who is one changed. */
export function formatChange(type: AdminRequest['type'], header: string, { members, memberId }: AdminResult): string {
  if (type === 'transfer') return objectOf(header);
  const added = type === 'add' ? members.members.find(({ id }) => id === memberId) : undefined;
  return objectOf(
    header,
    added === undefined ? '' : `"member":${formatMember(added)}`,
    listPiece('members', members.members.map(formatMember)),
  );
}

/** A place that nobody has taken has no name yet, and no address for clients, as in etcd. */
export function formatMember(
  member: Pick<ClusterMember, 'id' | 'name' | 'address'> & {
    readonly role?: ClusterMember['role'];
    readonly isLearner?: boolean;
  },
): string {
  const { id, name, address, role, isLearner = role === 'learner' } = member;
  // A node has one port for its peers and its clients.
  const urls = JSON.stringify([`http://${address}`]);
  const hasJoined = name !== placeName(address);
  return objectOf(
    `"ID":"${decimalId(id)}"`,
    hasJoined ? `"name":${JSON.stringify(name)}` : '',
    `"peerURLs":${urls}`,
    hasJoined ? `"clientURLs":${urls}` : '',
    truePiece('isLearner', isLearner),
  );
}

/** In etcd's words where it has some. */
export function memberRefusal(type: AdminRequest['type'], thrown: unknown): unknown {
  if (!(thrown instanceof RaftkvError)) return thrown;
  switch (thrown.code) {
    case 'not_found':
      return type === 'transfer' ? refusals.badTransferee() : refusals.memberNotFound();
    case 'not_caught_up':
      return refusals.learnerNotReady();
    case 'unsafe_change':
      return refusals.unhealthyCluster();
    case 'invalid_argument':
      if (type === 'promote') return refusals.memberNotLearner();
      if (type === 'add' || type === 'update') return refusals.peerUrlExists();
      return type === 'transfer' ? refusals.badTransferee() : thrown;
    default:
      return thrown;
  }
}

function placeName(address: string): string {
  return `at.${address.replaceAll(/[^A-Za-z0-9.-]/g, '_')}`;
}

function idOf(message: JsonObject): string {
  return hexId(uint64Field(message, field.id));
}

function hexId(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

/** The first of them: a member has one address here. */
function addressOf(message: JsonObject): string {
  const [first] = listField(message, field.peerUrls);
  const match =
    typeof first === 'string' ? /^https?:\/\/((?:\[[0-9a-fA-F:.]+\]|[^:/\s]+):\d{1,5})\/?$/.exec(first) : null;
  if (match === null) throw refusals.badMemberUrls();
  return match[1]!;
}
