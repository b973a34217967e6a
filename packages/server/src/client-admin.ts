// A client's question that is carried as bytes, about members or for a digest, to the bytes of the answer. Carrying it out is the node's business.
import { RaftkvError, decodeAdminRequest, encodeAdminResult, encodeDigestAnswer } from '@raftkv/wire';
import type { OperationName } from './metrics.ts';
import type { KvNode } from './node-api.ts';

/** Rejects with `unsupported` for a change that this client may not make, and with what the node says. */
export async function answerAdmin(
  node: KvNode,
  bytes: Uint8Array,
  options: { readonly mayChange: boolean; readonly onNamed: (operation: OperationName) => void },
): Promise<Uint8Array> {
  const request = decodeAdminRequest(bytes);
  options.onNamed(request.type === 'digest' ? 'digest' : 'members');
  if (request.type === 'digest') return encodeDigestAnswer(await node.digest(request));
  if (request.type !== 'list' && !options.mayChange) {
    throw new RaftkvError('unsupported', 'a web page may list the members, not change them');
  }
  return encodeAdminResult(await node.admin(request));
}
