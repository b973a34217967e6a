// The layout of members' addresses and of a node's status.
import type { MemberAddress, NodeStatus } from './client.ts';
import { bool, boxed, fields, float, list, oneOf, optional, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';

const address = { id: text, name: text, address: text };

/** One array of three elements a member. */
export const members: Layout<readonly MemberAddress[]> = list(fields(address));

export const status: Layout<NodeStatus> = boxed(
  fields<NodeStatus>({
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
  }),
);
