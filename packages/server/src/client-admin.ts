// A client's request about members, from its bytes to those of the answer. Carrying it out is the node's business.
import { RaftkvError, decodeAdminRequest, encodeAdminResult } from '@raftkv/wire';
import type { KvNode } from './node-api.ts';

/** Rejects with `unsupported` for a change that this client may not make, and with what the node says. */
export async function answerAdmin(node: KvNode, bytes: Uint8Array, mayChange: boolean): Promise<Uint8Array> {
  const request = decodeAdminRequest(bytes);
  if (request.type !== 'list' && !mayChange) {
    throw new RaftkvError('unsupported', 'a web page may list the members, not change them');
  }
  return encodeAdminResult(await node.admin(request));
}
