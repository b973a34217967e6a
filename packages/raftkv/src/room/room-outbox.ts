// Keeping what is written in a room: under the room's own name, so that no other room of the origin finds it, and bound to the cluster that this tab is of. A room that goes on
// is of another cluster: what waited for the one before is refused there and told, never sent. What keeps writes is the app's to bring; called by `room.ts`.
import type { KeepWrites } from '@raftkv/observer';
import { roomIdOf } from './room-link.ts';
import type { RoomKey } from './room-link.ts';

/** `clusterId`: of the cluster that this tab is of, as far as that is known now. */
export function keepInRoom(keep: KeepWrites, key: RoomKey, clusterId: () => string | undefined): KeepWrites {
  return (host) => keep({ ...host, scope: roomScope(key), cluster: clusterId });
}

/** All tabs of one origin that are in the room keep their writes there. */
export function roomScope(key: RoomKey): string {
  return `room.${roomIdOf(key)}`;
}
