// Where a run takes place: the seats, a relay that passes signals on, the page's server, and an ear for what members tell of themselves. Faults act on it; it
// knows none of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRelay } from '../browser/harness/relay.ts';
import { serveSite } from '../browser/harness/site.ts';
import type { Note } from '../browser/pages/chaos-calls.ts';
import type { ChaosTabOptions, TabSight } from '../browser/pages/chaos-lab.ts';
import { sleep, waitFor, within } from '../e2e/harness/wait.ts';
import { MemberSeat } from './member-seat.ts';
import { Meeting, RoomSeat } from './room-seat.ts';
import type { Seat, SeatOptions } from './seat.ts';

const settleMilliseconds = 90_000;
const names = ['ada', 'bob', 'eve', 'gus', 'ida', 'kim', 'leo'];
/** Patience of rooms in a run: short, so that places are given to others again and again. */
const patience = {
  stableMilliseconds: 500,
  steadyMilliseconds: 1_500,
  goneMilliseconds: 3_500,
  hiddenMilliseconds: 3_500,
} as const;

export interface ArenaOptions {
  readonly on: 'room' | 'member';
  readonly seats: number;
  /** One of them is a Firefox. */
  readonly firefox: boolean;
  readonly lab?: Partial<Pick<ChaosTabOptions, 'reads' | 'electionTimeoutMilliseconds' | 'snapshotThreshold'>>;
}

export class Arena {
  readonly seats: readonly Seat[];
  /** In the order in which they came. */
  readonly notes: readonly Note[];
  readonly #closers: readonly (() => Promise<void>)[];

  private constructor(parts: Pick<Arena, 'seats' | 'notes'>, closers: readonly (() => Promise<void>)[]) {
    this.seats = parts.seats;
    this.notes = parts.notes;
    this.#closers = closers;
  }

  /** Builds it, and waits until there is a leader. */
  static async open(options: ArenaOptions): Promise<Arena> {
    const folder = mkdtempSync(path.join(tmpdir(), 'raftkv-chaos-web-'));
    const notes: Note[] = [];
    const page = options.on === 'room' ? 'chaos-room' : 'chaos';
    const [site, relay, ear] = await Promise.all([serveSite([page]), openRelay(), openEar(notes)]);
    const seats = seatsOf(options, { folder, url: site.url(page), relay: relay.url, notes: ear.url });
    const arena = new Arena({ seats, notes }, [
      () => relay.close(),
      () => ear.close(),
      () => site.close(),
      () => Promise.resolve(rmSync(folder, { recursive: true, force: true, maxRetries: 10 })),
    ]);
    try {
      await arena.settle();
      return arena;
    } catch (error) {
      await arena.close();
      throw error;
    }
  }

  /** The seat of the member that leads, by its own word. Undefined: nobody does at the moment. */
  async leader(): Promise<Seat | undefined> {
    const told = await Promise.all(this.seats.map(async (seat) => ({ seat, status: await statusOf(seat) })));
    const leading = told.filter(({ status }) => status?.isLeader === true);
    // One that was cut off may believe it still.
    return leading.toSorted((a, b) => b.status!.term - a.status!.term)[0]?.seat;
  }

  /** Every seat has a member that runs and votes, and all follow one leader: nothing is broken any more, so nothing excuses one that does not. */
  async settle(): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.open()));
    let last: unknown;
    await waitFor(
      'all members follow one leader',
      async () => {
        const statuses = await Promise.all(this.seats.map((seat) => statusOf(seat)));
        last = statuses;
        return areOne(statuses) && (await this.#isComplete(statuses));
      },
      { timeoutMilliseconds: settleMilliseconds, intervalMilliseconds: 200 },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; the last was ${JSON.stringify(last)}`, { cause: error });
    });
  }

  /** The members are those of the seats, and nobody else, as each of them has it. */
  async #isComplete(statuses: readonly (TabSight | undefined)[]): Promise<boolean> {
    const present = new Set(statuses.map((status) => status?.self));
    const told = await Promise.all(
      this.seats.map((seat) =>
        within(
          5_000,
          'the members are told',
          seat.tab.evaluate(() => chaosLab.members(), undefined),
        ),
      ),
    );
    return told.every(
      ({ isChanging, members }) =>
        !isChanging &&
        members.length === present.size &&
        members.every(({ name, role }) => role === 'voter' && present.has(name)),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.close()));
    // Browsers write a last time after they said that they are gone.
    await sleep(200);
    for (const close of this.#closers) await close();
  }
}

/** All run and vote, in one cluster, with one leader whom all follow. */
function areOne(statuses: readonly (TabSight | undefined)[]): boolean {
  const [first] = statuses;
  return (
    statuses.filter((status) => status?.isLeader).length === 1 &&
    statuses.every(
      (status) =>
        status?.phase === 'running' &&
        status.standing === 'voter' &&
        status.leader !== undefined &&
        status.leader === first?.leader &&
        status.cluster === first.cluster,
    )
  );
}

interface Places {
  readonly folder: string;
  readonly url: string;
  readonly relay: string;
  readonly notes: string;
}

function seatsOf({ on, seats: count, firefox, lab }: ArenaOptions, { folder, url, relay, notes }: Places): Seat[] {
  const founders = names.slice(0, count);
  const meeting = new Meeting();
  const shared = { relay, notes, snapshotThreshold: 500, ...lab };
  return founders.map((name, at) => {
    const kind = firefox && at === count - 1 ? 'Firefox' : 'Chromium';
    const seat: SeatOptions = { kind, folder: path.join(folder, name), url, name };
    if (on === 'member') return new MemberSeat({ ...seat, lab: shared, founders });
    return new RoomSeat({ ...seat, lab: shared, meeting, policy: { ...patience, maxVoters: count > 3 ? 5 : 3 } });
  });
}

/** Undefined: it cannot be asked at the moment. */
export async function statusOf(seat: Seat): Promise<TabSight | undefined> {
  if (!seat.isOpen) return undefined;
  try {
    return await within(
      2_000,
      'it answers',
      seat.tab.evaluate(() => chaosLab.status(), undefined),
    );
  } catch {
    return undefined;
  }
}

async function openEar(notes: Note[]): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.method === 'POST') notes.push(JSON.parse(Buffer.concat(parts).toString()) as Note);
      response.writeHead(204, { 'access-control-allow-origin': '*' }).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
