// The composition of a member, the same in every runtime: registry, mesh, replica, state machine and membership over a home, put together and taken
// apart in order. Doors, clocks, dice and the place of the storage are the runtime's to give. Called by the composition roots of Node and of a tab.
import type { PeerId } from '@raftkv/raft';
import { Replica } from '@raftkv/replica';
import type { Storage } from '@raftkv/storage';
import type { Mesh } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { ClusterId } from './cluster-id.ts';
import { PeerRegistry } from './founding.ts';
import { writeRemovalNote } from './home-note.ts';
import type { Home } from './home.ts';
import { LocalKvNode } from './kv-node.ts';
import { KvStateMachine } from './kv-state-machine.ts';
import { openMemberMesh } from './member-mesh.ts';
import type { MemberOptions } from './member-options.ts';
import { Membership } from './membership.ts';
import type { MembershipEngine } from './membership.ts';
import { MeshKeeper } from './mesh-keeper.ts';
import { Roster } from './roster.ts';
import { SecondFounding } from './second-founding.ts';

/** A member that is put together, and takes part once it was started and its cluster is founded. */
export interface Member {
  readonly node: LocalKvNode;
  readonly replica: Replica;
  readonly mesh: Mesh;
  readonly roster: Roster;
  readonly clusterId: ClusterId;
  readonly storage: Storage;
  /** Takes part as soon as the cluster is founded; peers are met and clients answered before that. Once. Resolves when it takes part; what goes wrong is told to `onHalt` as well. */
  start(): Promise<void>;
  /** A leader hands leadership over, to `to` or to the best voter that answers; see `Replica.transferLeadership`. */
  handOver(to?: PeerId): Promise<void>;
  /** Ends all in order, the storage last. Idempotent. `handOver`: a leader hands leadership over first, which takes an election timeout at most. */
  close(options?: { readonly handOver?: boolean }): Promise<void>;
}

/**
 * Rejects with `storage_*` and what `check` says; the home's storage is closed then.
 *
 * @example
 * ```ts
 * const home = await openHome({ place, name, token, founders, join: undefined });
 * const member = await openMember({ home, version, clock, raft: { seed }, tickMilliseconds: 30, mesh: { dial }, onHalt });
 * void member.start();
 * serveClient(channel, member.node);
 * ```
 */
export async function openMember(options: MemberOptions): Promise<Member> {
  const opening = new OpenMember(options);
  try {
    await opening.compose();
    return opening;
  } catch (error) {
    await opening.close();
    throw error;
  }
}

class OpenMember implements Member {
  readonly storage: Storage;
  readonly roster: Roster;
  clusterId!: ClusterId;
  node!: LocalKvNode;
  replica!: Replica;
  mesh!: Mesh;
  readonly #options: MemberOptions;
  readonly #home: Home;
  readonly #stateMachine: KvStateMachine;
  /** What to take apart, last opened first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  #registry!: PeerRegistry;
  #membership!: Membership;
  #closing: Promise<void> | undefined;
  #isHalted = false;

  constructor(options: MemberOptions) {
    const { home } = options;
    this.#options = options;
    this.#home = home;
    this.#stateMachine = options.stateMachine ?? new KvStateMachine();
    this.storage = home.storage;
    this.#closers.push(() => home.storage.close());
    this.roster = new Roster(home.founders, {
      active: home.configuration,
      committed: home.configuration,
      committedIndex: home.configurationIndex,
    });
  }

  async compose(): Promise<void> {
    const { storage, roster } = this;
    const others = this.#home.founders.filter(({ id }) => id !== this.#memberId);
    this.#registry = await PeerRegistry.open({ storage, self: this.#home.stored.identity, others, roster });
    this.clusterId = new ClusterId(this.#home, this.#registry);
    await this.#options.check?.(this.clusterId.known);
    this.mesh = this.#openMesh();
    this.#closers.push(() => this.mesh.close());
    this.node = this.#createNode();
    this.replica = this.#createReplica();
    this.#membership = this.#createMembership();
    this.#closers.push(() => {
      this.#membership.stop();
      this.node.stop();
      return this.replica.close();
    });
    this.#keepMesh();
  }

  async start(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#halt(RaftkvError.from(error));
      throw error;
    }
  }

  async #run(): Promise<void> {
    const registry = this.#registry;
    if (!registry.isFounded) this.#options.onEvent?.({ type: 'founding: waiting for', members: registry.missing() });
    await registry.founded();
    if (this.#closing !== undefined) return;
    await this.replica.start();
    // A member that joined has nothing to answer with before it has what the cluster had when it let it in.
    const { snapshot, hardState } = this.#home.stored;
    const committed = Math.max(snapshot?.lastIncludedIndex ?? 0, hardState?.commitIndex ?? 0);
    this.node.run(this.replica, Math.max(committed, this.#home.configurationIndex), this.#membership);
    this.#membership.start();
    const { clusterId, memberId } = this.node;
    this.#options.onEvent?.({ type: 'running', clusterId, memberId });
  }

  handOver(to?: PeerId): Promise<void> {
    return this.replica.transferLeadership(to);
  }

  async close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    // A follower, and one that nobody can take over from, goes at once.
    if (handOver && this.#closing === undefined) await this.handOver().catch(() => undefined);
    this.#closing ??= this.#takeApart();
    return this.#closing;
  }

  async #takeApart(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }

  get #memberId(): PeerId {
    return this.#home.stored.identity.memberId;
  }

  get #electionTimeoutMilliseconds(): number {
    const { raft, tickMilliseconds } = this.#options;
    return (raft.electionTimeoutTicks ?? 10) * tickMilliseconds;
  }

  #openMesh(): Mesh {
    const { clock, mesh, onEvent } = this.#options;
    const second = new SecondFounding({
      status: () => this.replica?.status().raft,
      patienceMilliseconds: this.#electionTimeoutMilliseconds * 4,
      onFound: (error) => this.#halt(error),
      clock,
    });
    this.#closers.push(() => second.close());
    return openMemberMesh({
      parts: mesh,
      self: this.#home.stored.identity,
      clock,
      clusterId: this.clusterId,
      registry: this.#registry,
      roster: this.roster,
      second,
      onEvent: (event) => onEvent?.(event),
      onHalt: (error) => this.#halt(error),
      onRemoved: (reason) => this.#retire(reason),
    });
  }

  #createNode(): LocalKvNode {
    const { version, clock, raft, deflate, sha256, requestTimeoutMilliseconds = 5_000 } = this.#options;
    const { memberId, memberName } = this.#home.stored.identity;
    return new LocalKvNode({
      clusterId: () => this.clusterId.known,
      memberId,
      name: memberName,
      version,
      roster: this.roster,
      stateMachine: this.#stateMachine,
      syncWrites: this.storage.statistics().isSynced,
      leaseReads: raft.leaseReads !== undefined,
      isReachable: (id) => this.mesh.isConnected(id),
      linkTo: (id) => this.mesh.linkTo(id),
      clock,
      requestTimeoutMilliseconds,
      ...(deflate === undefined ? {} : { deflate }),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
  }

  #createReplica(): Replica {
    const { raft, clock, tickMilliseconds, requestTimeoutMilliseconds = 5_000, onEvent } = this.#options;
    const { storage, stored, configuration, configurationIndex } = this.#home;
    const replica = new Replica({
      ...this.#options.replica,
      raft: { ...raft, id: this.#memberId },
      configuration,
      configurationIndex,
      storage,
      stored,
      transport: this.#options.transport?.(this.mesh) ?? this.mesh,
      stateMachine: this.#stateMachine,
      clock,
      tickMilliseconds,
      requestTimeoutMilliseconds,
      onHalt: (error) => this.#halt(error),
      onRoleChange: (status) => {
        this.node.roleChanged(status);
        onEvent?.({ type: 'role', role: status.role, term: status.term, leader: this.node.leader });
      },
      onConfiguration: (status) => this.roster.update(status),
      onEvent: (event) => onEvent?.(event),
    });
    const status = replica.status().raft;
    this.roster.update({
      active: status.configuration,
      committed: status.committedConfiguration,
      committedIndex: status.committedConfigurationIndex,
    });
    return replica;
  }

  #createMembership(): Membership {
    const { clock, onEvent } = this.#options;
    const { memberId, storeId } = this.#home.stored.identity;
    return new Membership({
      clusterId: () => this.clusterId.settled,
      memberId,
      roster: this.roster,
      engine: this.#engine(),
      storeIdOf: (id) => (id === memberId ? storeId : this.#registry.storeIdOf(id)),
      isReachable: (id) => this.mesh.isConnected(id),
      clock,
      electionTimeoutMilliseconds: this.#electionTimeoutMilliseconds,
      onEvent: (event) => onEvent?.(event),
    });
  }

  #engine(): MembershipEngine {
    const { replica } = this;
    const { refusalOf } = this.#options;
    if (refusalOf === undefined) return replica;
    return {
      status: () => replica.status(),
      changeMembers: (changes) => {
        const refused = refusalOf(changes);
        return refused === undefined ? replica.changeMembers(changes) : Promise.reject(refused);
      },
      transferLeadership: (to) => replica.transferLeadership(to),
    };
  }

  /** From here on peers come and go as the log says, and this member goes when it says so. */
  #keepMesh(): void {
    const { memberId, memberName } = this.#home.stored.identity;
    const reason = `${memberName} (${memberId}) was removed from its cluster; to bring it back, join it with an empty storage, as a new member`;
    const keeper = new MeshKeeper({
      memberId,
      roster: this.roster,
      mesh: this.mesh,
      clock: this.#options.clock,
      dials: this.#options.dials,
      graceMilliseconds: this.#electionTimeoutMilliseconds * 3,
      onRemoved: () => this.#retire(reason),
    });
    this.#closers.push(() => keeper.close());
  }

  /** This member is none any more: it notes that, so that it does not start again, and goes. */
  #retire(reason: string): void {
    writeRemovalNote(this.storage, reason).then(
      () => this.#halt(new RaftkvError('member_removed', reason)),
      (failure: unknown) => this.#halt(RaftkvError.from(failure)),
    );
  }

  /** Storage, replica and mesh may each find that this member cannot go on; the owner is told once. */
  #halt(error: RaftkvError): void {
    if (this.#isHalted || this.#closing !== undefined) return;
    this.#isHalted = true;
    this.#options.onHalt(error);
  }
}
