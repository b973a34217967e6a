// The door of members in tabs, `raftkv/member`: apart from the browser's main door, so that a page with a copy alone does not load the engine. `openBroadcastDoor`
// of `@raftkv/transport/web` and `openWebRtc` of `@raftkv/transport/webrtc` are ways between them.
export { openTabMember } from './open-tab-member.ts';

export type { TabPage } from './page-life.ts';
export type { TabMember } from './tab-member.ts';
export type {
  OpenTabNetwork,
  TabCluster,
  TabMemberEvent,
  TabMemberOptions,
  TabMemberStatus,
  TabNetwork,
} from './tab-options.ts';
