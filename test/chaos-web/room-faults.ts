// What happens in rooms beside the faults of all tabs: tabs come and go, as members and as guests, and the room chooses anew who votes.
import { sleep } from '../e2e/harness/wait.ts';
import type { Fault, FaultContext } from './fault.ts';
import { wipe } from './member-faults.ts';
import { RoomSeat } from './room-seat.ts';
import type { Seat } from './seat.ts';

export const roomFaults: readonly Fault[] = [
  { name: 'leave', run: ([seat], context) => leave(roomIn(seat), context) },
  { name: 'guest', run: ([seat], context) => guest(roomIn(seat), context) },
  { name: 'move', run: ([seat], context) => move(roomIn(seat), context) },
  { name: 'wipe', run: wipe },
];

function roomIn(seat: Seat | undefined): RoomSeat {
  if (seat instanceof RoomSeat) return seat;
  throw new Error('no tab of a room sits there');
}

/** In order: the others let it go. It joins again, as another member. */
async function leave(seat: RoomSeat, { holdMilliseconds }: FaultContext): Promise<void> {
  await seat.leave();
  await sleep(holdMilliseconds);
  await seat.open();
}

/** Another tab of the profile comes in, and goes, told or not; it may have come to vote meanwhile. */
async function guest(seat: RoomSeat, { holdMilliseconds, random }: FaultContext): Promise<void> {
  const tab = await seat.openGuest();
  await sleep(holdMilliseconds);
  if (random() < 0.5 && tab.crash !== undefined) await tab.crash();
  else await tab.close();
  await seat.tab.show();
}

/** A second tab comes into the room, and the first one goes: as when somebody opens the link anew and closes the old tab. */
async function move(seat: RoomSeat, { holdMilliseconds }: FaultContext): Promise<void> {
  const heir = await seat.openGuest();
  await sleep(holdMilliseconds);
  const former = seat.tab;
  seat.moveTo(heir);
  await former.close();
}
