// What a fault is: it takes seats that no other one has, does its harm, holds it for a while and heals it; what must be true meanwhile it says itself, as a finding.
// The faults are in `faults.ts`, `member-faults.ts` and `room-faults.ts`; the schedule draws from them.
import { shuffled } from '../chaos/faults/fault.ts';
import type { Arena } from './arena.ts';
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

  get taken(): ReadonlySet<Seat> {
    return this.#taken;
  }

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

export const isChromium = (seat: Seat): boolean => seat.kind === 'Chromium';
