// The layout of a node's status.
import type { MemberLink, NodeStatus } from './client.ts';
import { bool, boxed, fields, list, oneOf, optional, text, uint } from './layout.ts';
import { float } from './float.ts';
import type { Layout } from './layout.ts';
import { address } from './member-address.ts';

type StatusMember = NodeStatus['members'][number];

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
  members: list(
    fields<Omit<StatusMember, 'kind' | 'domain' | 'link'>>({
      ...address,
      isLearner: bool,
      isReachable: bool,
      matchIndex: optional(uint),
    }),
  ),
});

const optionalBool = optional(bool);
/** Of each member that is a tab its failure domain, empty if it has none; nil for one of Node. */
const tabs = list(optional(text));

/** How each member is reached; nil for one that is not. */
const links = list(
  optional(
    boxed(
      fields<MemberLink>({
        kind: optional(text),
        path: oneOf(['direct', 'relayed']),
        roundTripMilliseconds: optional(float),
      }),
    ),
  ),
);

/**
 * One element more where there is something to say of leases, two where a member is a tab, three where one is reached by another way than a direct WebSocket:
 * others are understood by clients that know nothing of them.
 */
export const status: Layout<NodeStatus> = {
  size: 1,
  /** @server */
  write(writer, value, walk) {
    const { leaseReads, members: told } = value;
    const isUsual = told.every(({ link }) => link === undefined || isPlain(link));
    const extras = !isUsual ? 3 : told.some(({ kind }) => kind) ? 2 : leaseReads === undefined ? 0 : 1;
    writer.array(plainStatus.size + extras);
    plainStatus.write(writer, value, walk);
    if (extras > 0) optionalBool.write(writer, leaseReads, walk);
    if (extras > 1) {
      const domains = told.map(({ kind, domain = '' }) => kind && domain);
      tabs.write(writer, domains, walk);
    }
    const ways = told.map(({ link }) => link);
    if (extras > 2) links.write(writer, ways, walk);
  },
  read(reader, walk) {
    const extras = reader.array() - plainStatus.size;
    if (extras < 0 || extras > 3) reader.fail(`a status has ${plainStatus.size} elements, or up to three more`);
    const value: { leaseReads?: boolean | undefined } & NodeStatus = plainStatus.read(reader, walk);
    if (extras > 0) value.leaseReads = optionalBool.read(reader, walk);
    const domains = extras > 1 ? tabs.read(reader, walk) : [];
    for (const [at, domain] of domains.entries()) {
      const member = value.members[at] ?? reader.fail('more is told of tabs than there are members');
      if (domain !== undefined) Object.assign(member, { kind: 'tab', domain: domain || undefined });
    }
    const ways = extras > 2 ? links.read(reader, walk) : [];
    for (const [at, link] of ways.entries()) {
      const member = value.members[at] ?? reader.fail('more links are told than there are members');
      if (link !== undefined) Object.assign(member, { link });
    }
    return value;
  },
};

/** As members of Node reach each other. */
function isPlain({ kind, path }: MemberLink): boolean {
  return (kind === undefined || kind === 'websocket') && path === 'direct';
}
