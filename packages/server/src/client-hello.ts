// Whether a client that says hello is answered, and in which version of the protocol. What it is answered, and all that comes after, is in client-session.ts.
import { RaftkvError } from '@raftkv/wire';
import type { ClientHello } from '@raftkv/wire';

/** Best first. From 2 on a client is told who is a member, and may ask about that. */
const protocolVersions = [2, 1] as const;

/** `clusterId`: undefined while the cluster is being founded. Throws what the client is refused with. */
export function agreeOnVersion(hello: ClientHello, clusterId: string | undefined): number {
  const version = protocolVersions.find((candidate) => hello.versions.includes(candidate));
  if (version === undefined) {
    const [ours, theirs] = [protocolVersions, hello.versions].map((versions) => versions.join(', '));
    throw new RaftkvError('unsupported_version', `this node speaks versions ${ours}, not ${theirs}`);
  }
  // A client keeps the id that it is told, so it is told none that does not last.
  if (clusterId === undefined) throw new RaftkvError('no_leader', 'the cluster is being founded');
  if (hello.clusterId === undefined || hello.clusterId === clusterId) return version;
  throw new RaftkvError('wrong_cluster', `this node is of cluster ${clusterId}`);
}
