// What a member is at the moment, in a word. Pure.
import type { NodeStatus } from 'raftkv';
import type { MemberHealth, MemberView } from '../model/cluster-view.ts';

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
