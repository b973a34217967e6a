// What the gateway says of the cluster itself: maintenance/status, member/list and the version that it claims.
import type { KvNode } from '../node-api.ts';
import { decimalId, listPiece, numberPiece, objectOf } from './format.ts';
import type { HeaderWriter } from './format.ts';
import { formatMember } from './members.ts';

/** The etcd whose gateway this is: clients choose their paths by it. */
const etcdVersion = { etcdserver: '3.4.23', etcdcluster: '3.4.0' } as const;

/** The body of `GET /version`. */
export const versionBody: string = JSON.stringify(etcdVersion);

export function formatStatus(node: KvNode, header: HeaderWriter): string {
  const status = node.status();
  const isLed = status.leaderId !== undefined;
  return objectOf(
    header.piece(status.revision),
    `"version":"${etcdVersion.etcdserver}"`,
    numberPiece('dbSize', status.dataBytes),
    isLed ? `"leader":"${decimalId(status.leaderId)}"` : '',
    numberPiece('raftIndex', status.commitIndex),
    numberPiece('raftTerm', status.term),
    numberPiece('raftAppliedIndex', status.appliedIndex),
    isLed ? '' : '"errors":["etcdserver: no leader"]',
    numberPiece('dbSizeInUse', status.dataBytes),
  );
}

export function formatMembers(node: KvNode, header: HeaderWriter): string {
  const members = node.status().members.map(formatMember);
  return objectOf(header.piece(0), listPiece('members', members));
}
