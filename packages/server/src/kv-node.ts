// One member as its doors see it: KvNode over a Replica and the state machine. It exists from the first moment on, so that health checks
// are answered while the cluster is still being founded; until `run` gives it the replica every write and confirmed read is refused.
import type {
  Command,
  CommandEnvelope,
  CommandResult,
  GetResult,
  Key,
  KeyRange,
  ScanOptions,
  ScanResult,
} from '@raftkv/kv';
import type { Member, RaftStatus } from '@raftkv/raft';
import type { Clock, Replica } from '@raftkv/replica';
import { RaftkvError, deflateCompression, encodeCommand } from '@raftkv/wire';
import type {
  AdminRequest,
  AdminResult,
  DigestAnswer,
  DigestRequest,
  Hasher,
  MemberLink,
  NodeStatus,
} from '@raftkv/wire';
import { Digests } from './digests.ts';
import type { KvStateMachine } from './kv-state-machine.ts';
import { traitsOf } from './member-kind.ts';
import type { Membership } from './membership.ts';
import type { Feed, KvNode, ObserveOptions, ReadOptions, Watcher } from './node-api.ts';
import { Observers } from './observers.ts';
import { idsOf } from './roster.ts';
import type { Roster } from './roster.ts';
import { systemClock } from './system-clock.ts';
import { Watchers, resultError } from './watchers.ts';

export interface LocalKvNodeOptions {
  /** A function: asked when it is needed, since the founders of a cluster do not know it before it is founded. */
  readonly clusterId: string | (() => string | undefined);
  readonly memberId: string;
  readonly name: string;
  readonly version: string;
  readonly roster: Roster;
  readonly stateMachine: KvStateMachine;
  readonly syncWrites: boolean;
  /** Whether linearizable reads are served under leases. Default false. */
  readonly leaseReads?: boolean;
  readonly isReachable: (memberId: string) => boolean;
  /** How a member is reached. Default: nothing is said of it. */
  readonly linkTo?: (memberId: string) => MemberLink | undefined;
  /** Default: the process's. */
  readonly clock?: Pick<Clock, 'now' | 'schedule'>;
  /** How long a `session` read waits for its revision. */
  readonly requestTimeoutMilliseconds: number;
  /** Raw DEFLATE for what observers are sent. Default: the one in plain JavaScript; a runtime's own is several times faster. */
  readonly deflate?: (bytes: Uint8Array) => Uint8Array;
  /** For what observers are vouched for who are fed by others. Default: the one in plain JavaScript. */
  readonly sha256?: () => Hasher;
}

interface RevisionWaiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly cancel: () => void;
}

export class LocalKvNode implements KvNode {
  readonly #options: LocalKvNodeOptions;
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  readonly #watchers: Watchers;
  readonly #observers: Observers;
  readonly #digests: Digests;
  readonly #startedAt: number;
  readonly #leaderListeners = new Set<() => void>();
  readonly #waiters = new Set<RevisionWaiter>();
  #replica: Replica | undefined;
  #membership: Membership | undefined;
  /** A state that was durable here before the start: until it is applied again, reads would go back in time (T44). */
  #startIndex = 0;
  #isCaughtUp = false;
  #isStopped = false;
  #role: { term: number; leaderId: string | undefined; isLeader: boolean } = {
    term: 0,
    leaderId: undefined,
    isLeader: false,
  };

  constructor(options: LocalKvNodeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#watchers = new Watchers(options.stateMachine);
    this.#observers = new Observers(options.stateMachine, {
      clock: this.#clock,
      deflate: options.deflate ?? deflateCompression.deflate,
    });
    this.#digests = new Digests(options.stateMachine, {
      clock: this.#clock,
      leader: () => this.leader,
      ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }),
    });
    this.#startedAt = this.#clock.now();
    options.stateMachine.onApplied(() => this.#wakeWaiters());
  }

  /** The replica runs: writes are carried out from now on, reads once everything up to `startIndex` is applied again. Without `membership` members do not change. */
  run(replica: Replica, startIndex: number, membership?: Membership): void {
    this.#replica = replica;
    this.#membership = membership;
    this.#startIndex = startIndex;
    this.roleChanged(replica.status().raft);
  }

  stop(): void {
    this.#isStopped = true;
    this.#setRole({ term: this.#role.term, leaderId: undefined, isLeader: false });
  }

  /** To be wired to the replica's onRoleChange. */
  roleChanged(status: RaftStatus): void {
    this.#setRole({ term: status.term, leaderId: status.leaderId, isLeader: status.role === 'leader' });
  }

  #setRole(role: { term: number; leaderId: string | undefined; isLeader: boolean }): void {
    const isNew = role.leaderId !== this.#role.leaderId || role.isLeader !== this.#role.isLeader;
    this.#role = role;
    if (isNew) for (const listener of this.#leaderListeners) listener();
  }

  get clusterId(): string | undefined {
    const { clusterId } = this.#options;
    return typeof clusterId === 'string' ? clusterId : clusterId();
  }
  get memberId(): string {
    return this.#options.memberId;
  }
  get revision(): number {
    return this.#options.stateMachine.store.revision;
  }
  get compactedRevision(): number {
    return this.#options.stateMachine.store.compactedRevision;
  }
  get term(): number {
    return this.#role.term;
  }
  get isLeader(): boolean {
    return this.#role.isLeader;
  }
  get leader(): string | undefined {
    return this.#address(this.#role.leaderId);
  }
  get watcherCount(): number {
    return this.#watchers.count;
  }

  write(command: Uint8Array): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.writeWith(command, (error, result) => (error === undefined ? resolve(result!) : reject(error)));
    });
  }

  writeWith(
    command: Uint8Array,
    callback: (error: RaftkvError | undefined, result: CommandResult | undefined) => void,
  ): Command['type'] {
    const { type } = this.#options.stateMachine.check(command).command;
    this.#running().propose(command, callback as (error: RaftkvError | undefined, result: unknown) => void);
    return type;
  }

  async execute(envelope: CommandEnvelope): Promise<CommandResult> {
    return this.write(encodeCommand(envelope));
  }

  linearize(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#running().linearize((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  async get(key: Key, options: ReadOptions & { readonly revision?: number }): Promise<GetResult> {
    await this.#reach(options);
    return this.getLocal(key, options);
  }

  async scan(range: KeyRange, options: ReadOptions & ScanOptions): Promise<ScanResult> {
    await this.#reach(options);
    return this.scanLocal(range, options);
  }

  getLocal(key: Key, options: { readonly revision?: number } = {}): GetResult {
    this.#checkCaughtUp();
    const result = this.#options.stateMachine.store.get(key, options);
    if (result.type === 'error') throw resultError(result);
    return result;
  }

  scanLocal(range: KeyRange, options: ScanOptions = {}): ScanResult {
    this.#checkCaughtUp();
    const result = this.#options.stateMachine.store.scan(range, options);
    if (result.type === 'error') throw resultError(result);
    return result;
  }

  watch(range: KeyRange, from: number, onReady: () => void): Watcher {
    this.#checkCaughtUp();
    return this.#watchers.open(range, from, onReady);
  }

  observe(options: ObserveOptions, onReady: () => void): Feed {
    this.#checkCaughtUp();
    return this.#observers.open(options, onReady);
  }

  onLeaderChange(listener: () => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
  }

  onMembersChange(listener: () => void): () => void {
    return this.#options.roster.onChange(listener);
  }

  async digest(request: DigestRequest): Promise<DigestAnswer> {
    this.#running();
    return this.#digests.ask(request);
  }

  async admin(request: AdminRequest): Promise<AdminResult> {
    this.#running();
    if (this.#membership === undefined)
      throw new RaftkvError('unsupported', 'the members of this cluster do not change');
    return this.#membership.handle(request);
  }

  status(): NodeStatus {
    const { memberId, name, version, roster, stateMachine, syncWrites, isReachable } = this.#options;
    const raft = this.#replica?.status().raft;
    const statistics = stateMachine.store.statistics();
    const linkOf = (id: string): { link?: MemberLink } => {
      const link = this.#options.linkTo?.(id);
      return link === undefined ? {} : { link };
    };
    return {
      clusterId: this.clusterId ?? '',
      memberId,
      name,
      version,
      phase: this.#isStopped ? 'stopped' : raft === undefined ? 'founding' : 'running',
      role: raft?.role ?? 'follower',
      term: raft?.term ?? 0,
      leaderId: raft?.leaderId,
      leader: this.leader,
      commitIndex: raft?.commitIndex ?? 0,
      appliedIndex: this.#replica?.appliedIndex ?? 0,
      lastIndex: raft?.lastIndex ?? 0,
      firstIndex: raft?.firstIndex ?? 0,
      snapshotIndex: raft?.snapshotIndex ?? 0,
      revision: statistics.revision,
      compactedRevision: statistics.compactedRevision,
      keys: statistics.keys,
      dataBytes: statistics.keyBytes + statistics.valueBytes,
      syncWrites,
      ...(this.#options.leaseReads === true ? { leaseReads: true } : {}),
      uptimeSeconds: Math.floor((this.#clock.now() - this.#startedAt) / 1000),
      members: this.#present().map(({ id, name: memberName, address, ...rest }) => ({
        id,
        name: memberName,
        address,
        isLearner: roster.state.active.learners.includes(id),
        isReachable: id === memberId || isReachable(id),
        matchIndex: raft?.progress.get(id)?.matchIndex,
        ...traitsOf(rest),
        ...linkOf(id),
      })),
    };
  }

  #running(): Replica {
    if (this.#isStopped) throw new RaftkvError('closed', 'this member is stopping');
    if (this.#replica === undefined) {
      throw new RaftkvError(
        'no_leader',
        'the cluster is being founded: all its members must be up once, at the first start',
      );
    }
    return this.#replica;
  }

  #checkCaughtUp(): void {
    if (this.#isCaughtUp) return;
    if (this.#running().appliedIndex < this.#startIndex) {
      throw new RaftkvError(
        'no_leader',
        'this member is reading its log back; it answers when it stands where it stood',
      );
    }
    this.#isCaughtUp = true;
  }

  #address(memberId: string | undefined): string | undefined {
    return this.#options.roster.get(memberId)?.address;
  }

  /** The members as the configuration in force has them. */
  #present(): Member[] {
    const { roster } = this.#options;
    const ids = idsOf(roster.state.active);
    return roster.members.filter(({ id }) => ids.includes(id));
  }

  /** Waits until the state here is good enough for the level asked. */
  #reach(options: ReadOptions): Promise<void> | undefined {
    if (options.level === 'linearizable') return this.linearize(options.signal);
    const revision = options.minRevision ?? 0;
    if (options.level === 'local' || revision <= this.revision) return undefined;
    return this.#untilRevision(revision);
  }

  #untilRevision(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(() => {
        this.#waiters.delete(waiter);
        reject(
          new RaftkvError(
            'timeout',
            `this member did not reach revision ${revision} in time; it stands at ${this.revision}`,
          ),
        );
      }, this.#options.requestTimeoutMilliseconds);
      const waiter: RevisionWaiter = { revision, resolve, cancel };
      this.#waiters.add(waiter);
    });
  }

  #wakeWaiters(): void {
    if (this.#waiters.size === 0) return;
    const revision = this.revision;
    for (const waiter of this.#waiters) {
      if (waiter.revision > revision) continue;
      this.#waiters.delete(waiter);
      waiter.cancel();
      waiter.resolve();
    }
  }
}
