// What goes on inside of a room, for who shows or tests it, as the page and the suites of this project do. An app needs none of it; what is promised of a room holds
// as long as nobody interferes with what is handed out here.
import type { Member, MemberEvent, MemberOptions } from '@raftkv/server';
import type { RoomPlatform } from './room-platform.ts';

export interface RoomInside {
  /** What the runtime gives to the room, and what the room is to have: a network, clocks or storages with something in between. Default: as it is given. */
  readonly platform?: (given: RoomPlatform) => RoomPlatform;
  /** Asked at each start of a member in this tab: what stands at its core, such as a `FlightRecorder`, and when it makes snapshots. Default: nothing, and as by default. */
  readonly replica?: () => NonNullable<MemberOptions['replica']>;
  /** This tab runs a member from now on, another one after each time that the page did not run; undefined: none any more. It is the room's to close. Not told when the room ends. */
  readonly onMember?: (member: Member | undefined) => void;
  /** What the members of this tab tell of themselves. */
  readonly onEvent?: (event: MemberEvent) => void;
}
