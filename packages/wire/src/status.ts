// The layout of members' addresses and of a node's status.
import type { MemberAddress, NodeStatus } from './client.ts';
import { bool, fields, float, list, oneOf, optional, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';

const address = { id: text, name: text, address: text };

/** One array of three elements a member. */
export const members: Layout<readonly MemberAddress[]> = list(fields(address));

const plainStatus: Layout<NodeStatus> = fields<Omit<NodeStatus, 'leaseReads'>>({
  clusterId: text,
  memberId: text,
  name: text,
  version: text,
  phase: oneOf(['founding', 'running', 'stopped']),
  role: oneOf(['follower', 'preCandidate', 'candidate', 'leader']),
  term: uint,
  leaderId: optional(text),
  leader: optional(text),
  commitIndex: uint,
  appliedIndex: uint,
  lastIndex: uint,
  firstIndex: uint,
  snapshotIndex: uint,
  revision: uint,
  compactedRevision: uint,
  keys: uint,
  dataBytes: uint,
  syncWrites: bool,
  uptimeSeconds: float,
  members: list(fields({ ...address, isLearner: bool, isReachable: bool, matchIndex: optional(uint) })),
});

/** One element more where there is something to say of leases: others are understood by clients that know nothing of them. */
export const status: Layout<NodeStatus> = {
  size: 1,
  write(writer, value, walk) {
    const { leaseReads } = value;
    writer.array(plainStatus.size + (leaseReads === undefined ? 0 : 1));
    plainStatus.write(writer, value, walk);
    if (leaseReads !== undefined) writer.bool(leaseReads);
  },
  read(reader, walk) {
    const count = reader.array();
    const isLong = count === plainStatus.size + 1;
    if (!isLong && count !== plainStatus.size) reader.fail(`a status has ${plainStatus.size} elements, or one more`);
    const value = plainStatus.read(reader, walk);
    return isLong ? { ...value, leaseReads: reader.bool() } : value;
  },
};
