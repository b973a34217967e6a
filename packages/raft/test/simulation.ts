// A cluster in one thread under virtual time, everything drawn from one seed: loss, duplication, reordering, delay,
// partitions (one-way ones too), crashes that lose what was not persisted, pauses, slow disks, slow state machines, compaction.
// After each event the promises of Figure 3.2 are checked across members; in the end all is healed and progress is
// demanded. A failure names its seed and the last lines of the trace.
import type { Entry, Message } from '../src/index.ts';
import { Member, bytesOf, textOf } from './member.ts';
import { describeMessage } from './trace.ts';
import { stateOf } from '../src/raft.ts';

const UNITS_PER_TICK = 10;
const RECENT_LINES = 80;

export interface SimulationOptions {
  readonly seed: number;
  readonly members: number;
  readonly learners?: number;
  /** Virtual ticks with faults; the healed phase follows. */
  readonly ticks: number;
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
  readonly ticksToRecover: number;
}

type Act =
  | 'tick'
  | 'persist'
  | 'apply'
  | 'readChunk'
  | 'writeChunk'
  | 'deliver'
  | 'client'
  | 'fault'
  | 'crash'
  | 'restart'
  | 'compact';

interface Event {
  readonly time: number;
  readonly order: number;
  readonly act: Act;
  readonly member: number;
  readonly message: Message | undefined;
}

interface Promised {
  readonly member: number;
  readonly text: string;
  index?: number;
  term?: number;
  refused?: boolean;
}

interface Read {
  readonly member: number;
  readonly floor: number;
  readonly tick: number;
}

/** The per-seed mood of the world. */
interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelay: number;
  readonly persistDelay: number;
  readonly applyDelay: number;
  readonly clientDelay: number;
  readonly faultDelay: number;
  readonly compactDelay: number;
  /** Chance that a member crashes right after it has asked its disk to remember a term or vote, and is soon back. */
  readonly crashWhileVoting: number;
  readonly electionTimeoutTicks: number;
  readonly keep: number;
}

export class Simulation {
  readonly #options: SimulationOptions;
  readonly #weather: Weather;
  readonly #members: Member[] = [];
  readonly #ids: string[];
  readonly #learnerIds: string[];
  readonly #isDown: boolean[];
  readonly #pausedUntil: number[];
  readonly #isScheduled: Set<Act>[];
  readonly #slowness: number[];
  readonly #queue: Event[] = [];
  readonly #blocked = new Set<string>();
  readonly #committed: ({ readonly term: number; readonly text: string } | undefined)[] = [undefined];
  readonly #leaders = new Map<number, string>();
  readonly #promises = new Map<string, Promised>();
  readonly #reads = new Map<string, Read>();
  readonly #recent: string[] = [];
  #random: number;
  #now = 0;
  #order = 0;
  #hash = 0x811c9dc5;
  #events = 0;
  #nextContext = 1;
  #isHealed = false;
  #readsServed = 0;
  #accepted = 0;
  #crashes = 0;
  #installs = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = options.seed | 0;
    const count = options.members + (options.learners ?? 0);
    this.#ids = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
    this.#learnerIds = this.#ids.slice(options.members);
    this.#weather = {
      loss: this.#pick([0, 0.01, 0.05, 0.2]),
      duplication: this.#pick([0, 0.02, 0.2]),
      maxDelay: this.#pick([3, 12, 60]),
      persistDelay: this.#pick([1, 6, 20]),
      applyDelay: this.#pick([1, 5, 40]),
      clientDelay: this.#pick([6, 15, 40]),
      faultDelay: this.#pick([50, 120, 400]),
      compactDelay: this.#pick([60, 200, 1000]),
      crashWhileVoting: this.#pick([0, 0, 0.1, 0.3]),
      electionTimeoutTicks: this.#pick([4, 4, 10]),
      keep: this.#pick([0, 2, 10]),
    };
    this.#isDown = this.#ids.map(() => false);
    this.#pausedUntil = this.#ids.map(() => 0);
    this.#slowness = this.#ids.map(() => 1);
    this.#isScheduled = this.#ids.map(() => new Set<Act>());
    for (const id of this.#ids) this.#members.push(this.#createMember(id));
  }

  run(): SimulationReport {
    try {
      return this.#run();
    } catch (error) {
      const trace = this.#recent.join('\n');
      throw new Error(`seed ${this.#options.seed} at ${this.#now}: ${String(error)}\n${trace}`, { cause: error });
    }
  }

  #run(): SimulationReport {
    this.#ids.forEach((_, i) => this.#schedule('tick', i, this.#below(UNITS_PER_TICK)));
    for (const act of ['client', 'fault', 'compact'] as const) this.#schedule(act, 0, 1);
    const end = this.#options.ticks * UNITS_PER_TICK;
    this.#runUntil(() => this.#now >= end);
    const ticksToRecover = this.#demandProgress();
    this.#checkPromises();
    return {
      seed: this.#options.seed,
      traceHash: this.#hash >>> 0,
      events: this.#events,
      committed: this.#committed.length - 1,
      reads: this.#readsServed,
      accepted: this.#accepted,
      elections: this.#leaders.size,
      crashes: this.#crashes,
      installs: this.#installs,
      ticksToRecover,
    };
  }

  #createMember(id: string): Member {
    const configuration = {
      voters: this.#ids.slice(0, this.#options.members),
      votersOutgoing: [],
      learners: this.#learnerIds,
    };
    const options = {
      id,
      seed: this.#below(2 ** 32),
      electionTimeoutTicks: this.#weather.electionTimeoutTicks,
      heartbeatTicks: 1,
      maxAppendEntries: this.#pick([1, 3, 100]),
      maxAppendBytes: this.#pick([64, 1000]),
      maxInflightMessages: this.#pick([1, 3, 50]),
      maxInflightBytes: this.#pick([100, 100_000]),
      maxUncommittedBytes: this.#pick([200, 2000]),
      maxCommittedBytes: this.#pick([100, 100_000]),
      maxPendingReads: this.#pick([3, 1000]),
      snapshotChunkBytes: this.#pick([200, 1000, 100_000]),
    };
    const member = new Member(options, configuration);
    member.onMessage = (message) => this.#carry(message);
    return member;
  }

  // The world.

  #runUntil(isOver: () => boolean): void {
    while (!isOver()) {
      const event = this.#queue.pop()!;
      this.#now = event.time;
      this.#events++;
      this.#happen(event);
    }
  }

  #happen(event: Event): void {
    const { act, member: at, message } = event;
    if (act === 'client') return this.#act(act, at, () => this.#client());
    if (act === 'fault') return this.#act(act, at, () => this.#fault());
    if (act === 'compact') return this.#act(act, at, () => this.#compact());
    const member = this.#members[at]!;
    if (act === 'restart') return this.#restart(at);
    if (act === 'crash') return this.#crash(at, 10);
    if (this.#pausedUntil[at]! > this.#now && act !== 'tick') {
      this.#enqueue(event.act, at, this.#pausedUntil[at]! - this.#now + 1, message);
      return;
    }
    this.#isScheduled[at]!.delete(act);
    if (act === 'tick') this.#schedule('tick', at, UNITS_PER_TICK + this.#below(3) - 1);
    if (this.#isDown[at] || this.#pausedUntil[at]! > this.#now) return;
    switch (act) {
      case 'tick':
        member.step({ type: 'tick' });
        break;
      case 'deliver':
        this.#note(describeMessage(message!));
        member.step({ type: 'receive', message: message! });
        break;
      case 'persist':
        member.persistOne();
        break;
      case 'apply':
        member.applyOne();
        this.#checkApplied(member);
        break;
      case 'readChunk':
        member.readChunk();
        break;
      case 'writeChunk':
        member.writeChunk(this.#isHealed || this.#chance(0.95));
        break;
    }
    // Several inputs often share a turn.
    if (this.#chance(0.7)) this.#pump(at);
    else this.#enqueueOnce('persist', at, 1);
    this.#check(at);
  }

  #act(act: 'client' | 'fault' | 'compact', at: number, body: () => void): void {
    body();
    const delays = {
      client: this.#weather.clientDelay,
      fault: this.#weather.faultDelay,
      compact: this.#weather.compactDelay,
    };
    this.#schedule(act, at, 1 + this.#below(2 * delays[act]));
  }

  #pump(at: number): void {
    const member = this.#members[at]!;
    member.pump();
    this.#collect(at);
    const isVoting = !this.#isHealed && member.pendingWrites.some((write) => write.hardState !== undefined);
    if (isVoting && this.#chance(this.#weather.crashWhileVoting)) this.#enqueueOnce('crash', at, this.#below(6));
    const persistDelay = this.#isHealed ? 1 : this.#weather.persistDelay * this.#slowness[at]!;
    const applyDelay = this.#isHealed ? 1 : this.#weather.applyDelay * this.#slowness[at]!;
    if (member.pendingWrites.length > 0) this.#enqueueOnce('persist', at, 1 + this.#below(persistDelay));
    if (member.pendingApplies.length > 0) this.#enqueueOnce('apply', at, 1 + this.#below(applyDelay));
    if (member.pendingReads.length > 0) this.#enqueueOnce('readChunk', at, 1 + this.#below(5));
    if (member.pendingChunks.length > 0) this.#enqueueOnce('writeChunk', at, 1 + this.#below(persistDelay));
  }

  #carry(message: Message): void {
    if (this.#blocked.has(message.from + message.to)) return;
    const to = this.#ids.indexOf(message.to);
    const { loss, duplication, maxDelay } = this.#weather;
    if (!this.#isHealed && this.#chance(loss)) return;
    this.#enqueue('deliver', to, 1 + this.#below(this.#isHealed ? 3 : maxDelay), message);
    // A transport is a stream: it loses its tail, it does not repeat a request to append (README, limits).
    if (message.type === 'proposeRequest' || this.#isHealed) return;
    if (this.#chance(duplication)) this.#enqueue('deliver', to, 1 + this.#below(maxDelay * 4), message);
  }

  #client(): void {
    if (this.#isHealed) return;
    const at = this.#below(this.#ids.length);
    if (this.#isDown[at] || this.#pausedUntil[at]! > this.#now) return;
    const member = this.#members[at]!;
    const burst = 1 + this.#below(3);
    for (let i = 0; i < burst; i++) {
      if (this.#chance(0.5)) this.#propose(at);
      else this.#read(at);
    }
    if (this.#chance(0.05)) member.step({ type: 'campaign' });
    if (this.#chance(0.05)) member.step({ type: 'unreachable', peer: this.#pick(this.#ids) });
    this.#pump(at);
    this.#check(at);
  }

  #propose(at: number): Promised {
    const context = this.#nextContext++;
    const promised: Promised = { member: at, text: `p${context}` };
    this.#promises.set(`${at}:${context}`, promised);
    this.#members[at]!.step({ type: 'propose', context, data: bytesOf(promised.text) });
    return promised;
  }

  #read(at: number): string {
    const context = this.#nextContext++;
    this.#reads.set(`${at}:${context}`, { member: at, floor: this.#committed.length - 1, tick: this.#now });
    this.#members[at]!.step({ type: 'readIndex', context });
    return `${at}:${context}`;
  }

  #compact(): void {
    // A leader that compacts to its tip again and again outruns the transfer of its snapshots for ever: that is its driver's
    // choice of `compactTo`, not a fault to recover from.
    if (this.#isHealed) return;
    const at = this.#below(this.#ids.length);
    if (this.#isDown[at] || this.#pausedUntil[at]! > this.#now) return;
    this.#note(`${this.#ids[at]} compacts`);
    this.#members[at]!.compact(this.#weather.keep);
    this.#pump(at);
    this.#check(at);
  }

  #fault(): void {
    if (this.#isHealed) return;
    // Half of the time the leader is meant: that is where it hurts.
    const leader = this.#members.findIndex(({ raft }) => stateOf(raft).role === 'leader');
    const at = leader >= 0 && this.#chance(0.5) ? leader : this.#below(this.#ids.length);
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
    ];
    const kind = this.#pick(kinds);
    this.#note(`fault ${kind} ${this.#ids[at]}`);
    switch (kind) {
      case 'crash': {
        // Rather while something is being written, and not durable yet.
        const writers = this.#ids.map((_, i) => i).filter((i) => this.#members[i]!.pendingWrites.length > 0);
        return this.#crash(writers.length > 0 ? this.#pick(writers) : at, this.#pick([5, 50, 200]));
      }
      case 'isolate':
        return this.#block((from, to) => from === at || to === at);
      case 'split': {
        const side = this.#ids.map(() => this.#chance(0.5));
        return this.#block((from, to) => side[from] !== side[to]);
      }
      case 'oneWay':
        return this.#block((from) => from === at && this.#chance(0.7));
      case 'pause':
        this.#pausedUntil[at] = this.#now + this.#below(this.#pick([50, 400]));
        return;
      case 'slow':
        this.#slowness[at] = this.#pick([1, 1, 4, 20]);
        return;
      case 'heal':
        this.#blocked.clear();
    }
  }

  #block(isCut: (from: number, to: number) => boolean): void {
    this.#blocked.clear();
    for (let from = 0; from < this.#ids.length; from++) {
      for (let to = 0; to < this.#ids.length; to++) {
        if (from !== to && isCut(from, to)) this.#blocked.add(this.#ids[from]! + this.#ids[to]!);
      }
    }
  }

  #crash(at: number, maxDowntime: number): void {
    this.#isScheduled[at]!.delete('crash');
    if (this.#isDown[at] || this.#isHealed) return;
    this.#note(`${this.#ids[at]} crashes`);
    this.#crashes++;
    const member = this.#members[at]!;
    // Some of what was being written may have reached the disk without anybody hearing of it.
    member.persistSilently(this.#below(member.pendingWrites.length + 1));
    this.#isDown[at] = true;
    for (const key of [...this.#reads.keys()]) if (key.startsWith(`${at}:`)) this.#reads.delete(key);
    this.#schedule('restart', at, 1 + this.#below(maxDowntime));
  }

  #restart(at: number): void {
    if (!this.#isDown[at]) return;
    this.#isDown[at] = false;
    this.#note(`${this.#ids[at]} restarts`);
    this.#members[at]!.restart(this.#below(2 ** 32));
    this.#checkApplied(this.#members[at]!);
    this.#pump(at);
    this.#check(at);
  }

  // The liveness phase.

  #demandProgress(): number {
    this.#isHealed = true;
    this.#blocked.clear();
    this.#note('healed');
    this.#slowness.fill(1);
    this.#pausedUntil.fill(0);
    this.#ids.forEach((_, i) => this.#restart(i));
    const start = this.#now;
    const wanted = new Set<string>();
    let lastAsked = -Infinity;
    const isDone = (): boolean => {
      if (this.#now - start > 400 * UNITS_PER_TICK) throw new Error(`no progress in 400 ticks: ${this.#describe()}`);
      if (this.#now - lastAsked > 25 * UNITS_PER_TICK) {
        lastAsked = this.#now;
        for (let at = 0; at < this.#ids.length; at++) {
          wanted.add(this.#propose(at).text);
          this.#read(at);
          this.#pump(at);
        }
      }
      return this.#ids.every((_, at) => this.#isServed(at, wanted));
    };
    this.#runUntil(isDone);
    const ticks = Math.ceil((this.#now - start) / UNITS_PER_TICK);
    this.#runUntil(() => this.#now > start + (ticks + 30) * UNITS_PER_TICK);
    const deadline = this.#now - 30 * UNITS_PER_TICK;
    for (const [key, read] of this.#reads) if (read.tick < deadline) throw new Error(`read ${key} was never answered`);
    return ticks;
  }

  /** Something that was proposed after the healing has been applied by this member. */
  #isServed(at: number, wanted: ReadonlySet<string>): boolean {
    const { applied } = this.#members[at]!;
    for (let i = applied.length - 1; i >= 0 && i >= applied.length - 40; i--)
      if (wanted.has(applied[i]!.text)) return true;
    return false;
  }

  // The checks.

  #check(at: number): void {
    const member = this.#members[at]!;
    const state = stateOf(member.raft);
    if (state.role === 'leader') {
      const other = this.#leaders.get(state.term);
      if (other === undefined) this.#checkCompleteness(member);
      else if (other !== member.id)
        throw new Error(`Election Safety: ${other} and ${member.id} lead term ${state.term}`);
      this.#leaders.set(state.term, member.id);
    }
    this.#checkCommit(member);
    if (this.#events % 16 === 0) this.#checkLogMatching();
  }

  /** Leader Completeness: whoever wins has every committed entry. */
  #checkCompleteness(member: Member): void {
    for (let index = 1; index < this.#committed.length; index++) {
      const term = member.raft.termAt(index);
      if (index < stateOf(member.raft).log.compactedIndex) continue;
      if (term !== this.#committed[index]!.term)
        throw new Error(`Leader Completeness: ${member.id} has ${index}/${term}`);
    }
  }

  #checkCommit(member: Member): void {
    const { commitIndex, log } = stateOf(member.raft);
    const known = this.#committed.length - 1;
    for (let index = Math.max(log.compactedIndex, 1); index <= commitIndex; index++) {
      const term = member.raft.termAt(index)!;
      const entry = log.entries[index - log.compactedIndex - 1];
      if (index <= known) {
        if (this.#committed[index]!.term !== term)
          throw new Error(`State Machine Safety: ${index}/${term} on ${member.id}`);
        continue;
      }
      this.#checkDurable(index, term);
      this.#committed.push({ term, text: textOf((entry as Entry).data) });
    }
  }

  /** A committed entry is on the disks of a quorum. */
  #checkDurable(index: number, term: number): void {
    const voters = this.#members.slice(0, this.#options.members);
    const holders = voters.filter(({ disk }) => {
      if ((disk.snapshot?.meta.lastIncludedIndex ?? 0) >= index) return true;
      return disk.entries[index - disk.compactedIndex - 1]?.term === term;
    });
    if (holders.length * 2 <= voters.length)
      throw new Error(`${index}/${term} committed, durable on ${holders.length}`);
  }

  #checkLogMatching(): void {
    const logs = this.#members.map(({ raft }) => stateOf(raft).log);
    for (let i = 0; i < logs.length; i++) {
      for (let j = i + 1; j < logs.length; j++) {
        const [one, two] = [logs[i]!, logs[j]!];
        const first = Math.max(one.compactedIndex, two.compactedIndex) + 1;
        const last = Math.min(one.compactedIndex + one.entries.length, two.compactedIndex + two.entries.length);
        let mustMatch = false;
        for (let index = last; index >= first; index--) {
          const a = one.entries[index - one.compactedIndex - 1]!;
          const b = two.entries[index - two.compactedIndex - 1]!;
          if (a.term === b.term) mustMatch = true;
          else if (mustMatch) throw new Error(`Log Matching: ${this.#ids[i]} and ${this.#ids[j]} differ at ${index}`);
          if (a.term === b.term && a.data !== b.data && textOf(a.data) !== textOf(b.data)) {
            throw new Error(`Log Matching: ${index}/${a.term} is two entries`);
          }
        }
      }
    }
  }

  #checkApplied(member: Member): void {
    const { applied } = member;
    for (let i = Math.max(0, applied.length - 200); i < applied.length; i++) {
      const { index, term, text } = applied[i]!;
      const committed = this.#committed[i + 1];
      if (index !== i + 1 || committed?.term !== term || committed.text !== text) {
        throw new Error(`State Machine Safety: ${member.id} applied ${index}/${term} as number ${i + 1}`);
      }
    }
  }

  #collect(at: number): void {
    const member = this.#members[at]!;
    for (const { context, index } of member.readStates.splice(0)) {
      const key = `${at}:${context}`;
      const read = this.#reads.get(key);
      if (read === undefined) throw new Error(`an answer to read ${key}, which is not open`);
      this.#reads.delete(key);
      if (index === undefined) continue;
      this.#readsServed++;
      if (index < read.floor) throw new Error(`stale read ${key}: index ${index}, committed before ${read.floor}`);
    }
    for (const result of member.results.splice(0)) {
      const promised = this.#promises.get(`${at}:${result.context}`);
      if (promised === undefined || promised.index !== undefined || promised.refused) {
        throw new Error(`a second result for proposal ${result.context}`);
      }
      if (result.refused === undefined) {
        this.#accepted++;
        promised.index = result.index;
        promised.term = result.term;
      } else {
        promised.refused = true;
      }
    }
    this.#installs += member.pendingApplies.filter((item) => 'snapshot' in item).length;
  }

  /** Proposal results are true: committed where they said, or nowhere. */
  #checkPromises(): void {
    const indexes = new Map<string, number>();
    for (let index = 1; index < this.#committed.length; index++) {
      const { text } = this.#committed[index]!;
      if (text === '') continue;
      if (indexes.has(text)) throw new Error(`${text} is committed twice`);
      indexes.set(text, index);
    }
    for (const { text, index, term, refused } of this.#promises.values()) {
      const at = indexes.get(text);
      if (refused && at !== undefined) throw new Error(`${text} was refused and committed at ${at}`);
      if (index === undefined) continue;
      const isCommitted = this.#committed[index]?.term === term;
      if (isCommitted && at !== index) throw new Error(`${text} was promised at ${index}/${term}, committed at ${at}`);
      if (!isCommitted && at !== undefined)
        throw new Error(`${text} was promised at ${index}/${term}, committed at ${at}`);
    }
  }

  #describe(): string {
    return this.#members
      .map(({ id, raft }) => {
        const { role, term, commitIndex, log, durability } = stateOf(raft);
        return `${id} ${role} ${term} commit ${commitIndex} log ${log.compactedIndex}+${log.entries.length} durable ${durability.persistedIndex}`;
      })
      .join('; ');
  }

  // The machinery.

  #note(line: string): void {
    const stamped = `${this.#now} ${line}`;
    for (let i = 0; i < stamped.length; i++) this.#hash = Math.imul(this.#hash ^ stamped.charCodeAt(i), 0x01000193);
    this.#recent.push(stamped);
    if (this.#recent.length > RECENT_LINES) this.#recent.shift();
  }

  #schedule(act: Act, member: number, delay: number): void {
    this.#enqueue(act, member, delay, undefined);
  }

  #enqueueOnce(act: Act, member: number, delay: number): void {
    if (this.#isScheduled[member]!.has(act)) return;
    this.#isScheduled[member]!.add(act);
    this.#enqueue(act, member, delay, undefined);
  }

  /** Kept sorted, latest first, so that the next event is popped. */
  #enqueue(act: Act, member: number, delay: number, message: Message | undefined): void {
    const event: Event = { time: this.#now + delay, order: this.#order++, act, member, message };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle]!;
      if (other.time > event.time || (other.time === event.time && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
  }

  #below(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  #chance(probability: number): boolean {
    return this.#below(1_000_000) < probability * 1_000_000;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!;
  }
}
