// Members that come, go and change their parts: what is asked of the leader, drawn so that every kind of change and several at once come
// about, and what befalls a change when it has just begun. Who was added is started once that is certain, as a driver does; who was removed
// stays on the air, or is switched off for good after a while. Called by simulation.ts.
import type { Configuration, MemberChange } from '../../src/index.ts';
import { memberIds, newestIn } from './configurations.ts';
import type { Checks } from './checks.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Member } from '../member.ts';
import type { Weather } from './weather.ts';
import type { World } from './world.ts';
import { stateOf } from '../../src/raft.ts';

/** Members of one configuration, and lives of one world. */
const MOST_MEMBERS = 7;
const MOST_LIVES = 12;

const kinds = [
  'learner',
  'voter',
  'promote',
  'promote',
  'demote',
  'remove',
  'remove',
  'leave',
  'replace',
  'update',
  'several',
] as const;

/** The simulation, as far as changes need it. */
export interface Place {
  readonly world: World;
  readonly weather: Weather;
  readonly members: readonly Member[];
  readonly faults: Faults;
  readonly checks: Checks;
  readonly ledger: Ledger;
  /** Starts one that was added. */
  join(id: string, told: { readonly index: number; readonly configuration: Configuration }): void;
}

export class Changes {
  readonly #place: Place;
  #named = 0;
  /** Changes that were taken by a leader, by what was asked. */
  readonly taken = new Map<string, number>();
  acceptedCount = 0;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Asks the leader, or now and then somebody else, for a change. */
  propose(at: number): void {
    const { world, members, ledger, weather } = this.#place;
    const kind = world.pick(kinds);
    const { configuration } = members[at]!.raft.status();
    const changes = this.#draw(kind, configuration, members[at]!.id);
    if (changes.length === 0) return;
    const { index, refused } = ledger.change(at, changes);
    world.note(`${members[at]!.id} is to ${changes.map(describe).join(', ')}: ${refused ?? index}`);
    if (index === undefined) return;
    this.acceptedCount++;
    this.taken.set(kind, (this.taken.get(kind) ?? 0) + 1);
    if (world.chance(weather.interruption)) world.schedule('interrupt', at, world.below(world.pick([5, 40])));
  }

  /** A change is under way at this leader: it crashes, or the lines are cut where it hurts. */
  interrupt(at: number): void {
    const { world, members, faults } = this.#place;
    const { id, raft } = members[at]!;
    const { voters, votersOutgoing } = raft.status().configuration;
    const how = world.pick(['crash', 'crashLong', 'alone', 'halves', 'leavers', 'dice'] as const);
    world.note(`interrupted: ${how} at ${id}`);
    if (how === 'crash') return faults.crash(at, 10);
    if (how === 'crashLong') return faults.crash(at, 300);
    if (how === 'alone') return faults.splitBy((other) => other === id);
    // The new half from those who are leaving; or the leader with those who are leaving, or with the learners, from the rest.
    if (how === 'halves') return faults.splitBy((other) => voters.includes(other));
    if (how === 'leavers') return faults.splitBy((other) => other === id || !voters.includes(other));
    const side = new Set([...voters, ...votersOutgoing].filter(() => world.chance(0.5)));
    faults.splitBy((other) => side.has(other));
  }

  /** Starts those who are members for certain, as somebody who is awake says, and are not there yet; switches off some who are gone. */
  attend(): void {
    const { world, members, faults, checks } = this.#place;
    for (let at = 0; at < members.length; at++) {
      if (checks.configurations.isGone(members[at]!.id) && !world.isHealed && world.chance(0.03)) faults.bury(at);
    }
    const known = new Set(members.map(({ id }) => id));
    for (let at = 0; at < members.length; at++) {
      if (!faults.isAwake(at)) continue;
      const { committedConfiguration: configuration, committedConfigurationIndex: index } = members[at]!.raft.status();
      for (const id of memberIds(configuration)) {
        if (known.has(id) || (!world.isHealed && world.chance(0.5))) continue;
        known.add(id);
        this.#place.join(id, { index, configuration });
      }
    }
  }

  /** Every configuration that may yet count: the newest committed one, and all later ones in whatever log. */
  pending(): Configuration[] {
    const { members, checks } = this.#place;
    const { index, configuration } = checks.configurations.latest;
    const later = members.map((member) => newestIn(member)).filter((held) => held.index > index);
    return [configuration, ...later.map((held) => held.configuration)];
  }

  #draw(kind: (typeof kinds)[number], configuration: Configuration, own: string): MemberChange[] {
    const { world, members } = this.#place;
    const { voters, learners } = configuration;
    const others = voters.filter((id) => id !== own);
    const hasRoom =
      memberIds(configuration).size < MOST_MEMBERS && members.length + this.#unborn(configuration) < MOST_LIVES;
    switch (kind) {
      case 'learner':
      case 'voter':
        return hasRoom ? [this.#add(kind)] : [];
      case 'promote':
        return learners.length > 0 ? [{ type: 'promote', id: world.pick(learners), storeId: 's' }] : [];
      case 'demote':
        return voters.length > 1 ? [{ type: 'demote', id: world.pick(voters) }] : [];
      case 'remove': {
        const ids = [...learners, ...others];
        return ids.length > 0 && voters.length > 1 ? [{ type: 'remove', id: world.pick(ids) }] : [];
      }
      case 'leave':
        return voters.length > 1 && voters.includes(own) ? [{ type: 'remove', id: own }] : [];
      case 'replace': {
        const out: MemberChange = { type: 'remove', id: world.pick(voters) };
        if (learners.length > 0) return [{ type: 'promote', id: world.pick(learners) }, out];
        return hasRoom ? [this.#add('voter'), out] : [];
      }
      case 'update': {
        const n = ++this.#named;
        return [{ type: 'update', id: world.pick(voters), name: `n${n}`, address: `h:${n}` }];
      }
      case 'several': {
        const parts = ['learner', 'voter', 'promote', 'demote', 'remove', 'leave', 'replace', 'update'] as const;
        return Array.from({ length: 2 + world.below(3) }, () =>
          this.#draw(world.pick(parts), configuration, own),
        ).flat();
      }
    }
  }

  #add(as: 'learner' | 'voter'): MemberChange {
    const n = ++this.#named;
    return { type: 'add', member: { name: `n${n}`, address: `h:${n}`, storeId: undefined }, as };
  }

  #unborn(configuration: Configuration): number {
    const { members } = this.#place;
    return [...memberIds(configuration)].filter((id) => !members.some((member) => member.id === id)).length;
  }
}

/** Whether this member counts in the end: the configuration is settled, and says so. */
export function isSettled({ raft }: Member): boolean {
  const { activeIndex, committedIndex, active } = raft.configurationStatus();
  return activeIndex === committedIndex && active.votersOutgoing.length === 0;
}

/** Whoever leads the highest term. */
export function newestLeader(members: readonly Member[]): number {
  let found = -1;
  for (let at = 0; at < members.length; at++) {
    const { role, term } = stateOf(members[at]!.raft);
    if (role === 'leader' && (found < 0 || term > stateOf(members[found]!.raft).term)) found = at;
  }
  return found;
}

function describe(change: MemberChange): string {
  if (change.type === 'add') return `add a ${change.as}`;
  return `${change.type} ${change.id}`;
}
