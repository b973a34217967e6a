// What goes wrong now: links that are cut (one-way ones too), members that crash, pause or have a slow disk. Kept as plain
// facts that the simulation asks; drawn one at a time while the world is not healed.
import type { Member } from '../member.ts';
import { stateOf } from '../../src/raft.ts';
import type { World } from './world.ts';

const kinds = [
  'crash',
  'crash',
  'isolate',
  'isolate',
  'split',
  'oneWay',
  'oneWay',
  'pause',
  'slow',
  'heal',
  'heal',
  'heal',
] as const;

export class Faults {
  readonly #world: World;
  readonly #members: readonly Member[];
  readonly #blocked = new Set<string>();
  readonly #down: boolean[] = [];
  readonly #pausedUntil: number[] = [];
  readonly #slowness: number[] = [];
  readonly #left = new Set<number>();
  readonly #dead = new Set<number>();
  crashCount = 0;
  /** Called when a member goes down. */
  onCrash: (at: number) => void = () => {};

  constructor(world: World, members: readonly Member[]) {
    this.#world = world;
    this.#members = members;
  }

  /** One more member, the last of them. */
  admit(): void {
    this.#down.push(false);
    this.#pausedUntil.push(0);
    this.#slowness.push(1);
  }

  /** Left behind for good when the others were healed. */
  isLeft(at: number): boolean {
    return this.#left.has(at);
  }
  isDown(at: number): boolean {
    return this.#down[at]!;
  }
  isPaused(at: number): boolean {
    return this.#pausedUntil[at]! > this.#world.now;
  }
  /** Neither down nor paused. */
  isAwake(at: number): boolean {
    return !this.isDown(at) && !this.isPaused(at);
  }
  pauseLeft(at: number): number {
    return this.#pausedUntil[at]! - this.#world.now;
  }
  slowness(at: number): number {
    return this.#slowness[at]!;
  }
  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(link(from, to));
  }

  strike(): void {
    const world = this.#world;
    // Half of the time the leader is meant: that is where it hurts.
    const leader = this.#members.findIndex(({ raft }) => stateOf(raft).role === 'leader');
    const at = leader >= 0 && world.chance(0.5) ? leader : world.below(this.#members.length);
    const kind = world.pick(kinds);
    world.note(`fault ${kind} ${this.#members[at]!.id}`);
    switch (kind) {
      case 'crash': {
        // Rather while something is being written, and not durable yet.
        const writers = this.#members.map((_, i) => i).filter((i) => this.#members[i]!.pendingWrites.length > 0);
        return this.crash(writers.length > 0 ? world.pick(writers) : at, world.pick([5, 50, 200]));
      }
      case 'isolate':
        return this.#block((from, to) => from === at || to === at);
      case 'split': {
        const side = this.#members.map(() => world.chance(0.5));
        return this.#block((from, to) => side[from] !== side[to]);
      }
      case 'oneWay':
        return this.#block((from) => from === at && world.chance(0.7));
      case 'pause':
        this.#pausedUntil[at] = world.now + world.below(world.pick([50, 400]));
        return;
      case 'slow':
        this.#slowness[at] = world.pick([1, 1, 4, 20]);
        return;
      case 'heal':
        this.#blocked.clear();
    }
  }

  crash(at: number, maxDowntime: number): void {
    const world = this.#world;
    world.begin('crash', at);
    if (this.#down[at] || world.isHealed) return;
    const member = this.#members[at]!;
    world.note(`${member.id} crashes`);
    this.crashCount++;
    // Some of what was being written may have reached the disk without anybody hearing of it.
    member.persistSilently(world.below(member.pendingWrites.length + 1));
    this.#down[at] = true;
    this.onCrash(at);
    world.schedule('restart', at, 1 + world.below(maxDowntime));
  }

  /** Answers false if it was not down. */
  restart(at: number): boolean {
    if (!this.#down[at] || this.#dead.has(at)) return false;
    this.#down[at] = false;
    const member = this.#members[at]!;
    this.#world.note(`${member.id} restarts`);
    member.restart(this.#world.below(2 ** 32));
    return true;
  }

  /**
   * Links, disks and pauses are mended, but for those in `left`, who stay dead, deaf (nothing reaches them) or mute (nothing
   * leaves them). Who else is down is restarted by the simulation.
   */
  end(left: ReadonlySet<number>): void {
    const world = this.#world;
    this.#blocked.clear();
    this.#slowness.fill(1);
    this.#pausedUntil.fill(0);
    for (const at of left) this.#left.add(at);
    for (const at of this.#left) {
      const kind = world.pick(['dead', 'deaf', 'mute'] as const);
      const { id } = this.#members[at]!;
      world.note(`${id} stays ${kind}`);
      if (kind === 'dead') {
        this.#dead.add(at);
        this.#down[at] = true;
        this.onCrash(at);
      }
      for (const other of this.#members) {
        if (kind === 'deaf') this.#blocked.add(link(other.id, id));
        if (kind === 'mute') this.#blocked.add(link(id, other.id));
      }
    }
  }

  /** From now on nothing passes between the two sides, whatever was cut before. */
  splitBy(isOnOneSide: (id: string) => boolean): void {
    const side = this.#members.map(({ id }) => isOnOneSide(id));
    this.#block((from, to) => side[from] !== side[to]);
  }

  /** It was removed for good, and is switched off for good. */
  bury(at: number): void {
    if (this.#dead.has(at)) return;
    this.#world.note(`${this.#members[at]!.id} is switched off`);
    this.#dead.add(at);
    this.#down[at] = true;
    this.onCrash(at);
  }
  isBuried(at: number): boolean {
    return this.#dead.has(at);
  }

  #block(isCut: (from: number, to: number) => boolean): void {
    this.#blocked.clear();
    const ids = this.#members.map(({ id }) => id);
    for (let from = 0; from < ids.length; from++) {
      for (let to = 0; to < ids.length; to++) {
        if (from !== to && isCut(from, to)) this.#blocked.add(link(ids[from]!, ids[to]!));
      }
    }
  }
}

function link(from: string, to: string): string {
  return `${from}>${to}`;
}
