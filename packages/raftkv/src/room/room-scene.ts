// Who is there, as one tab sees it: those that speak, sorted into its own room, the rooms beside it, and the one that went on without
// it. Asked by `room.ts` whenever something is to be decided or told.
import { clustersOf, successorOf } from './room-clusters.ts';
import type { RoomCluster } from './room-clusters.ts';
import type { RoomPeer, RoomPeers } from './room-peers.ts';

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
