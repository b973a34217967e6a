// What a tab says of itself that has just come and is no member, for suites that change what they look at.
import type { TabReport } from '../../src/room/room-message.ts';

export const report: TabReport = {
  type: 'report',
  domain: 'p1',
  isVisible: true,
  forMilliseconds: 0,
  upMilliseconds: 0,
  isMobile: false,
  isEphemeral: false,
  isLeaving: false,
  storeId: 's1',
  clusterId: undefined,
  lineage: { epoch: 1, before: [] },
  memberId: undefined,
  isLeader: false,
  members: [],
  logEnd: { term: 0, index: 0 },
  isGoingOn: false,
  yieldsTo: undefined,
};
