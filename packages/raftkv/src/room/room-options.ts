// What an app says of a room, in any runtime, with every default in one place.
import type { KeepWrites, ReplicaOptions } from '@raftkv/observer';
import type { RoomInside } from './room-inside.ts';
import type { RoomPlatform } from './room-platform.ts';
import type { RoomPolicyOptions } from './room-policy.ts';

export interface RoomOptions<Value = unknown> extends Pick<
  ReplicaOptions<Value>,
  'codec' | 'requestTimeoutMilliseconds'
> {
  /**
   * What `keptWrites()` of `raftkv/outbox` answers: what `kv.mutate` writes is kept on this device until it is settled, over reloads and crashes, and sent exactly once when the room
   * works. It is meant for the cluster that the room was when it was made: after `goOnFromHere` or `joinAnew` what still waits is in `kv.writes` as `refused`, or as `unknown` if
   * it may have happened, with `wrong_cluster`, until `kv.outbox.retry` or `discard`. Default: in memory, until this room ends.
   */
  readonly outbox?: KeepWrites;
  /** How many vote, and when tabs take the place of others. */
  readonly policy?: RoomPolicyOptions;
  /** How long the room does without a leader before others campaign. Default 1 s. */
  readonly electionTimeoutMilliseconds?: number;
  /** How long `leave` waits until the others have let this member go. Default 5 s. */
  readonly leaveMilliseconds?: number;
  /** For who shows or tests what goes on inside. Default: nobody looks. */
  readonly inside?: RoomInside;
}

export const roomDefaults = { electionTimeoutMilliseconds: 1_000, leaveMilliseconds: 5_000 } as const;

/** Of members in tabs, as in `raftkv/member`: who is seen leads. */
const roomPriorities = { desktop: 20, mobile: 10, hidden: 0 } as const;

export function priorityOf({ isVisible, isMobile }: Pick<RoomPlatform, 'isVisible' | 'isMobile'>): number {
  if (!isVisible()) return roomPriorities.hidden;
  return isMobile ? roomPriorities.mobile : roomPriorities.desktop;
}
