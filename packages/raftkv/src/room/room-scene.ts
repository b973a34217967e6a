// Who is there, as one tab sees it: those that speak, sorted into its own room, the rooms beside it, and the one that went on without
// it. Asked by `room.ts` whenever something is to be decided or told.
import { clustersOf, successorOf } from './room-clusters.ts';
import type { RoomCluster } from './room-clusters.ts';
import type { ReportedMember } from './room-message.ts';
import type { RoomPeer, RoomPeers } from './room-peers.ts';
import type { RoomFacts } from './room-status.ts';

type RoomLook = Pick<RoomFacts, 'peers' | 'members' | 'clusters' | 'successor'>;

/** A tab says what it is once a second; one that is hidden may be woken once a minute. Whoever says nothing for so long does not run, though it may be there. */
const silence = { seenMilliseconds: 5_000, hiddenMilliseconds: 75_000 } as const;

export class RoomScene {
  readonly #peers: Pick<RoomPeers, 'all'>;

  constructor(peers: Pick<RoomPeers, 'all'>) {
    this.#peers = peers;
  }

  get clusters(): RoomCluster[] {
    return clustersOf(this.#live);
  }

  successor(clusterId: string | undefined): RoomCluster | undefined {
    return successorOf(clusterId, this.clusters);
  }

  /** As one tab of this room tells of it. `members`: as its own member has them, if it has one; else some member that is there says. */
  look(own: string | undefined, members: readonly ReportedMember[] | undefined): RoomLook {
    const peers = this.companions(own);
    const told = peers.find(({ report }) => report.isLeader) ?? peers.find(({ report }) => report.members.length > 0);
    const known = members ?? told?.report.members ?? [];
    return { peers, members: known, clusters: this.clusters, successor: this.successor(own) };
  }

  /** Those of this room, or of none yet. */
  companions(own: string | undefined): readonly RoomPeer[] {
    return this.#live.filter(
      ({ report: { clusterId } }) => clusterId === undefined || own === undefined || clusterId === own,
    );
  }

  get #live(): readonly RoomPeer[] {
    return this.#peers.all.filter(
      ({ report, silentMilliseconds }) =>
        silentMilliseconds < (report.isVisible ? silence.seenMilliseconds : silence.hiddenMilliseconds),
    );
  }
}
