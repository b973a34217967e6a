// The way from the copy that the app reads to a member of the room: the one in this tab, the leader, or any that is there. Called by `room.ts` each time that the copy asks
// for one, so the app does not notice what its tab becomes.
import { tabWord } from '@raftkv/server';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { RoomCluster } from './room-clusters.ts';
import type { RoomNetwork } from './room-platform.ts';
import type { RoomSeat } from './room-seat.ts';

/** An endpoint that is no member's address: whichever there is. */
export const anyMember = 'room';

/** To whichever member serves best. A tab that knew of no cluster follows that one from then on. Rejects with `connect_failed` while there is none. */
export async function dialMember(
  {
    word: own,
    seat,
    network,
    clusters,
  }: {
    readonly word: string;
    readonly seat: RoomSeat;
    readonly network: RoomNetwork;
    readonly clusters: readonly RoomCluster[];
  },
  endpoint: string,
  signal: AbortSignal,
): Promise<Channel> {
  const asked = tabWord(endpoint);
  if (seat.member !== undefined && (asked === undefined || asked === own)) return seat.member.connect();
  if (asked !== undefined && asked !== own) return network.dial(asked, { signal, purpose: 'client' });
  const cluster = clusters.find(({ clusterId }) => clusterId === (seat.clusterId ?? clusterId));
  if (cluster === undefined) throw new RaftkvError('connect_failed', 'no member of this room is there');
  const word = cluster.leader ?? cluster.members[0]!;
  seat.clusterId = cluster.clusterId;
  seat.lineage = cluster.lineage;
  return network.dial(word, { signal, purpose: 'client' });
}
