// Which cluster a room is. There is one, but for a room that went on without its majority: then there is the one before, if its members come back, and the one
// after; or two after, if two went on apart. Pure, from what tabs say of themselves.
import type { RoomPeer } from './room-peers.ts';
import type { RoomLineage } from './room-note.ts';

/** As the tabs that are there tell of it. */
export interface RoomCluster {
  readonly clusterId: string;
  readonly lineage: RoomLineage;
  /** Words of its members that are there. */
  readonly members: readonly string[];
  /** Undefined: nobody leads. */
  readonly leader: string | undefined;
}

/** The best one to join first: of the latest epoch, with a leader; else by their ids, so that all who come choose the same. */
export function clustersOf(peers: readonly RoomPeer[]): RoomCluster[] {
  const found = new Map<
    string,
    { clusterId: string; lineage: RoomLineage; members: string[]; leader: string | undefined }
  >();
  for (const { word, report } of peers) {
    const { clusterId, lineage, memberId, isLeader, isLeaving } = report;
    if (clusterId === undefined || memberId === undefined || isLeaving) continue;
    const cluster = found.get(clusterId) ?? { clusterId, lineage, members: [], leader: undefined };
    cluster.members.push(word);
    if (isLeader) cluster.leader = word;
    found.set(clusterId, cluster);
  }
  return [...found.values()].toSorted(
    (a, b) =>
      b.lineage.epoch - a.lineage.epoch ||
      Number(b.leader !== undefined) - Number(a.leader !== undefined) ||
      (a.clusterId < b.clusterId ? -1 : 1),
  );
}

/** The one that went on from this one, if somebody of it is there. */
export function successorOf(clusterId: string | undefined, clusters: readonly RoomCluster[]): RoomCluster | undefined {
  return clusters.find(({ lineage }) => clusterId !== undefined && lineage.before.includes(clusterId));
}
