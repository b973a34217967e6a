// What a tab says of itself to the others of its room, put together from its parts. Said by `room-peers.ts`, whenever something of it changes and every now and then.
import type { TabReport } from './room-message.ts';
import type { RoomPlatform } from './room-platform.ts';
import type { RoomSeat } from './room-seat.ts';

interface TabFacts extends Pick<TabReport, 'clusterId' | 'isEphemeral' | 'isLeaving'> {
  readonly platform: Pick<RoomPlatform, 'clock' | 'domain' | 'isMobile' | 'isVisible'>;
  readonly seat: Pick<RoomSeat, 'member' | 'storeId' | 'lineage'>;
  /** By the platform's clock, like the next one. */
  readonly visibleSince: number;
  readonly openedAt: number;
  readonly said: Pick<TabReport, 'isGoingOn' | 'yieldsTo'>;
}

export function describeTab(facts: TabFacts): TabReport {
  const { platform, seat, visibleSince, openedAt, said, clusterId, isEphemeral, isLeaving } = facts;
  const { clock, domain, isMobile, isVisible } = platform;
  const { member, storeId, lineage } = seat;
  const now = clock.now();
  return {
    type: 'report',
    domain,
    isVisible: isVisible(),
    forMilliseconds: Math.round(now - visibleSince),
    upMilliseconds: Math.round(now - openedAt),
    isMobile,
    isEphemeral,
    isLeaving,
    storeId,
    clusterId,
    lineage,
    memberId: member?.id,
    isLeader: member?.isLeader ?? false,
    members: member?.members ?? [],
    logEnd: member?.logEnd ?? { term: 0, index: 0 },
    ...said,
  };
}
