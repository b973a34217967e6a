// The second phase of a simulation: a quorum at least is healed, some of the others are left dead, deaf or mute. Within a bound
// a leader must be found, every healed member must apply something new, and every read must be answered (T2, T9, T10, T34, T36).
import type { Member } from '../member.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import { UNITS_PER_TICK } from './world.ts';
import type { World } from './world.ts';
import { stateOf } from '../../src/raft.ts';

const PATIENCE_TICKS = 400;

/** The simulation, as far as this phase drives it. */
export interface Stage {
  readonly world: World;
  readonly members: readonly Member[];
  readonly faults: Faults;
  readonly ledger: Ledger;
  restart(at: number): void;
  read(at: number): void;
  pump(at: number): void;
  runUntil(isOver: () => boolean): void;
}

/** Answers the ticks that it took. */
export function demandProgress(simulation: Stage, voterCount: number): number {
  const { world, members, faults, ledger } = simulation;
  world.isHealed = true;
  world.note('healed');
  const tolerable = Math.floor((voterCount - 1) / 2);
  faults.end(world.below(tolerable + 1));
  members.forEach((_, at) => simulation.restart(at));
  const healed = members.map((_, at) => at).filter((at) => !faults.isLeft(at));
  const start = world.now;
  const wanted = new Set<string>();
  let lastAsked = -Infinity;
  const ask = (): void => {
    lastAsked = world.now;
    for (const at of healed) {
      wanted.add(ledger.propose(at));
      simulation.read(at);
      simulation.pump(at);
    }
  };
  simulation.runUntil(() => {
    if (world.now - start > PATIENCE_TICKS * UNITS_PER_TICK)
      throw new Error(`no progress in ${PATIENCE_TICKS} ticks: ${members.map(describe).join('; ')}`);
    if (world.now - lastAsked > 25 * UNITS_PER_TICK) ask();
    return healed.every((at) => isServed(members[at]!, wanted));
  });
  const ticks = Math.ceil((world.now - start) / UNITS_PER_TICK);
  simulation.runUntil(() => world.now > start + (ticks + 30) * UNITS_PER_TICK);
  ledger.checkReadsAnswered(world.now - 30 * UNITS_PER_TICK);
  return ticks;
}

/** Something that was proposed after the healing has been applied by this member. */
function isServed({ applied }: Member, wanted: ReadonlySet<string>): boolean {
  return applied.slice(-40).some(({ text }) => wanted.has(text));
}

function describe({ id, raft }: Member): string {
  const { role, term, commitIndex, log, durability } = stateOf(raft);
  return `${id} ${role} ${term} commit ${commitIndex} log ${log.compactedIndex}+${log.entries.length} durable ${durability.persistedIndex}`;
}
