// A small cluster for scenario tests: members with one-letter names, messages that wait in transit until the test
// delivers, loses or repeats them, and a trace of readable lines to compare with. Disks and state machines keep up by
// themselves unless they are held.
import {
  type Configuration,
  type MemberChange,
  type Message,
  type ProposalResult,
  type RaftOptions,
  type RaftStatus,
  type ReadState,
} from '../src/index.ts';
import { type AppliedEntry, Member, bytesOf, emptyDisk } from './member.ts';
import type { Disk } from './member.ts';
import { describeConfiguration, describeMessage } from './trace.ts';

export interface ClusterOptions {
  readonly learners?: string;
  readonly votersOutgoing?: string;
  readonly raft?: Partial<RaftOptions>;
  readonly disks?: Record<string, Disk>;
}

type Filter = (message: Message) => boolean;

export class Cluster {
  ids: readonly string[];
  readonly #raftOptions: Partial<RaftOptions>;
  readonly #members = new Map<string, Member>();
  readonly #down = new Set<string>();
  readonly #heldDisks = new Set<string>();
  readonly #heldMachines = new Set<string>();
  readonly #heldSnapshots = new Set<string>();
  readonly #cuts = new Set<string>();
  readonly #roles = new Map<string, string>();
  readonly #configurations = new Map<string, string>();
  #trace: string[] = [];
  #restarts = 0;
  /** What was sent and neither delivered nor lost. */
  inTransit: Message[] = [];

  /** `voters` is one letter each: new Cluster('abc'). */
  constructor(voters: string, { learners = '', votersOutgoing = '', raft = {}, disks = {} }: ClusterOptions = {}) {
    this.ids = [...new Set([...voters, ...votersOutgoing, ...learners])];
    const configuration = { voters: [...voters], votersOutgoing: [...votersOutgoing], learners: [...learners] };
    this.#raftOptions = raft;
    for (const id of this.ids) this.#start(id, configuration, disks[id] ?? emptyDisk(), 0);
  }

  /** Starts one that was added: it knows what `contact` takes for certain, and has an empty log. */
  join(id: string, contact: string): void {
    const { committedConfiguration, committedConfigurationIndex } = this.status(contact);
    this.ids = [...this.ids, id];
    this.#start(id, committedConfiguration, emptyDisk(), committedConfigurationIndex);
  }

  #start(id: string, configuration: Configuration, disk: Disk, configurationIndex: number): void {
    const options = { electionTimeoutTicks: 10, heartbeatTicks: 2, seed: 1, ...this.#raftOptions, id };
    const member = new Member(options, configuration, disk, configurationIndex);
    member.onMessage = (message) => this.#send(message);
    this.#members.set(id, member);
  }

  member(id: string): Member {
    return this.#members.get(id)!;
  }
  status(id: string): RaftStatus {
    return this.member(id).raft.status();
  }
  applied(id: string): string[] {
    return this.member(id).applied.map((entry: AppliedEntry) => entry.text);
  }
  /** The log as "index/term" words. */
  log(id: string): string {
    const { firstIndex, lastIndex } = this.status(id);
    const words: string[] = [];
    for (let i = firstIndex; i <= lastIndex; i++) words.push(`${i}/${this.member(id).raft.termAt(i)}`);
    return words.join(' ');
  }
  reads(id: string): ReadState[] {
    return this.member(id).readStates.splice(0);
  }
  results(id: string): ProposalResult[] {
    return this.member(id).results.splice(0);
  }

  /** A line of the trace. */
  note(line: string): void {
    this.#trace.push(line);
  }
  /** What happened since the last call. */
  takeTrace(): string[] {
    return this.#trace.splice(0);
  }

  /** Elects `id` and lets everything settle. */
  elect(id: string): void {
    this.campaign(id);
    this.settle();
    if (this.status(id).role !== 'leader') throw new Error(`${id} was not elected: ${JSON.stringify(this.status(id))}`);
    this.takeTrace();
  }

  campaign(id: string): void {
    this.member(id).step({ type: 'campaign' });
    this.pump(id);
  }
  propose(id: string, ...texts: string[]): void {
    for (const text of texts) this.member(id).step({ type: 'propose', context: contextOf(text), data: bytesOf(text) });
    this.pump(id);
  }
  /** Proposes a change of members under context 0. */
  change(id: string, ...changes: MemberChange[]): void {
    this.member(id).step({ type: 'proposeConfiguration', context: 0, changes });
    this.pump(id);
  }
  /** The active configuration as it is written in traces: "abc", "abc/ade" while joint, "abc+d" with a learner. */
  configuration(id: string): string {
    return describeConfiguration(this.status(id).configuration);
  }
  read(id: string, ...contexts: number[]): void {
    for (const context of contexts) this.member(id).step({ type: 'readIndex', context });
    this.pump(id);
  }
  tick(id: string, count = 1): void {
    for (let i = 0; i < count && !this.#down.has(id); i++) {
      this.member(id).step({ type: 'tick' });
      this.pump(id);
    }
  }
  tickAll(count = 1): void {
    for (let i = 0; i < count; i++) for (const id of this.ids) this.tick(id);
  }
  /** A tick of everyone, then everything settles: time passes in a calm world. */
  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.tickAll();
      this.settle();
    }
  }
  receive(message: Message): void {
    this.member(message.to).step({ type: 'receive', message });
    this.pump(message.to);
  }

  /** Takes the member's Readys; its messages go in transit. */
  pump(id: string): void {
    this.member(id).pump();
    const { role, term } = this.status(id);
    const now = `${role} of term ${term}`;
    if ((this.#roles.get(id) ?? 'follower of term 0') !== now) this.#trace.push(`${id} is ${now}`);
    this.#roles.set(id, now);
    const configuration = this.configuration(id);
    if ((this.#configurations.get(id) ?? configuration) !== configuration)
      this.#trace.push(`${id} has ${configuration}`);
    this.#configurations.set(id, configuration);
  }

  /** Delivers what is in transit (and matches), once; not what is sent meanwhile. */
  deliver(filter: Filter = () => true): void {
    const batch = this.inTransit.filter(filter);
    this.inTransit = this.inTransit.filter((message) => !filter(message));
    for (const message of batch) this.#deliver(message);
  }
  /** Loses what is in transit and matches, and gives it to the test. */
  lose(filter: Filter = () => true): Message[] {
    const lost = this.inTransit.filter(filter);
    this.inTransit = this.inTransit.filter((message) => !filter(message));
    return lost;
  }
  /** Delivers and persists and applies until nothing is left to do. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      let isQuiet = this.inTransit.length === 0;
      this.deliver();
      for (const id of this.ids) if (this.#work(id)) isQuiet = false;
      if (isQuiet && this.inTransit.length === 0) return;
    }
    throw new Error('the cluster does not come to rest');
  }
  /** As settle, but messages stay in transit. */
  work(id: string): void {
    while (this.#work(id));
  }

  holdDisk(id: string): void {
    this.#heldDisks.add(id);
  }
  releaseDisk(id: string): void {
    this.#heldDisks.delete(id);
  }
  holdMachine(id: string): void {
    this.#heldMachines.add(id);
  }
  releaseMachine(id: string): void {
    this.#heldMachines.delete(id);
  }
  holdSnapshots(id: string): void {
    this.#heldSnapshots.add(id);
  }
  releaseSnapshots(id: string): void {
    this.#heldSnapshots.delete(id);
  }
  persistOne(id: string): void {
    this.member(id).persistOne();
    this.pump(id);
  }
  compact(id: string, keep = 0): void {
    this.member(id).compact(keep);
    this.pump(id);
  }

  /** From now on nothing gets from one to the other; what is in transit between them is lost. */
  cut(from: string, to: string): void {
    this.#cuts.add(from + to);
    this.lose((message) => message.from === from && message.to === to);
  }
  isolate(id: string): void {
    for (const other of this.ids) {
      if (other === id) continue;
      this.cut(id, other);
      this.cut(other, id);
    }
  }
  heal(): void {
    this.#cuts.clear();
  }
  crash(id: string): void {
    this.#down.add(id);
    this.#trace.push(`${id} crashes`);
  }
  restart(id: string): void {
    this.#down.delete(id);
    this.#heldDisks.delete(id);
    this.#restarts++;
    this.member(id).restart(1000 + this.#restarts);
    const { role, term } = this.status(id);
    this.#roles.set(id, `${role} of term ${term}`);
  }

  #send(message: Message): void {
    if (!this.#cuts.has(message.from + message.to)) this.inTransit.push(message);
  }

  #deliver(message: Message): void {
    if (this.#down.has(message.to) || !this.#members.has(message.to)) return;
    this.#trace.push(describeMessage(message));
    this.member(message.to).step({ type: 'receive', message });
    this.pump(message.to);
  }

  #work(id: string): boolean {
    if (this.#down.has(id)) return false;
    const member = this.member(id);
    this.pump(id);
    let hasWorked = false;
    const act = (isDue: boolean, body: () => void): void => {
      if (!isDue) return;
      body();
      hasWorked = true;
    };
    act(member.pendingWrites.length > 0 && !this.#heldDisks.has(id), () => member.persistOne());
    act(member.pendingApplies.length > 0 && !this.#heldMachines.has(id), () => member.applyOne());
    act(member.pendingReads.length > 0, () => member.readChunk());
    act(member.pendingChunks.length > 0 && !this.#heldSnapshots.has(id), () => member.writeChunk());
    this.pump(id);
    return hasWorked;
  }
}

/** "p12" is proposed under context 12, a word without a number under 0. */
function contextOf(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? 0);
}

/** A disk with this log ("1 1 2" = three entries of those terms), term and commitIndex. */
export function diskOf(terms: string, term: number, options: { votedFor?: string; commitIndex?: number } = {}): Disk {
  const entries = terms
    .split(' ')
    .filter((word) => word !== '')
    .map((word, i) => ({ index: i + 1, term: Number(word), kind: 'command' as const, data: bytesOf(`t${word}`) }));
  const { votedFor, commitIndex = 0 } = options;
  return {
    hardState: { term, votedFor, commitIndex },
    entries,
    compactedIndex: 0,
    compactedTerm: 0,
    snapshot: undefined,
  };
}

export function ofType(...types: Message['type'][]): Filter {
  return (message) => types.includes(message.type);
}
export function between(from: string, to: string): Filter {
  return (message) => message.from === from && message.to === to;
}
