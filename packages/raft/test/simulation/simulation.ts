// A cluster in one thread under virtual time, everything drawn from one seed: loss, duplication, reordering, delay,
// partitions (one-way ones too), crashes that lose what was not persisted, pauses, slow disks, slow state machines, compaction,
// and, where it is asked for, members that join, are promoted, demoted, replaced and removed meanwhile (changes.ts).
// After each event the promises of Figure 3.2 are checked across members; in the end a quorum is healed and progress is
// demanded. A failure names its seed and the last lines of the trace.
import type { Configuration, Message } from '../../src/index.ts';
import { Changes, newestLeader } from './changes.ts';
import { Checks } from './checks.ts';
import { Faults } from './faults.ts';
import { Ledger } from './ledger.ts';
import { Member, emptyDisk } from '../member.ts';
import { UNITS_PER_TICK, World } from './world.ts';
import type { Event } from './world.ts';
import { demandProgress } from './liveness.ts';
import { describeMessage } from '../trace.ts';
import { drawOptions, drawWeather } from './weather.ts';
import type { Clocks, Weather } from './weather.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly members: number;
  readonly learners?: number;
  /** The members change. Default: they stay who they are. */
  readonly isChanging?: boolean;
  /** Virtual ticks with faults; the healed phase follows. */
  readonly ticks: number;
  /** Leases on, over these clocks. */
  readonly clocks?: Clocks;
  /** A member that was paused is not told so: what leases must not survive. */
  readonly isDeafToGaps?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  readonly traceHash: number;
  readonly events: number;
  readonly committed: number;
  readonly reads: number;
  readonly accepted: number;
  readonly elections: number;
  readonly crashes: number;
  readonly installs: number;
  /** Members that were not healed in the end. */
  readonly left: number;
  readonly ticksToRecover: number;
  /** Transfers that were asked for and done. */
  readonly transfers: number;
  /** Reads that were answered at once under a lease. */
  readonly leasedReads: number;
  /** Changes of members that a leader took; those of voters and of others that were gone through to the end. */
  readonly changes: number;
  readonly jointChanges: number;
  readonly simpleChanges: number;
  readonly joined: number;
}

export class Simulation {
  readonly #options: SimulationOptions;
  readonly world: World;
  readonly weather: Weather;
  /** All that ever lived: who joins comes last, and nobody is taken out. */
  readonly members: Member[] = [];
  readonly faults: Faults;
  readonly checks: Checks;
  readonly ledger: Ledger;
  readonly changes: Changes;
  /** Paused while ticks went by. */
  readonly #hasGap: boolean[] = [];
  readonly #tickUnits: number[] = [];
  #installs = 0;
  #transfers = 0;
  #leasedReads = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const count = options.members + (options.learners ?? 0);
    const ids = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
    this.world = new World(options.seed);
    this.weather = drawWeather(this.world, options.clocks);
    const configuration = {
      voters: ids.slice(0, options.members),
      votersOutgoing: [],
      learners: ids.slice(options.members),
    };
    this.faults = new Faults(this.world, this.members);
    this.checks = new Checks(this.members, configuration);
    this.ledger = new Ledger(this.members);
    this.changes = new Changes(this);
    for (const id of ids) this.#admit(id, configuration, 0);
    this.faults.onCrash = (at) => this.ledger.forgetReads(at);
  }

  run(): SimulationReport {
    try {
      return this.#run();
    } catch (error) {
      const trace = this.world.recent.join('\n');
      const { seed } = this.#options;
      throw new Error(`seed ${seed} at ${this.world.now}: ${String(error)}\n${trace}`, { cause: error });
    }
  }

  runUntil(isOver: () => boolean): void {
    while (!isOver()) this.#happen(this.world.next());
  }

  /** One that was added, and was told which configuration is certain. */
  join(id: string, { index, configuration }: { readonly index: number; readonly configuration: Configuration }): void {
    this.world.note(`${id} joins`);
    this.#admit(id, configuration, index);
    this.pump(this.members.length - 1);
  }

  #admit(id: string, configuration: Configuration, configurationIndex: number): void {
    const { world, weather } = this;
    const options = drawOptions(world, weather, id);
    const member = new Member(options, configuration, emptyDisk(), configurationIndex);
    member.onMessage = (message) => this.#carry(message);
    this.world.admit();
    this.faults.admit();
    this.#hasGap.push(false);
    this.#tickUnits.push(world.pick(weather.tickUnits));
    this.members.push(member);
    world.schedule('tick', this.members.length - 1, world.below(UNITS_PER_TICK));
  }

  /** Takes the member's Readys, and lets time do what they ask for. */
  pump(at: number): void {
    const { world, weather, faults } = this;
    const member = this.members[at]!;
    member.pump();
    this.ledger.collect(at);
    this.#transfers += member.transferResults.splice(0).filter(({ refused }) => refused === undefined).length;
    this.#installs += member.pendingApplies.filter((item) => 'snapshot' in item).length;
    const isVoting = !world.isHealed && member.pendingWrites.some((write) => write.hardState !== undefined);
    if (isVoting && world.chance(weather.crashWhileVoting)) world.scheduleOnce('crash', at, world.below(6));
    const persistDelay = world.isHealed ? 1 : weather.persistDelay * faults.slowness(at);
    const applyDelay = world.isHealed ? 1 : weather.applyDelay * faults.slowness(at);
    if (member.pendingWrites.length > 0) world.scheduleOnce('persist', at, 1 + world.below(persistDelay));
    if (member.pendingApplies.length > 0) world.scheduleOnce('apply', at, 1 + world.below(applyDelay));
    if (member.pendingReads.length > 0) world.scheduleOnce('readChunk', at, 1 + world.below(5));
    if (member.pendingChunks.length > 0) world.scheduleOnce('writeChunk', at, 1 + world.below(persistDelay));
  }

  read(at: number): void {
    this.#wake(at);
    this.ledger.read(at, { floor: this.checks.commitIndex, time: this.world.now });
  }

  restart(at: number): void {
    if (!this.faults.restart(at)) return;
    this.checks.checkApplied(this.members[at]!);
    this.pump(at);
    this.#check(at);
  }

  #run(): SimulationReport {
    const { world, checks, ledger, faults } = this;
    for (const act of ['client', 'fault', 'compact', 'handOver'] as const) world.schedule(act, 0, 1);
    if (this.#options.isChanging === true) world.schedule('change', 0, 1);
    const end = this.#options.ticks * UNITS_PER_TICK;
    this.runUntil(() => world.now >= end);
    const ticksToRecover = demandProgress(this);
    ledger.checkPromises(checks.committed);
    return {
      seed: this.#options.seed,
      traceHash: world.traceHash,
      events: world.eventCount,
      committed: checks.commitIndex,
      reads: ledger.readCount,
      accepted: ledger.acceptedCount,
      elections: checks.electionCount,
      crashes: faults.crashCount,
      installs: this.#installs,
      left: this.members.filter((_, at) => faults.isLeft(at)).length,
      ticksToRecover,
      transfers: this.#transfers,
      leasedReads: this.#leasedReads,
      changes: this.changes.acceptedCount,
      jointChanges: checks.configurations.counts.joint,
      simpleChanges: checks.configurations.counts.simple,
      joined: this.members.filter(({ configurationIndex }) => configurationIndex > 0).length,
    };
  }

  #happen(event: Event): void {
    const { act, member: at, message } = event;
    const { world, faults } = this;
    if (isForAll(act)) return this.#happenToAll(act);
    if (act === 'interrupt') return world.isHealed ? undefined : this.changes.interrupt(at);
    if (act === 'restart') return this.restart(at);
    if (act === 'crash') return faults.crash(at, 10);
    if (faults.isPaused(at) && act !== 'tick') return world.enqueue(act, at, faults.pauseLeft(at) + 1, message);
    world.begin(act, at);
    if (act === 'tick') world.schedule('tick', at, this.#tickUnits[at]! + world.below(3) - 1);
    if (faults.isPaused(at)) this.#hasGap[at] = true;
    if (!faults.isAwake(at)) return;
    const member = this.#wake(at);
    switch (act) {
      case 'tick':
        member.step({ type: 'tick' });
        break;
      case 'deliver':
        world.note(describeMessage(message!));
        member.step({ type: 'receive', message: message! });
        break;
      case 'persist':
        member.persistOne();
        break;
      case 'apply':
        member.applyOne();
        this.checks.checkApplied(member);
        break;
      case 'readChunk':
        member.readChunk();
        break;
      case 'writeChunk':
        member.writeChunk(world.isHealed || world.chance(0.95));
        break;
    }
    // Several inputs often share a turn.
    if (world.chance(0.7)) this.pump(at);
    else world.scheduleOnce('persist', at, 1);
    this.#check(at);
  }

  /** As a driver does before anything else, and before reads above all: the core hears that its ticks have not counted the pause. */
  #wake(at: number): Member {
    const member = this.members[at]!;
    if (!this.#hasGap[at]) return member;
    this.#hasGap[at] = false;
    if (this.#options.isDeafToGaps !== true) member.step({ type: 'clockGap' });
    // Somebody asks at once, before it hears what happened meanwhile.
    if (this.weather.maxDriftPerMille !== undefined && !this.world.isHealed) {
      this.read(at);
      this.pump(at);
    }
    return member;
  }

  #happenToAll(act: ActOfAll): void {
    const { world, weather } = this;
    if (!world.isHealed) {
      if (act === 'client') this.#client();
      else if (act === 'fault') this.faults.strike();
      else if (act === 'handOver') this.#handOver();
      else if (act === 'change') this.#change();
      else this.#compact();
    }
    world.schedule(act, 0, 1 + world.below(2 * weather[`${act}Delay`]));
  }

  #carry(message: Message): void {
    const { world, faults } = this;
    if (faults.isBlocked(message.from, message.to)) return;
    const to = this.members.findIndex(({ id }) => id === message.to);
    // Added, and not there yet.
    if (to < 0) return;
    const { loss, duplication, maxDelay } = this.weather;
    if (!world.isHealed && world.chance(loss)) return;
    world.enqueue('deliver', to, 1 + world.below(world.isHealed ? 3 : maxDelay), message);
    // A transport is a stream: it loses its tail, it does not repeat a request to append (README, limits).
    if (message.type === 'proposeRequest' || world.isHealed) return;
    if (world.chance(duplication)) world.enqueue('deliver', to, 1 + world.below(maxDelay * 4), message);
  }

  #client(): void {
    const { world, weather } = this;
    // Under leases whoever leads is asked more often than the others: a leader of old above all.
    const leaders = this.members.map((_, i) => i).filter((i) => this.members[i]!.raft.status().role === 'leader');
    const isLeaderMeant = weather.maxDriftPerMille !== undefined && leaders.length > 0 && world.chance(0.5);
    const at = isLeaderMeant ? world.pick(leaders) : world.below(this.members.length);
    if (!this.faults.isAwake(at)) return;
    const member = this.#wake(at);
    const burst = 1 + world.below(3);
    for (let i = 0; i < burst; i++) {
      if (world.chance(0.5)) {
        this.ledger.propose(at);
        continue;
      }
      this.read(at);
      if (member.raft.status().hasLease) this.#leasedReads++;
    }
    if (world.chance(0.05)) member.step({ type: 'campaign' });
    if (world.chance(0.05)) member.step({ type: 'unreachable', peer: world.pick(this.members).id });
    this.pump(at);
    this.#check(at);
  }

  /** Whoever leads is asked to change the members. */
  #change(): void {
    const { world, members } = this;
    this.changes.attend();
    const leader = newestLeader(members);
    const at = leader >= 0 && world.chance(0.9) ? leader : world.below(members.length);
    if (!this.faults.isAwake(at)) return;
    this.#wake(at);
    this.changes.propose(at);
    this.pump(at);
    this.#check(at);
  }

  /** Whoever leads is told to hand over, to somebody or to anybody; or someone becomes unwell, or has another priority. */
  #handOver(): void {
    const { world } = this;
    const leader = this.members.findIndex(({ raft }) => raft.status().role === 'leader');
    const at = leader >= 0 && world.chance(0.8) ? leader : world.below(this.members.length);
    if (!this.faults.isAwake(at)) return;
    const member = this.#wake(at);
    const kind = world.pick(['transfer', 'transfer', 'transfer', 'unwell', 'priority'] as const);
    world.note(`${kind} at ${member.id}`);
    if (kind === 'transfer') {
      const to = world.chance(0.5) ? undefined : world.pick(this.members).id;
      member.step({ type: 'transferLeadership', context: world.eventCount, to });
    } else if (kind === 'unwell') member.step({ type: 'unwell' });
    else member.step({ type: 'setPriority', priority: world.pick([10, 10, 0, 5, 50]) });
    this.pump(at);
    this.#check(at);
  }

  /**
   * Only before the healing. A leader that compacts to its tip again and again outruns the transfer of its snapshots for
   * ever: that is its driver's choice of `compactTo`, not a fault to recover from.
   */
  #compact(): void {
    const at = this.world.below(this.members.length);
    if (!this.faults.isAwake(at)) return;
    const member = this.members[at]!;
    this.world.note(`${member.id} compacts`);
    member.compact(this.weather.keep);
    this.pump(at);
    this.#check(at);
  }

  #check(at: number): void {
    this.checks.checkMember(this.members[at]!);
    if (this.world.eventCount % 16 !== 0) return;
    this.checks.checkLogMatching();
    this.checks.checkStaysCommitted();
  }
}

type ActOfAll = 'client' | 'fault' | 'compact' | 'handOver' | 'change';

function isForAll(act: Event['act']): act is ActOfAll {
  return act === 'client' || act === 'fault' || act === 'compact' || act === 'handOver' || act === 'change';
}
