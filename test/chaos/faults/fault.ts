// What a fault is, and what it is given: the arena, dice of its own, how long to last, and a claim on members, so that no two faults kill and
// start the same one. A fault heals what it did before it returns; what it needs of the machine it says beforehand.
import type { Arena } from '../arena.ts';

export interface FaultContext {
  readonly arena: Arena;
  /** Seeded for this one fault. */
  readonly random: () => number;
  readonly holdMilliseconds: number;
  readonly claims: Claims;
  readonly log: (what: string) => void;
  /** Adds to a figure of the closing summary. */
  readonly count: (what: string, by?: number) => void;
}

export interface Fault {
  readonly name: string;
  /** How often it is drawn, beside the others. Default 1. */
  readonly weight?: number;
  /** Whether this machine, and what runs on it, allow it. */
  readonly isPossible: (arena: Arena) => boolean;
  readonly run: (context: FaultContext) => Promise<void>;
}

/** Which members are in the hands of a fault that stops and starts them. */
export class Claims {
  private readonly taken = new Set<number>();

  /** Up to `count` free members, the leader first if wanted; perhaps none. */
  async take(context: FaultContext, count: number, wantsLeader = context.random() < 0.5): Promise<number[]> {
    const { arena, random } = context;
    const order = shuffled(arena.members, random);
    if (wantsLeader) {
      const leader = await arena.cluster.leader(1000).catch(() => undefined);
      if (leader !== undefined) order.sort((a, b) => Number(b === leader) - Number(a === leader));
    }
    const members = order
      .filter((member) => !this.taken.has(member) && arena.cluster.isRunning(member))
      .slice(0, count);
    for (const member of members) this.taken.add(member);
    return members;
  }

  /** One place that nobody lives at, if there is one. */
  takePlace(arena: Arena): number | undefined {
    const place = arena.freePlaces.find((one) => !this.taken.has(one));
    if (place !== undefined) this.taken.add(place);
    return place;
  }

  release(members: readonly number[]): void {
    for (const member of members) this.taken.delete(member);
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const to = Math.floor(random() * (at + 1));
    [order[at], order[to]] = [order[to]!, order[at]!];
  }
  return order;
}

/** One, a minority, a majority or all of the members: how many. */
export function someCount(members: number, random: () => number): number {
  const dice = random();
  if (dice < 0.45) return 1;
  if (dice < 0.7) return Math.floor((members - 1) / 2);
  return dice < 0.85 ? Math.floor(members / 2) + 1 : members;
}

export function named(context: FaultContext, members: readonly number[]): string {
  return members.map((member) => context.arena.cluster.name(member)).join(', ');
}
