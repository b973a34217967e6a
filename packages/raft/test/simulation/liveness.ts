// The second phase of a simulation: a quorum at least of every configuration that may yet count is healed, some of the others are left dead,
// deaf or mute. Within a bound a leader must be found, every change of members that was begun must have come to its end, every healed
// member must apply something new, and every read must be answered (T2, T9, T10, T22, T34, T36).
import { isSettled, newestLeader } from './changes.ts';
import type { Changes } from './changes.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Member } from '../member.ts';
import { UNITS_PER_TICK } from './world.ts';
import type { World } from './world.ts';
import { describeConfiguration } from '../trace.ts';
import { isQuorumOf, memberIds } from './configurations.ts';
import { stateOf } from '../../src/raft.ts';

const PATIENCE_TICKS = 400;

/** The simulation, as far as this phase drives it. */
export interface Stage {
  readonly world: World;
  readonly members: readonly Member[];
  readonly faults: Faults;
  readonly ledger: Ledger;
  readonly changes: Changes;
  restart(at: number): void;
  read(at: number): void;
  pump(at: number): void;
  runUntil(isOver: () => boolean): void;
}

/** Answers the ticks that it took. */
export function demandProgress(simulation: Stage): number {
  const { world, members, faults, ledger, changes } = simulation;
  world.isHealed = true;
  world.note('healed');
  faults.end(drawLeft(simulation));
  members.forEach((_, at) => simulation.restart(at));
  wakeMost(simulation);
  const start = world.now;
  const wanted = new Set<string>();
  let lastAsked = -Infinity;
  const ask = (): void => {
    lastAsked = world.now;
    changes.attend();
    for (let at = 0; at < members.length; at++) {
      if (faults.isLeft(at) || faults.isBuried(at)) continue;
      wanted.add(ledger.propose(at));
      simulation.read(at);
      simulation.pump(at);
    }
  };
  simulation.runUntil(() => {
    if (world.now - start > PATIENCE_TICKS * UNITS_PER_TICK)
      throw new Error(`no progress in ${PATIENCE_TICKS} ticks: ${members.map(describe).join('; ')}`);
    if (world.now - lastAsked > 25 * UNITS_PER_TICK) ask();
    return isWell(simulation, wanted);
  });
  const ticks = Math.ceil((world.now - start) / UNITS_PER_TICK);
  simulation.runUntil(() => world.now > start + (ticks + 30) * UNITS_PER_TICK);
  ledger.checkReadsAnswered(world.now - 30 * UNITS_PER_TICK);
  return ticks;
}

/** One of three voters and more may leave it to the others to campaign, whether or not its log is the one that they need. */
function wakeMost(simulation: Stage): void {
  const { world, members, faults } = simulation;
  const reluctant = world.below(members.length);
  members.forEach((member, at) => {
    const mayStay = at === reluctant && member.raft.status().configuration.voters.length > 2;
    if (mayStay || faults.isLeft(at) || member.raft.status().priority > 0) return;
    member.step({ type: 'setPriority', priority: 10 });
    simulation.pump(at);
  });
}

/** Who is not healed: any, as long as a quorum of each configuration that may yet count is. */
function drawLeft({ world, members, faults, changes }: Stage): Set<number> {
  const left = new Set<number>();
  const pending = changes.pending();
  for (let tries = world.below(4); tries > 0; tries--) {
    const at = world.below(members.length);
    const isThere = (id: string): boolean =>
      members.some((member, i) => member.id === id && i !== at && !left.has(i) && !faults.isBuried(i));
    if (!faults.isBuried(at) && pending.every((configuration) => isQuorumOf(configuration, isThere))) left.add(at);
  }
  return left;
}

/** There is a leader that votes, no change is under way, and all healed members are served. */
function isWell({ members, faults }: Stage, wanted: ReadonlySet<string>): boolean {
  const at = newestLeader(members);
  if (at < 0 || faults.isLeft(at) || !isSettled(members[at]!)) return false;
  const leader = members[at]!;
  const { active, activeIndex } = leader.raft.configurationStatus();
  if (!active.voters.includes(leader.id)) return false;
  for (const id of memberIds(active)) {
    const place = members.findIndex((member) => member.id === id);
    if (place >= 0 && (faults.isLeft(place) || faults.isBuried(place))) continue;
    const member = members[place];
    // Not started yet, or not brought up.
    if (member === undefined || !isServed(member, wanted) || !isSettled(member)) return false;
    if (stateOf(member.raft).commitIndex < activeIndex) return false;
  }
  return true;
}

/** Something that was proposed after the healing has been applied by this member. */
function isServed({ applied }: Member, wanted: ReadonlySet<string>): boolean {
  return applied.slice(-40).some(({ text }) => wanted.has(text));
}

function describe({ id, raft }: Member): string {
  const { role, term, commitIndex, log, durability, configuration } = stateOf(raft);
  const names = describeConfiguration(configuration);
  return `${id} ${role} ${term} commit ${commitIndex} log ${log.compactedIndex}+${log.entries.length} durable ${durability.persistedIndex} members ${names}`;
}
