// One running member: the only loop. Inputs (messages, proposals, reads, ticks, finished writes) enter queues; one turn of the
// loop steps them all through the core, takes its Readys, and hands the work to storage, transport and state machine.
// It decides nothing: the core does. It knows no clock, socket or disk but those it was given, so the simulator runs it as it is.
import type {
  Configuration,
  Entry,
  Input,
  MemberChange,
  PeerId,
  Raft,
  Ready,
  SnapshotMeta,
  SoftState,
} from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import type { Core } from './flight-recorder.ts';
import { Pace } from './pace.ts';
import { createCore } from './core.ts';
import { MemberChanges } from './member-changes.ts';
import { Proposals } from './proposals.ts';
import { Pulse } from './pulse.ts';
import type { ProposalCallback } from './proposals.ts';
import { limitsOf } from './options.ts';
import type { ReplicaLimits, ReplicaOptions, ReplicaStatus } from './options.ts';
import { compactionPoint, servedBySnapshot } from './compaction.ts';
import { type ReadCallback, Reads } from './reads.ts';
import { restoreLatest } from './restore-latest.ts';
import { SnapshotTransfer } from './snapshot-transfer.ts';
import { Snapshotter } from './snapshotter.ts';
import { Transfers } from './transfers.ts';
import { Vouching } from './vouching.ts';

/** After so long a turn ends, with work left for the next one. A fraction of a heartbeat, so that a busy member is not taken for a dead one. */
const maxTurnMilliseconds = 20;

/** The core inside, for `inspection.ts` alone. */
export let coreOf: (replica: Replica) => Raft;

/**
 * @example
 * ```ts
 * const replica = new Replica({ raft: { id, seed }, configuration, storage, stored: await storage.load(), transport, stateMachine, clock, onHalt })
 * await replica.start()
 * replica.propose(bytes, (error, result) => { ... })
 * ```
 */
export class Replica {
  #options: ReplicaOptions;
  readonly #raft: Raft;
  /** The same, or the same with a recorder in between. */
  readonly #core: Core;
  readonly #proposals = new Proposals();
  readonly #reads = new Reads();
  readonly #transfers = new Transfers();
  readonly #vouching: Vouching;
  readonly #changes = new MemberChanges();
  readonly #snapshotter: Snapshotter;
  readonly #transfer: SnapshotTransfer;
  readonly #pulse: Pulse;
  readonly #limits: ReplicaLimits;
  #inbox: Input[] = [];
  #isScheduled = false;
  #isStarted = false;
  #isClosed = false;
  #halted: RaftkvError | undefined;
  #appliedIndex = 0;
  #appliedTerm = 0;
  #snapshotIndex = 0;
  /** The newest proposal that the core was given. */
  #steppedContext = 0;
  #leaderId: PeerId | undefined;
  #term = 0;

  constructor(options: ReplicaOptions) {
    if (options.raft.leaseReads !== undefined && options.storage.isInTab === true) {
      throw new RaftkvError('unsupported', 'a tab is suspended without notice: it cannot serve reads under a lease');
    }
    this.#options = options;
    const { storage, stateMachine, clock } = options;
    this.#limits = limitsOf(options);
    const { tickMilliseconds, snapshotBytesPerSecond, requestTimeoutMilliseconds } = this.#limits;
    this.#raft = createCore(options, Math.max(1, Math.ceil(requestTimeoutMilliseconds / tickMilliseconds)));
    this.#core = options.recorder?.record(this.#raft) ?? this.#raft;
    this.#vouching = new Vouching(storage, {
      send: (messages) => options.transport.send(messages),
      confirm: (state) => this.#reads.confirm(state, this.#appliedIndex),
      onFailed: (error) => this.#halt(error),
    });
    this.#snapshotter = new Snapshotter(storage, stateMachine, this.#limits);
    this.#transfer = new SnapshotTransfer(
      storage,
      stateMachine,
      new Pace(clock, snapshotBytesPerSecond),
      (input) => this.#post(input),
      (error) => this.#halt(error),
    );
    this.#pulse = new Pulse(
      clock,
      {
        tickMilliseconds,
        electionTimeoutTicks: options.raft.electionTimeoutTicks ?? 10,
        hasLeases: options.raft.leaseReads !== undefined,
      },
      (input) => this.#post(input),
      (count) => this.#tick(count),
    );
  }

  /** Restores the state from the latest snapshot, then takes part. Rejects if the snapshot cannot be read. */
  async start(): Promise<void> {
    const { storage, stored, stateMachine, transport } = this.#options;
    const snapshot = stored.snapshot;
    if (snapshot !== undefined) {
      const bytes = await restoreLatest(storage, stateMachine, snapshot);
      this.#appliedIndex = snapshot.lastIncludedIndex;
      this.#appliedTerm = snapshot.lastIncludedTerm;
      this.#snapshotIndex = snapshot.lastIncludedIndex;
      this.#snapshotter.installed(bytes);
    }
    if (this.#isClosed) return;
    this.#isStarted = true;
    // The core has the entries now. Here they would outlive every compaction, with the segments that they are views of.
    this.#options = { ...this.#options, stored: { ...stored, entries: [] } };
    this.#options.onConfiguration?.(this.#raft.configurationStatus());
    transport.start({
      onMessage: (message) => this.#post({ type: 'receive', message }),
      onUnreachable: (peer) => this.#post({ type: 'unreachable', peer }),
    });
    this.#pulse.start();
    this.#schedule();
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** Proposes a command here or, through the core, at the leader. `callback` is told once; never synchronously. */
  propose(data: Uint8Array, callback: ProposalCallback): void {
    const refused = this.#refuse();
    if (refused !== undefined) return queueMicrotask(() => callback(refused, undefined));
    const context = this.#proposals.add(callback, this.#deadline());
    this.#post({ type: 'propose', context, data });
  }

  /** Tells `callback`, once and never synchronously, when the state machine's state is linearizable as of this call (§6.4). */
  linearize(callback: ReadCallback): void {
    const refused = this.#refuse();
    if (refused !== undefined) return queueMicrotask(() => callback(refused));
    this.#reads.add(callback);
    this.#schedule();
  }

  /**
   * Hands leadership over to this voter, or to the best one that answers. Resolves once a newer leader is known here, at once if `to` leads already.
   * Takes writes again after an election timeout in which nobody took over. Rejects with `no_leader` (this member does not lead),
   * `invalid_argument` (no voter), `busy` (a transfer is under way), `timeout` (nobody took over; it may still happen) or `closed`.
   */
  transferLeadership(to?: PeerId): Promise<void> {
    if (this.#halted !== undefined) return Promise.reject(this.#halted);
    if (!this.#isStarted || this.#isClosed) {
      return Promise.reject(new RaftkvError('closed', 'this member is not running'));
    }
    return this.#transfers.wait((context) => this.#post({ type: 'transferLeadership', context, to }));
  }

  /**
   * How much this member should lead from now on: 0 to 100, the higher; 0: it does not campaign by itself. A leader whose priority falls hands over
   * at once to a voter of a higher one, if one is fit. Before the start it counts from the start.
   */
  setPriority(priority: number): void {
    this.#post({ type: 'setPriority', priority });
  }

  /**
   * Changes the members, all at once (§4); only the leader can. Resolves with the configuration that comes of it, once that is committed and no
   * joint one any more. Rejects with `no_leader` (this member does not lead; or it lost its lead and the change did not happen), `busy` (another change is
   * under way, or the leader is new or handing over), `unsafe_change`, `not_caught_up`, `invalid_argument`, `timeout` (not `definite`: it may still happen) or `closed`.
   *
   * @example
   * ```ts
   * await replica.changeMembers([{ type: 'promote', id: learner }, { type: 'remove', id: old }])
   * ```
   */
  changeMembers(changes: readonly MemberChange[]): Promise<Configuration> {
    const refused = this.#refuse();
    if (refused !== undefined) return Promise.reject(refused);
    return this.#changes.wait(this.#deadline(), (context) =>
      this.#post({ type: 'proposeConfiguration', context, changes }),
    );
  }

  status(): ReplicaStatus {
    return {
      raft: this.#raft.status(),
      storage: this.#options.storage.statistics(),
      appliedIndex: this.#appliedIndex,
      openProposals: this.#proposals.openCount,
      openReads: this.#reads.openCount,
      maxStallMilliseconds: this.#pulse.maxStallMilliseconds,
      halted: this.#halted,
    };
  }

  /**
   * Stops taking part and fails what is open. Storage and transport are the owner's to close. Idempotent. `handOver`: a leader hands
   * leadership over first, for which it takes an election timeout at most.
   */
  async close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    // Whatever comes of it: with nobody to take over, the others elect somebody once this member is silent.
    if (handOver) await this.transferLeadership().catch(() => {});
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#vouching.close();
    this.#pulse.stop();
    this.#snapshotter.cancel();
    this.#failOpen(new RaftkvError('closed', 'this member is stopping', { definite: false }));
    await this.#transfer.close().catch(() => {});
  }

  #refuse(): RaftkvError | undefined {
    if (this.#halted !== undefined) return this.#halted;
    if (!this.#isStarted || this.#isClosed) return new RaftkvError('closed', 'this member is not running');
    if (this.#proposals.openCount + this.#reads.openCount < this.#limits.maxOpenRequests) return undefined;
    return new RaftkvError('busy', `more than ${this.#limits.maxOpenRequests} requests are open; try again later`);
  }

  #deadline(): number {
    return this.#options.clock.now() + this.#limits.requestTimeoutMilliseconds;
  }

  #tick(count: number): void {
    for (let i = 0; i < count; i++) this.#inbox.push({ type: 'tick' });
    const now = this.#options.clock.now();
    this.#proposals.expire(now);
    this.#reads.expire(now);
    this.#schedule();
  }

  #post(input: Input): void {
    this.#inbox.push(input);
    this.#schedule();
  }

  /** One turn for all that arrives until then: what makes a batch of a burst. */
  #schedule(): void {
    if (this.#isScheduled || !this.#isStarted || this.#isClosed || this.#halted !== undefined) return;
    this.#isScheduled = true;
    this.#options.clock.defer(() => {
      this.#isScheduled = false;
      if (this.#isClosed || this.#halted !== undefined) return;
      try {
        this.#turn();
      } catch (error) {
        this.#halt(error);
      }
    });
  }

  #turn(): void {
    const inputs = this.#inbox;
    this.#inbox = [];
    this.#pulse.catchUp((input) => this.#core.step(input));
    for (const input of inputs) {
      this.#core.step(input);
      if (input.type === 'propose') this.#steppedContext = input.context;
    }
    const context = this.#reads.takeContext(this.#deadline());
    if (context !== undefined) this.#core.step({ type: 'readIndex', context });
    this.#pulse.catchUp((input) => this.#core.step(input));
    const startedAt = this.#options.clock.now();
    while (this.#raft.hasReady()) {
      this.#process(this.#core.takeReady());
      if (this.#options.clock.now() - startedAt < maxTurnMilliseconds) continue;
      // A long backlog is applied in slices: peers, ticks and clients are heard in between.
      this.#schedule();
      break;
    }
    this.#changes.look(this.#raft, this.#options.clock.now());
    this.#considerSnapshot();
  }

  #process(ready: Ready): void {
    const { storage } = this.#options;
    // First, so that messages to a new member find its address known.
    if (ready.configuration !== undefined) this.#options.onConfiguration?.(ready.configuration);
    if (ready.hardState !== undefined || ready.entries.length > 0) {
      const readyNumber = ready.number;
      storage.append({ hardState: ready.hardState, entries: ready.entries }).then(
        () => this.#post({ type: 'persisted', readyNumber }),
        (error: unknown) => this.#halt(error),
      );
    }
    if (ready.messages.length > 0) this.#vouching.send(ready.messages);
    for (const result of ready.proposalResults) {
      if (!this.#changes.place(result)) this.#proposals.place(result, this.#appliedIndex);
    }
    for (const result of ready.transferResults) this.#transfers.settle(result);
    for (const write of ready.snapshotWrites) this.#transfer.write(write);
    for (const read of ready.snapshotReads) this.#transfer.read(read);
    if (ready.snapshot !== undefined) this.#install(ready.snapshot);
    if (ready.committedEntries.length > 0) this.#apply(ready.committedEntries);
    if (ready.readStates.length > 0) this.#vouching.confirm(ready.readStates);
    if (ready.softState !== undefined) this.#changeRole(ready.softState);
  }

  #changeRole({ leaderId, term }: SoftState): void {
    if (leaderId !== this.#leaderId || term !== this.#term) this.#proposals.abandonForwarded(this.#steppedContext);
    if (leaderId !== this.#options.raft.id) this.#transfer.closeReaders();
    this.#leaderId = leaderId;
    this.#term = term;
    this.#options.onRoleChange?.(this.#raft.status());
  }

  #apply(entries: readonly Entry[]): void {
    const { stateMachine } = this.#options;
    let bytes = 0;
    for (const entry of entries) {
      const result = entry.kind === 'command' ? stateMachine.apply(entry) : undefined;
      bytes += entry.data.length;
      this.#appliedIndex = entry.index;
      this.#proposals.applied(entry, result);
    }
    this.#appliedTerm = entries.at(-1)!.term;
    this.#snapshotter.countApplied(bytes);
    this.#transfer.applied(this.#appliedIndex);
    this.#afterApply();
  }

  #afterApply(): void {
    this.#options.stateMachine.afterApply(this.#appliedIndex);
    this.#core.step({ type: 'applied', index: this.#appliedIndex });
    this.#reads.applied(this.#appliedIndex);
  }

  #install(meta: SnapshotMeta): void {
    this.#snapshotter.cancel();
    const bytes = this.#transfer.install(meta.lastIncludedIndex);
    this.#appliedIndex = meta.lastIncludedIndex;
    this.#appliedTerm = meta.lastIncludedTerm;
    this.#snapshotIndex = meta.lastIncludedIndex;
    this.#snapshotter.installed(bytes);
    this.#proposals.skipTo(meta.lastIncludedIndex);
    this.#options.onEvent?.({ type: 'snapshotInstalled', index: meta.lastIncludedIndex });
    this.#afterApply();
  }

  #considerSnapshot(): void {
    if (!this.#snapshotter.isDue(this.#appliedIndex - this.#snapshotIndex)) return;
    const configuration = this.#raft.configurationAt(this.#appliedIndex);
    // One that joined, whose log has not told it yet who is a member.
    if (configuration === undefined) return;
    const [lastIncludedIndex, lastIncludedTerm] = [this.#appliedIndex, this.#appliedTerm];
    const meta: SnapshotMeta = { lastIncludedIndex, lastIncludedTerm, configuration };
    const startedAt = this.#options.clock.now();
    this.#snapshotter.take(meta).then(
      (taken) => {
        // Installed meanwhile: the leader's snapshot is newer, and ours was not the reason to compact.
        if (taken === undefined || this.#isClosed || lastIncludedIndex <= this.#snapshotIndex) return;
        this.#snapshotIndex = lastIncludedIndex;
        this.#compact(lastIncludedIndex);
        const milliseconds = this.#options.clock.now() - startedAt;
        this.#options.onEvent?.({ type: 'snapshotTaken', index: lastIncludedIndex, bytes: taken.bytes, milliseconds });
      },
      (error: unknown) => this.#halt(error),
    );
  }

  #compact(snapshotIndex: number): void {
    const status = this.#raft.status();
    this.#transfer.closeReaders(servedBySnapshot(status));
    const compactTo = compactionPoint(status, snapshotIndex, this.#limits);
    this.#post({ type: 'compact', snapshotIndex, compactTo });
    if (compactTo < status.firstIndex) return;
    this.#options.storage.compact(compactTo).catch((error: unknown) => this.#halt(error));
  }

  #halt(error: unknown): void {
    if (this.#halted !== undefined || this.#isClosed) return;
    this.#halted = RaftkvError.from(error, 'halted', { definite: false });
    this.#vouching.close();
    this.#pulse.stop();
    this.#options.recorder?.halted(this.#halted);
    const message = `this member stopped: ${this.#halted.message}`;
    this.#failOpen(new RaftkvError('closed', message, { definite: false, cause: error }));
    this.#options.onHalt(this.#halted);
  }

  #failOpen(error: RaftkvError): void {
    this.#proposals.failAll(error);
    this.#reads.failAll(error);
    this.#transfers.failAll(error);
    this.#changes.failAll(error);
  }

  static {
    coreOf = (replica) => replica.#raft;
  }
}
