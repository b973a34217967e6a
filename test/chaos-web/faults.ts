// What happens to tabs and browsers: everything that users, browsers and networks do to them. Each fault takes seats that no other one has, does its harm, holds
// it for a while and heals it; what must be true meanwhile it says itself, as a finding.
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { shuffled } from '../chaos/faults/fault.ts';
import type { Arena } from './arena.ts';
import { statusOf } from './arena.ts';
import type { Seat } from './seat.ts';

export interface FaultContext {
  readonly arena: Arena;
  /** Seeded for this one fault. */
  readonly random: () => number;
  readonly holdMilliseconds: number;
  readonly claims: Claims;
  readonly log: (what: string) => void;
  /** Something does not hold. */
  readonly find: (what: string) => void;
}

export interface Fault {
  readonly name: string;
  /** What it needs of a seat. Default: nothing. */
  readonly suits?: (seat: Seat) => boolean;
  /** How many of the seats it takes. Default 1. */
  readonly takes?: 'one' | 'all';
  readonly run: (seats: readonly Seat[], context: FaultContext) => Promise<void>;
}

/** Which seats are in the hands of a fault. */
export class Claims {
  readonly #taken = new Set<Seat>();

  /** The seats for this fault, half of the time with the one that leads; none if they are not free. */
  async take({ suits = () => true, takes = 'one' }: Fault, { arena, random }: FaultContext): Promise<Seat[]> {
    const wantsLeader = random() < 0.6;
    const order = shuffled(arena.seats, random);
    const leader = wantsLeader ? await arena.leader() : undefined;
    if (leader !== undefined) order.sort((a, b) => Number(b === leader) - Number(a === leader));
    const free = order.filter((seat) => !this.#taken.has(seat) && suits(seat));
    if (takes === 'all' && free.length < arena.seats.length) return [];
    const seats = takes === 'all' ? free : free.slice(0, 1);
    for (const seat of seats) this.#taken.add(seat);
    return seats;
  }
}

const isChromium = (seat: Seat): boolean => seat.kind === 'Chromium';

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

export const allFaults: readonly Fault[] = [
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
  { name: 'duplicate', run: duplicate },
  { name: 'robbed', suits: isChromium, run: rob },
  { name: 'wipe', run: wipe },
];

/** Another tab of the profile wants to be the same member, and must not be. */
async function duplicate([seat]: readonly Seat[], { holdMilliseconds, find }: FaultContext): Promise<void> {
  const tab = await seat!.newTab();
  const refused = await seat!.openMember(tab, { patient: false });
  if (refused !== 'storage_locked')
    find(`a second tab of ${seat!.name} was told ${refused ?? 'nothing, and is a second member'}`);
  await sleep(holdMilliseconds / 4);
  await tab.close();
  await seat!.tab.show();
}

/** A frozen tab loses its storage to another one of the profile, and must not go on when it thaws. */
async function rob([seat]: readonly Seat[], { holdMilliseconds, find }: FaultContext): Promise<void> {
  const zombie = seat!.tab;
  await zombie.freeze!();
  await sleep(holdMilliseconds / 2);
  const heir = await seat!.newTab();
  const refused = await seat!.openMember(heir, { steal: true });
  if (refused !== undefined) find(`${seat!.name} could not take its storage from a frozen tab: ${refused}`);
  else seat!.moveTo(heir);
  await zombie.resume!();
  await waitFor(
    `the robbed tab of ${seat!.name} ends`,
    () => zombie.evaluate(() => chaosLab.status().phase === 'stopped', undefined),
    { timeoutMilliseconds: 30_000 },
  ).catch((error: Error) => find(error.message));
  await zombie.close();
}

/** One at a time: what is forgotten by two of three is forgotten. */
async function wipe([seat]: readonly Seat[], { arena, holdMilliseconds }: FaultContext): Promise<void> {
  const others = arena.seats.filter((one) => one !== seat).map(({ name }) => name);
  await seat!.wipe(others);
  await sleep(holdMilliseconds / 2);
  await seat!.open();
}
