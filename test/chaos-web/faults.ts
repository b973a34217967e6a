// What happens to tabs and browsers, whatever is in them: everything that users, browsers and networks do. Those that only members know are in `member-faults.ts`,
// those of rooms in `room-faults.ts`.
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { statusOf } from './arena.ts';
import { isChromium } from './fault.ts';
import type { Fault } from './fault.ts';
import { memberFaults } from './member-faults.ts';
import { roomFaults } from './room-faults.ts';
import type { Seat } from './seat.ts';

/** Gone for so long, and back. */
function away(leave: (seat: Seat) => Promise<void>): Fault['run'] {
  return async (seats, { holdMilliseconds }) => {
    await Promise.all(seats.map((seat) => leave(seat)));
    await sleep(holdMilliseconds);
    await Promise.all(seats.map((seat) => seat.open()));
  };
}

function severed(links: boolean, relay: boolean): Fault['run'] {
  return async ([seat], { holdMilliseconds }) => {
    const { tab } = seat!;
    const sever = (ways: readonly [boolean, boolean]): Promise<void> =>
      tab.evaluate(([l, r]) => chaosLab.sever(l, r), ways);
    await sever([links, relay]);
    await sleep(holdMilliseconds);
    await sever([false, false]);
  };
}

const slowestMilliseconds = 400;

const commonFaults: readonly Fault[] = [
  { name: 'close', run: away((seat) => seat.closeTab('close')) },
  { name: 'crash', suits: isChromium, run: away((seat) => seat.closeTab('crash')) },
  { name: 'kill', run: away((seat) => seat.kill()) },
  { name: 'kill-all', takes: 'all', run: away((seat) => seat.kill()) },
  { name: 'close-all', takes: 'all', run: away((seat) => seat.closeTab('close')) },
  { name: 'reload', run: ([seat]) => seat!.reload() },
  {
    name: 'freeze',
    suits: isChromium,
    run: async ([seat], { holdMilliseconds }) => {
      const { tab } = seat!;
      await tab.freeze!();
      await sleep(holdMilliseconds);
      await tab.resume!();
    },
  },
  {
    name: 'stall',
    run: async ([seat], { holdMilliseconds }) => {
      const goOn = await seat!.browser.stall();
      await sleep(holdMilliseconds);
      goOn();
    },
  },
  {
    name: 'hide',
    run: async ([seat], { holdMilliseconds, find }) => {
      const { tab, name } = seat!;
      await tab.hide();
      await waitFor(`${name} is hidden`, () => tab.evaluate(() => chaosLab.isHidden(), undefined));
      await sleep(holdMilliseconds);
      const status = await statusOf(seat!);
      if (status !== undefined && status.priority !== 0) find(`${name} is hidden, and has priority ${status.priority}`);
      await tab.show();
    },
  },
  { name: 'links', run: severed(true, false) },
  { name: 'relay', run: severed(false, true) },
  { name: 'cut-off', run: severed(true, true) },
  {
    name: 'silence',
    run: async ([seat], { holdMilliseconds }) => {
      const { tab } = seat!;
      await tab.evaluate(() => chaosLab.silence(true), undefined);
      await sleep(holdMilliseconds);
      await tab.evaluate(() => chaosLab.silence(false), undefined);
    },
  },
  {
    name: 'slow',
    run: async ([seat], { holdMilliseconds, random }) => {
      const { tab } = seat!;
      await tab.evaluate((most) => chaosLab.slowDown(most), random() * slowestMilliseconds);
      await sleep(holdMilliseconds);
      await tab.evaluate(() => chaosLab.slowDown(0), undefined);
    },
  },
];

/** Everything that can happen to tabs in rooms, or to members. */
export function faultsOn(on: 'room' | 'member'): readonly Fault[] {
  return [...commonFaults, ...(on === 'room' ? roomFaults : memberFaults)];
}
