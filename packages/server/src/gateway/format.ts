// Pieces of etcd's answers as JSON text. Written by concatenation, since every value is base64 or decimal digits; zero
// values are left out, as protobuf's JSON form does. Callers join the pieces with `objectOf`.
import type { KeyValue } from '@raftkv/kv';
import type { KvNode } from '../node-api.ts';
import { encodeBytes, encodeKey } from './base64.ts';

/** A JSON object of the pieces that are not empty. */
export function objectOf(...pieces: readonly string[]): string {
  let text = '';
  for (const piece of pieces) {
    if (piece !== '') text += text === '' ? piece : `,${piece}`;
  }
  return `{${text}}`;
}

/** A 64-bit number as a decimal string, or nothing if it is 0. */
export function numberPiece(name: string, value: number): string {
  return value === 0 ? '' : `"${name}":"${value}"`;
}

/** True, or nothing. */
export function truePiece(name: string, value: boolean): string {
  return value ? `"${name}":true` : '';
}

/** A list of ready texts, or nothing if it is empty. */
export function listPiece(name: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `"${name}":[${items.join(',')}]`;
}

export function formatKeyValue(entry: KeyValue): string {
  const value = entry.value.length === 0 ? '' : `,"value":"${encodeBytes(entry.value)}"`;
  return `{"key":"${encodeKey(entry.key)}","create_revision":"${entry.createRevision}","mod_revision":"${entry.revision}","version":"${entry.version}"${value}}`;
}

/** The header inside a transaction's answers: the revision alone. */
export function innerHeader(revision: number): string {
  return `"header":{"revision":"${revision}"}`;
}

/** Our ids are 16 hexadecimal digits, etcd's are decimal texts of the same 64 bits. */
export function decimalId(id: string): string {
  return BigInt(`0x${id}`).toString();
}

/** Writes the header of one node's answers; the ids are turned into decimals once. */
export class HeaderWriter {
  private readonly node: KvNode;
  private clusterId: string | undefined;
  private memberId = '';
  private ids = '';

  constructor(node: KvNode) {
    this.node = node;
  }

  /**
   * `revision` 0 leaves it out. The term is read now, when the answer is written: after a linearizable
   * operation this node has heard of a term at least as high as the one that served it, so it never goes back for a client that hops.
   */
  piece(revision: number): string {
    const { node } = this;
    if (node.clusterId !== this.clusterId || node.memberId !== this.memberId) {
      this.clusterId = node.clusterId;
      this.memberId = node.memberId;
      this.ids = `"cluster_id":"${decimalId(this.clusterId ?? '0')}","member_id":"${decimalId(this.memberId)}"`;
    }
    const revisionPart = revision === 0 ? '' : `,"revision":"${revision}"`;
    return `"header":{${this.ids}${revisionPart},"raft_term":"${node.term}"}`;
  }
}
