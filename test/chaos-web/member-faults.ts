// What happens to members beside the faults of all tabs: who they are is known beforehand, so somebody else may want to be one of them.
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { isChromium } from './fault.ts';
import type { Fault, FaultContext } from './fault.ts';
import { MemberSeat } from './member-seat.ts';
import type { Seat } from './seat.ts';

export const memberFaults: readonly Fault[] = [
  { name: 'duplicate', run: ([seat], context) => duplicate(memberIn(seat), context) },
  { name: 'robbed', suits: isChromium, run: ([seat], context) => rob(memberIn(seat), context) },
  { name: 'wipe', run: wipe },
];

function memberIn(seat: Seat | undefined): MemberSeat {
  if (seat instanceof MemberSeat) return seat;
  throw new Error('no member sits there');
}

/** Another tab of the profile wants to be the same member, and must not be. */
async function duplicate(seat: MemberSeat, { holdMilliseconds, find }: FaultContext): Promise<void> {
  const tab = await seat.newTab();
  const refused = await seat.openMember(tab, { patient: false });
  if (refused !== 'storage_locked')
    find(`a second tab of ${seat.name} was told ${refused ?? 'nothing, and is a second member'}`);
  await sleep(holdMilliseconds / 4);
  await tab.close();
  await seat.tab.show();
}

/** A frozen tab loses its storage to another one of the profile, and must not go on when it thaws. */
async function rob(seat: MemberSeat, { holdMilliseconds, find }: FaultContext): Promise<void> {
  const zombie = seat.tab;
  await zombie.freeze!();
  await sleep(holdMilliseconds / 2);
  const heir = await seat.newTab();
  const refused = await seat.openMember(heir, { steal: true });
  if (refused !== undefined) find(`${seat.name} could not take its storage from a frozen tab: ${refused}`);
  else seat.moveTo(heir);
  await zombie.resume!();
  await waitFor(
    `the robbed tab of ${seat.name} ends`,
    () => zombie.evaluate(() => chaosLab.status().phase === 'stopped', undefined),
    { timeoutMilliseconds: 90_000 },
  ).catch((error: Error) => find(error.message));
  await zombie.close();
}

/** One at a time: what is forgotten by two of three is forgotten. */
export async function wipe([seat]: readonly Seat[], { arena, holdMilliseconds }: FaultContext): Promise<void> {
  await seat!.wipe(arena.seats.filter((one) => one !== seat));
  await sleep(holdMilliseconds / 2);
  await seat!.open();
}
