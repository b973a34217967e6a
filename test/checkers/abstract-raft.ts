// A small Raft to make correct runs of, and with one rule left out, incorrect ones: no messages, no clocks, each step an act
// between two members that may happen at any time. It tells cluster events and shows global states. For the tests of the
// checkers only; it shares no code with the core.
import type { Configuration, PeerId } from '@raftkv/raft';
import { seededRandom } from '../linearizability/simulate.ts';
import type { ClusterEvent, GlobalState, LogEntry, LogView, MemberState } from './cluster-events.ts';
import { isQuorum } from './quorums.ts';

/** One rule of Raft that is left out. */
export type Bug =
  | 'votes for logs that lag'
  | 'forgets its vote'
  | 'commits old terms by counting'
  | 'cuts what matches'
  | 'commits what is not verified'
  | 'acknowledges what is not durable'
  | 'counts a majority of one'
  | 'changes members in one step'
  | 'applies before it is committed';

interface Entry extends LogEntry {
  readonly configuration?: Configuration;
}

interface Log {
  compactedIndex: number;
  compactedTerm: number;
  /** As of compactedIndex. */
  configuration: Configuration;
  entries: Entry[];
}

interface Disk {
  term: number;
  votedFor: PeerId | undefined;
  commitIndex: number;
  log: Log;
}

interface Node extends Disk {
  readonly id: PeerId;
  role: MemberState['role'];
  isUp: boolean;
  appliedIndex: number;
  /** How far its log is known to be that of the leader of its term. */
  verifiedIndex: number;
  /** Of a leader: what others have acknowledged. */
  match: Map<PeerId, number>;
  disk: Disk;
}

const copyLog = (log: Log): Log => ({ ...log, entries: [...log.entries] });
const lastIndex = (log: Log): number => log.compactedIndex + log.entries.length;
const entryAt = (log: Log, index: number): Entry | undefined => log.entries[index - log.compactedIndex - 1];
const termAt = (log: Log, index: number): number | undefined =>
  index === log.compactedIndex ? log.compactedTerm : entryAt(log, index)?.term;
const configurationOf = (log: Log, upTo = Infinity): Configuration =>
  log.entries.findLast((entry) => entry.configuration !== undefined && entry.index <= upTo)?.configuration ??
  log.configuration;
const viewOf = ({ compactedIndex, compactedTerm, entries }: Log): LogView => ({
  compactedIndex,
  compactedTerm,
  entries: [...entries],
});

export class AbstractRaft {
  readonly #nodes: Node[];
  readonly #random: () => number;
  readonly #bug: Bug | undefined;
  readonly #tell: (event: ClusterEvent) => void;
  /** How often what happens: another mix with every seed. */
  readonly #rates: { readonly crash: number; readonly campaign: number; readonly members: number };
  #nextCommand = 1;

  /** `size` members of which the first three vote at first. */
  constructor(seed: number, options: { size: number; bug?: Bug; tell?: (event: ClusterEvent) => void }) {
    this.#random = seededRandom(seed);
    this.#bug = options.bug;
    this.#rates = {
      crash: this.#pick([0, 0.002, 0.01]),
      campaign: this.#pick([0.004, 0.02, 0.05]),
      members: this.#pick([0, 0, 0.02]),
    };
    this.#tell = options.tell ?? (() => {});
    const ids = Array.from({ length: options.size }, (_, n) => `n${n + 1}`);
    const configuration = { voters: ids.slice(0, 3), votersOutgoing: [], learners: [] };
    const empty = (): Disk => ({
      term: 0,
      votedFor: undefined,
      commitIndex: 0,
      log: { compactedIndex: 0, compactedTerm: 0, configuration, entries: [] },
    });
    this.#nodes = ids.map((id) => this.#boot(id, empty()));
  }

  #boot(id: PeerId, disk: Disk): Node {
    const volatile = { role: 'follower', isUp: true, verifiedIndex: 0, match: new Map<PeerId, number>() } as const;
    const appliedIndex = disk.log.compactedIndex;
    const node: Node = { id, ...volatile, ...disk, log: copyLog(disk.log), appliedIndex, disk };
    this.#tell({ type: 'started', member: id, term: disk.term, commitIndex: disk.commitIndex, log: viewOf(disk.log) });
    if (appliedIndex > 0) this.#tell({ type: 'restored', member: id, appliedIndex });
    return node;
  }

  get state(): GlobalState {
    return {
      members: this.#nodes.map((node): MemberState => {
        const { id, term, votedFor, role, commitIndex, log, disk } = node;
        const durable = { term: disk.term, votedFor: disk.votedFor, log: viewOf(disk.log) };
        const configuration = configurationOf(log);
        const committedConfiguration = configurationOf(log, commitIndex);
        return {
          ...{ id, term, votedFor, role, commitIndex, configuration, committedConfiguration },
          log: viewOf(log),
          durable,
        };
      }),
    };
  }

  /** Something happens, or nothing. */
  step(): void {
    const leaders = this.#nodes.filter(({ role }) => role === 'leader');
    const i = this.#pick(leaders.length > 0 && this.#random() < 0.6 ? leaders : this.#nodes);
    const j = this.#pick(this.#nodes);
    const dice = this.#random();
    if (!i.isUp) return dice < 0.3 ? this.#restart(i) : undefined;
    if (this.#random() < this.#rates.crash) return this.#crash(i);
    if (this.#random() < this.#rates.campaign) return this.#campaign(i);
    if (dice < 0.1) return this.#persist(i);
    if (dice < 0.14) return this.#apply(i);
    if (dice < 0.15) return this.#compact(i);
    if (i.role !== 'leader') return undefined;
    if (dice < 0.22) return this.#append(i, { digest: `c${this.#nextCommand++}` });
    if (dice < 0.22 + this.#rates.members) return this.#changeMembers(i);
    if (dice < 0.36) return this.#advanceCommit(i);
    if (i === j || !j.isUp) return undefined;
    return dice < 0.8 ? this.#replicate(i, j) : this.#acknowledge(i, j);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #moveTo(node: Node, term: number): void {
    node.term = term;
    node.votedFor = undefined;
    node.role = 'follower';
    node.verifiedIndex = 0;
    this.#tell({ type: 'term', member: node.id, term });
  }

  #vote(node: Node, candidate: PeerId): void {
    node.votedFor = candidate;
    // Durable before it is told, but not what else is in memory.
    if (this.#bug !== 'forgets its vote') {
      node.disk.term = node.term;
      node.disk.votedFor = candidate;
    }
    this.#tell({ type: 'voted', member: node.id, term: node.term, candidate });
  }

  #campaign(node: Node): void {
    const configuration = configurationOf(node.log);
    if (
      node.role === 'leader' ||
      !(configuration.voters.includes(node.id) || configuration.votersOutgoing.includes(node.id))
    )
      return;
    this.#moveTo(node, node.term + 1);
    node.role = 'candidate';
    this.#vote(node, node.id);
    const votes = new Set([node.id]);
    for (const other of this.#nodes) {
      if (other === node || !other.isUp || this.#random() < 0.3) continue;
      if (other.term > node.term) return this.#moveTo(node, other.term);
      if (other.term < node.term) this.#moveTo(other, node.term);
      const [own, theirs] = [lastIndex(node.log), lastIndex(other.log)];
      const [ownTerm, theirTerm] = [termAt(node.log, own)!, termAt(other.log, theirs)!];
      const isUpToDate = ownTerm > theirTerm || (ownTerm === theirTerm && own >= theirs);
      if (!isUpToDate && this.#bug !== 'votes for logs that lag') continue;
      if (other.votedFor !== undefined && other.votedFor !== node.id) continue;
      this.#vote(other, node.id);
      votes.add(other.id);
    }
    if (isQuorum(configuration, votes) || (this.#bug === 'counts a majority of one' && votes.size > 1))
      this.#lead(node);
  }

  #lead(node: Node): void {
    node.role = 'leader';
    node.match = new Map();
    this.#tell({ type: 'leader', member: node.id, term: node.term });
    this.#append(node, { digest: 'empty' });
  }

  #append(node: Node, what: Pick<Entry, 'digest' | 'configuration'>): void {
    const entry = { index: lastIndex(node.log) + 1, term: node.term, ...what };
    node.log.entries.push(entry);
    this.#tell({ type: 'appended', member: node.id, entries: [entry] });
  }

  #changeMembers(leader: Node): void {
    const { log, commitIndex } = leader;
    const present = configurationOf(log);
    const isSettled = configurationOf(log, commitIndex) === present && termAt(log, commitIndex) === leader.term;
    if (!isSettled && this.#bug !== 'changes members in one step') return;
    let next: Configuration = { ...present, votersOutgoing: [] };
    if (present.votersOutgoing.length === 0) {
      const voters = this.#nodes.map(({ id }) => id).filter(() => this.#random() < 0.6);
      if (voters.length < 2) return;
      next = {
        voters,
        votersOutgoing: this.#bug === 'changes members in one step' ? [] : present.voters,
        learners: [],
      };
    }
    this.#append(leader, { digest: JSON.stringify(next), configuration: next });
  }

  #replicate(leader: Node, to: Node): void {
    if (to.term > leader.term) return this.#moveTo(leader, to.term);
    if (to.term < leader.term) this.#moveTo(to, leader.term);
    to.role = 'follower';
    const [first, last] = [leader.log.compactedIndex, lastIndex(leader.log)];
    if (lastIndex(to.log) < first) return this.#sendSnapshot(leader, to);
    // Mostly what it is known to need, sometimes anything: an old message that arrives now.
    const guess = this.#random() < 0.7 ? Math.min(lastIndex(to.log), last) : last - Math.floor(this.#random() * 6);
    const previous = Math.max(first, guess);
    const entries = leader.log.entries.slice(previous - first, previous - first + Math.floor(this.#random() * 4));
    if (previous > to.log.compactedIndex && termAt(to.log, previous) !== termAt(leader.log, previous)) return;
    const fresh = entries.filter(({ index }) => index > to.log.compactedIndex);
    const conflict = fresh.find(({ index, term }) => termAt(to.log, index) !== term);
    const from = this.#bug === 'cuts what matches' ? fresh[0]?.index : conflict?.index;
    if (from !== undefined) {
      const added = fresh.filter(({ index }) => index >= from);
      to.log.entries.splice(from - to.log.compactedIndex - 1, Infinity, ...added);
      this.#tell({ type: 'appended', member: to.id, entries: added });
    }
    to.verifiedIndex = Math.max(to.verifiedIndex, previous + entries.length);
    const verified = this.#bug === 'commits what is not verified' ? lastIndex(to.log) : previous + entries.length;
    this.#commit(to, Math.min(leader.commitIndex, verified));
  }

  #sendSnapshot(leader: Node, to: Node): void {
    const { compactedIndex, compactedTerm, configuration } = leader.log;
    to.log = { compactedIndex, compactedTerm, configuration, entries: [] };
    [to.commitIndex, to.appliedIndex, to.verifiedIndex] = [compactedIndex, compactedIndex, compactedIndex];
    this.#persist(to);
    const last = { lastIncludedIndex: compactedIndex, lastIncludedTerm: compactedTerm };
    this.#tell({ type: 'snapshot', member: to.id, ...last, keepsLog: false });
    this.#tell({ type: 'restored', member: to.id, appliedIndex: compactedIndex });
  }

  /** The answer to an append arrives, about what is on the disk there. */
  #acknowledge(leader: Node, from: Node): void {
    if (from.term !== leader.term) return;
    const log = this.#bug === 'acknowledges what is not durable' ? from.log : from.disk.log;
    let index = Math.min(from.verifiedIndex, lastIndex(log));
    while (index > log.compactedIndex && termAt(log, index) !== termAt(leader.log, index)) index--;
    leader.match.set(from.id, Math.max(leader.match.get(from.id) ?? 0, index));
  }

  #advanceCommit(leader: Node): void {
    for (let index = lastIndex(leader.log); index > leader.commitIndex; index--) {
      if (termAt(leader.log, index) !== leader.term && this.#bug !== 'commits old terms by counting') return;
      const holders = [...leader.match].filter(([, match]) => match >= index).map(([id]) => id);
      if (termAt(leader.disk.log, index) === termAt(leader.log, index)) holders.push(leader.id);
      if (!isQuorum(configurationOf(leader.log), new Set(holders))) continue;
      return this.#commit(leader, index);
    }
  }

  #commit(node: Node, index: number): void {
    if (index <= node.commitIndex) return;
    node.commitIndex = index;
    this.#tell({ type: 'committed', member: node.id, commitIndex: index });
  }

  #apply(node: Node): void {
    const upTo = this.#bug === 'applies before it is committed' ? lastIndex(node.log) : node.commitIndex;
    while (node.appliedIndex < upTo) {
      const entry = entryAt(node.log, ++node.appliedIndex);
      if (entry?.digest.startsWith('c')) this.#tell({ type: 'applied', member: node.id, entry });
    }
  }

  #compact(node: Node): void {
    const index = Math.min(node.appliedIndex, lastIndex(node.disk.log));
    if (index <= node.log.compactedIndex || termAt(node.disk.log, index) !== termAt(node.log, index)) return;
    for (const log of [node.log, node.disk.log]) {
      const [configuration, compactedTerm] = [configurationOf(log, index), termAt(log, index)!];
      log.entries = log.entries.filter((entry) => entry.index > index);
      Object.assign(log, { compactedIndex: index, compactedTerm, configuration });
    }
    node.disk.commitIndex = Math.max(node.disk.commitIndex, index);
    this.#tell({ type: 'compacted', member: node.id, index });
  }

  #persist(node: Node): void {
    const { term, votedFor, commitIndex, log } = node;
    node.disk = { term, votedFor, commitIndex, log: copyLog(log) };
  }

  #crash(node: Node): void {
    this.#tell({ type: 'stopped', member: node.id });
    Object.assign(node, { ...node.disk, log: copyLog(node.disk.log), role: 'follower', isUp: false });
  }

  #restart(node: Node): void {
    Object.assign(node, this.#boot(node.id, node.disk));
  }
}
