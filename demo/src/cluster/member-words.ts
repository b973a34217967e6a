// What a member is at the moment, in a word. Pure.
import type { NodeStatus } from 'raftkv';
import type { MemberHealth, MemberView, MemberWay } from '../model/cluster-view.ts';

const healths: Readonly<Record<MemberHealth, string>> = {
  up: 'up',
  heard: 'follower',
  silent: 'silent',
  starting: 'starting',
  running: 'running',
  paused: 'paused',
  stopping: 'stopping',
  stopped: 'stopped',
  killed: 'killed',
  failed: 'failed',
};

/** As `raftkv member list` says it; undefined for a process of Node. */
export function describeTab({ tab }: Pick<MemberView, 'tab'>): string | undefined {
  if (tab === undefined) return undefined;
  return tab.domain === undefined ? 'a tab' : `a tab of browser profile ${tab.domain}`;
}

const carriers: Readonly<Record<string, string>> = {
  websocket: 'a WebSocket',
  webrtc: 'WebRTC',
  broadcast: 'a BroadcastChannel',
};

/** As `raftkv status` says it; undefined where all are reached by direct WebSockets. */
export function describeWays({ ways }: Pick<MemberView, 'ways'>): string | undefined {
  return ways.length === 0 ? undefined : `reaches ${ways.map((way) => `${way.to} ${describeWay(way)}`).join(', ')}`;
}

export function describeWay({ kind = '', isRelayed }: Pick<MemberWay, 'kind' | 'isRelayed'>): string {
  return isRelayed ? 'through a relay' : `over ${carriers[kind] ?? 'another way'}`;
}

/** `isLeader`: of the cluster. */
export function describeMember({ health, status, isLearner }: MemberView, isLeader: boolean): string {
  if (isLearner && (health === 'up' || health === 'heard')) return 'learner';
  return health === 'up' ? describeRole(status!, isLeader) : describeHealth(health, isLeader);
}

/** `isLeader` as others say. */
export function describeHealth(health: MemberHealth, isLeader = false): string {
  return isLeader ? 'leader' : healths[health];
}

/** `isLeader`: of the cluster; one that was cut off may still call itself so. */
export function describeRole({ phase, role }: NodeStatus, isLeader: boolean): string {
  if (phase === 'founding') return 'founding';
  if (role === 'leader') return isLeader ? 'leader' : 'deposed';
  return role === 'follower' ? 'follower' : 'candidate';
}
