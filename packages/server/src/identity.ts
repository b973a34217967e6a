// Who is who: the ids of a cluster and of its founding members, derived from the cluster's token and the founders' names and storages, so that
// every founder computes the same. Later members get theirs through the log.
import type { PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';

/** No log grows so long. An id that begins above it was not given by a log, so it is a founder's. */
export const beyondIndexes = 2 ** 44;

export interface FoundingMember {
  readonly name: string;
  /** "host:port", one port for peers and clients; of a tab, the word by which it is found (`tabAddress`). */
  readonly address: string;
  readonly kind?: 'tab' | undefined;
  readonly domain?: string | undefined;
}

export interface ClusterIdentity {
  /** 16 hexadecimal digits, of the token and the sorted names. The id of clusters that were founded before ids were drawn; see `drawnClusterId`. */
  readonly clusterId: string;
  /** Likewise, and another one. Under this id founders meet, before and after their cluster has an id of its own. */
  readonly foundingId: string;
  readonly members: readonly (FoundingMember & { readonly id: PeerId })[];
}

/** Throws `config_invalid` if two members share a name, an address or (by a freak of the hash) an id. */
export function clusterIdentity(token: string, founders: readonly FoundingMember[]): ClusterIdentity {
  const names = founders.map((founder) => founder.name).toSorted();
  const clusterId = hash64(['cluster', token, ...names]);
  const foundingId = hash64(['founding', token, ...names]);
  const members = founders.map((founder) => ({ ...founder, id: founderId(token, founder.name) }));
  for (const field of ['name', 'address', 'id'] as const) {
    const seen = new Set<string>();
    for (const member of members) {
      if (seen.has(member[field])) {
        throw new RaftkvError('config_invalid', `cluster.peers: two members share the ${field} ${member[field]}`);
      }
      seen.add(member[field]);
    }
  }
  return { clusterId, foundingId, members };
}

/**
 * The id of a cluster, 16 hexadecimal digits: of the token, and of the names and storages of its founders. Storages draw their ids, and no founder votes before
 * all have noted those of all others (`founding.ts`). So all come to the same id without another word, it is noted wherever it can be asked for, and founding
 * once more with the same names and empty storages makes a cluster that no member, client or copy of the first takes for its own.
 */
export function drawnClusterId(
  token: string,
  founders: readonly { readonly name: string; readonly storeId: string }[],
): string {
  const sorted = founders.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return hash64(['drawn', token, ...sorted.flatMap(({ name, storeId }) => [name, storeId])]);
}

/** Of the entry that gave this id, if a log did: its first two digits only count the members that one entry adds. */
export function indexOf(id: PeerId): number | undefined {
  return isId(id) ? Number.parseInt(id.slice(2), 16) : undefined;
}

export function isGivenByLog(id: PeerId): boolean {
  const index = indexOf(id);
  return index !== undefined && index > 0 && index <= beyondIndexes;
}

export function isId(word: string): boolean {
  return /^[0-9a-f]{16}$/.test(word);
}

/** One that no log gives, so that whoever never knew the founders tells one that was removed from a newcomer. */
function founderId(token: string, name: string): PeerId {
  let id = hash64(['member', token, name]);
  for (let again = 1; indexOf(id)! <= beyondIndexes; again += 1) id = hash64(['member', token, name, `${again}`]);
  return id;
}

/** FNV-1a over the parts' UTF-8 with their lengths, then a finaliser to spread it; never 0, so that it is a valid id in etcd's gateway. */
function hash64(parts: readonly string[]): string {
  const mask = 0xffff_ffff_ffff_ffffn;
  const encoder = new TextEncoder();
  let hash = 0xcbf2_9ce4_8422_2325n;
  const mix = (byte: number): void => {
    hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & mask;
  };
  for (const part of parts) {
    const bytes = encoder.encode(part);
    mix(bytes.length & 0xff);
    mix((bytes.length >> 8) & 0xff);
    for (const byte of bytes) mix(byte);
  }
  hash ^= hash >> 33n;
  hash = (hash * 0xff51_afd7_ed55_8ccdn) & mask;
  hash ^= hash >> 33n;
  hash = (hash * 0xc4ce_b9fe_1a85_ec53n) & mask;
  hash ^= hash >> 33n;
  return (hash === 0n ? 1n : hash).toString(16).padStart(16, '0');
}
