// The composition root of a member in Node: storage, mesh, replica, state machine and the doors to them, put together and taken apart in order.
import { randomBytes } from 'node:crypto';
import { join as joinPath } from 'node:path';
import { FlightRecorder, Replica } from '@raftkv/replica';
import {
  KvStateMachine,
  LocalKvNode,
  Membership,
  MeshKeeper,
  PeerRegistry,
  Roster,
  SecondFounding,
  addMemberMetrics,
  createMetrics,
} from '@raftkv/server';
import type { Metrics } from '@raftkv/server';
import { createHttpServer, createMonitoringServer, listen, startProcessMetrics } from '@raftkv/server/node';
import type { PageHook } from '@raftkv/server/node';
import type { Storage } from '@raftkv/storage';
import type { Mesh } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { ClusterId } from './cluster-id.ts';
import { FlightFiles } from './flight-files.ts';
import { deflate } from './deflate.ts';
import { writeRemovalNote } from './home-note.ts';
import { askLeader, checkCluster, joinCluster } from './join-cluster.ts';
import type { JoinOptions } from './join-cluster.ts';
import type { Logger } from './logger.ts';
import { openHome } from './member-home.ts';
import type { Home } from './member-home.ts';
import { nodeClock } from './node-clock.ts';
import { ownAddress } from './own-address.ts';
import type { Address } from './own-address.ts';
import { openPeerMesh } from './peer-mesh.ts';
import { version } from './version.ts';
import { openWebSocketDoors } from './websocket-doors.ts';

const requestTimeoutMilliseconds = 5_000;
/** Clocks of computers are off by a few parts in ten thousand at the worst; a busy host's timers make no difference (pulse.ts of the replica). */
const leases = { maxDriftPerMille: 100 } as const;

export interface StartNodeOptions {
  readonly logger: Logger;
  /** The member stopped by itself: its storage failed or an invariant broke. The process must end. */
  readonly onHalt: (error: RaftkvError) => void;
  /** A page in place of the status page. */
  readonly page?: PageHook;
  /** Join this cluster, where the directory holds no member yet; instead of founding one. */
  readonly join?: JoinOptions;
}

export interface RunningNode {
  readonly host: string;
  readonly port: number;
  readonly node: LocalKvNode;
  /** Answers what is open, then closes doors, mesh and storage. Idempotent. `handOver`: a leader hands leadership over first, which takes an election timeout at most. */
  close(options?: { readonly handOver?: boolean }): Promise<void>;
}

/**
 * Opens the storage, listens, and takes part as soon as the cluster is founded; resolves once clients are answered, which is before
 * that. Rejects with what is wrong: `storage_*`, `port_in_use`, `config_invalid`, `member_removed`, and what a cluster that is to be joined says; nothing
 * stays open then.
 *
 * @example
 * ```ts
 * const running = await startNode(loadConfig(flags, 'raftkv.yaml'), { logger, onHalt: (error) => fail(error) })
 * ```
 */
export async function startNode(config: NodeConfig, options: StartNodeOptions): Promise<RunningNode> {
  const starting = new StartingNode(config, options);
  try {
    return await starting.start();
  } catch (error) {
    await starting.close();
    throw error;
  }
}

class StartingNode {
  readonly #config: NodeConfig;
  readonly #logger: Logger;
  readonly #onHalt: (error: RaftkvError) => void;
  readonly #page: PageHook | undefined;
  readonly #join: JoinOptions | undefined;
  readonly #stateMachine = new KvStateMachine();
  /** What to take apart, last opened first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  #flight: FlightFiles | undefined;
  #isClosed = false;
  #isHalted = false;
  #replica: Replica | undefined;

  constructor(config: NodeConfig, { logger, onHalt, page, join }: StartNodeOptions) {
    this.#config = config;
    this.#logger = logger;
    this.#onHalt = onHalt;
    this.#page = page;
    this.#join = join;
  }

  async start(): Promise<RunningNode> {
    const home = await this.#openHome();
    const { storage, stored, founders } = home;
    const { memberId } = stored.identity;
    const { configuration, configurationIndex } = home;
    const roster = new Roster(founders, {
      active: configuration,
      committed: configuration,
      committedIndex: configurationIndex,
    });
    const others = founders.filter(({ id }) => id !== memberId);
    const registry = await PeerRegistry.open({ storage, others, roster });
    const clusterId = new ClusterId(home, registry);
    if (this.#join !== undefined && !home.isNew)
      await checkCluster(this.#config, this.#join, { home, clusterId, logger: this.#logger });
    const second = new SecondFounding({
      status: () => this.#replica?.status().raft,
      patienceMilliseconds: this.#config.electionTimeoutMilliseconds * 4,
      onFound: (error) => this.#halt(error),
    });
    this.#closers.push(() => second.close());
    const mesh = openPeerMesh({
      self: stored.identity,
      clusterId,
      registry,
      roster,
      second,
      logger: this.#logger,
      onHalt: (error) => this.#halt(error),
      onRemoved: (reason) => this.#retire(storage, reason),
    });
    this.#closers.push(() => mesh.close());
    const node = this.#createNode({ home, clusterId, roster, mesh });
    const replica = this.#createReplica({ home, mesh, node, roster });
    const membership = new Membership({
      clusterId: () => clusterId.settled,
      memberId,
      roster,
      engine: replica,
      storeIdOf: (id) => (id === memberId ? stored.identity.storeId : registry.storeIdOf(id)),
      isReachable: (id) => mesh.isConnected(id),
      electionTimeoutMilliseconds: this.#config.electionTimeoutMilliseconds,
      onEvent: ({ type, ...details }) => this.#logger.log('INFO', type, details),
    });
    this.#closers.push(() => {
      membership.stop();
      node.stop();
      return replica.close();
    });
    this.#keepMesh({ home, mesh, roster });

    // A member that joined has nothing to answer with before it has what the cluster had when it let it in.
    const committed = Math.max(stored.snapshot?.lastIncludedIndex ?? 0, stored.hardState?.commitIndex ?? 0);
    const startIndex = Math.max(committed, configurationIndex);
    const address = ownAddress(this.#config, roster.get(memberId)?.address);
    const port = await this.#openDoors({ node, clusterId, mesh, replica, storage, address });
    this.#runWhenFounded({ registry, replica, membership, node, startIndex }).catch((error: unknown) =>
      this.#halt(RaftkvError.from(error)),
    );
    return { host: address.host, port, node, close: (closing) => this.close(closing) };
  }

  async #openHome(): Promise<Home> {
    const config = this.#config;
    const join = this.#join;
    const home = await openHome({
      config,
      onFailure: (error) => this.#halt(error),
      join: join === undefined ? undefined : (again) => joinCluster(config, join, again),
    });
    this.#closers.push(() => home.storage.close());
    for (const repair of home.stored.repairs) this.#logger.log('WARN', 'storage repaired', { repair });
    return home;
  }

  #createNode({ home, clusterId, roster, mesh }: Omit<Parts, 'registry' | 'node'>): LocalKvNode {
    const { memberId, memberName } = home.stored.identity;
    return new LocalKvNode({
      clusterId: () => clusterId.known,
      memberId,
      name: memberName,
      version,
      roster,
      stateMachine: this.#stateMachine,
      syncWrites: this.#config.syncWrites,
      leaseReads: this.#config.leaseReads,
      isReachable: (id) => mesh.isConnected(id),
      clock: nodeClock,
      requestTimeoutMilliseconds,
      deflate: this.#config.compression ? deflate : (bytes) => bytes,
    });
  }

  #createReplica({ home, mesh, node, roster }: Omit<Parts, 'registry' | 'clusterId'>): Replica {
    const config = this.#config;
    const { storage, stored, configuration, configurationIndex } = home;
    const flight = config.flightRecorder ? this.#openFlight() : {};
    const replica = new Replica({
      ...flight,
      raft: {
        id: stored.identity.memberId,
        seed: randomBytes(4).readUInt32LE(),
        maxAppendEntries: config.maxLogEntries,
        ...raftTicks(config),
        priority: config.priority,
        leaseReads: config.leaseReads ? leases : undefined,
      },
      configuration,
      configurationIndex,
      storage,
      stored,
      transport: mesh,
      stateMachine: this.#stateMachine,
      clock: nodeClock,
      tickMilliseconds: tickMilliseconds(config),
      requestTimeoutMilliseconds,
      snapshotThreshold: config.snapshotThreshold,
      retainedBytes: config.cacheBytes,
      snapshotBytesPerSecond: config.snapshotRate,
      onHalt: (error) => this.#halt(error),
      onRoleChange: (status) => {
        node.roleChanged(status);
        this.#logger.log('INFO', 'role', { role: status.role, term: status.term, leader: node.leader });
      },
      onConfiguration: (status) => roster.update(status),
      onEvent: (event) => this.#logger.log('INFO', event.type, { ...event }),
    });
    this.#replica = replica;
    const { raft } = replica.status();
    roster.update({
      active: raft.configuration,
      committed: raft.committedConfiguration,
      committedIndex: raft.committedConfigurationIndex,
    });
    return replica;
  }

  /** From here on peers come and go as the log says, and this member goes when it says so. */
  #keepMesh({ home, mesh, roster }: Pick<Parts, 'home' | 'mesh' | 'roster'>): void {
    const { memberId, memberName } = home.stored.identity;
    const reason = `${memberName} (${memberId}) was removed from its cluster; to bring the machine back, empty its data directory and join it as a new member`;
    const keeper = new MeshKeeper({
      memberId,
      roster,
      mesh,
      graceMilliseconds: this.#config.electionTimeoutMilliseconds * 3,
      onRemoved: () => this.#retire(home.storage, reason),
    });
    this.#closers.push(() => keeper.close());
  }

  /** This member is none any more: it notes that, so that it does not start again, and goes. */
  #retire(storage: Storage, reason: string): void {
    const error = new RaftkvError('member_removed', reason);
    writeRemovalNote(storage, reason).then(
      () => this.#halt(error),
      (failure: unknown) => this.#halt(RaftkvError.from(failure)),
    );
  }

  #openFlight(): { readonly recorder: FlightRecorder } {
    const files = new FlightFiles(joinPath(this.#config.dataDirectory, 'flight'), (error) =>
      this.#logger.log('WARN', 'the flight recorder stopped', { reason: error.message }),
    );
    this.#flight = files;
    this.#closers.push(() => files.close());
    return { recorder: new FlightRecorder(files, { software: version, now: nodeClock.now }) };
  }

  /** Storage, replica and mesh may each find that this member cannot go on; the owner is told once. */
  #halt(error: RaftkvError): void {
    if (this.#isHalted || this.#isClosed) return;
    this.#isHalted = true;
    this.#flight?.close();
    this.#onHalt(error);
  }

  async close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    if (this.#isClosed) return;
    // While the doors are open, so that clients go on being served here and learn who leads. A follower, and one that nobody can take over from, goes at once.
    if (handOver) await this.#replica?.transferLeadership().catch(() => undefined);
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const close of this.#closers.toReversed()) await close();
  }

  async #openDoors({ node, clusterId, mesh, replica, storage, address }: Doors): Promise<number> {
    const config = this.#config;
    const metrics = createMetrics();
    this.#closers.push(startProcessMetrics(metrics, { version }));
    const { allowedOrigins } = config;
    const page = this.#page;
    const http = createHttpServer({
      node,
      metrics,
      allowedOrigins,
      gateway: { askLeader: (leader, request) => askLeader(clusterId.settled, leader, request) },
      ...(page === undefined ? {} : { page }),
    });
    const doors = openWebSocketDoors({
      server: http.server,
      mesh,
      node,
      metrics,
      allowedOrigins,
      relay: config.relay,
    });
    this.#closers.push(
      () => http.close(),
      () => doors.close(),
    );
    this.#closers.push(
      addMemberMetrics(metrics, {
        node,
        raft: () => replica.status().raft,
        storage: () => storage.statistics(),
        peers: () => mesh.status(),
        relay: () => doors.relay,
      }),
    );
    const port = await listen(http.server, address);
    if (config.metricsPort !== undefined) await this.#monitor({ metrics }, { ...address, port: config.metricsPort });
    if (config.healthCheckPort !== undefined)
      await this.#monitor({ node }, { ...address, port: config.healthCheckPort });
    return port;
  }

  async #monitor(
    answers: { readonly metrics?: Metrics; readonly node?: LocalKvNode },
    address: Address,
  ): Promise<void> {
    const monitoring = createMonitoringServer(answers);
    this.#closers.push(() => monitoring.close());
    await listen(monitoring.server, address);
  }

  async #runWhenFounded({ registry, replica, membership, node, startIndex }: Founding): Promise<void> {
    if (!registry.isFounded) this.#logger.log('INFO', 'founding: waiting for', { members: registry.missing() });
    await registry.founded();
    if (this.#isClosed) return;
    await replica.start();
    node.run(replica, startIndex, membership);
    membership.start();
    this.#logger.log('INFO', 'running', { clusterId: node.clusterId, memberId: node.memberId });
  }
}

interface Parts {
  readonly home: Home;
  readonly clusterId: ClusterId;
  readonly registry: PeerRegistry;
  readonly roster: Roster;
  readonly mesh: Mesh;
  readonly node: LocalKvNode;
}

interface Founding {
  readonly registry: PeerRegistry;
  readonly membership: Membership;
  readonly replica: Replica;
  readonly node: LocalKvNode;
  /** What was committed here, as far as the storage knows. */
  readonly startIndex: number;
}

interface Doors extends Pick<Parts, 'clusterId' | 'mesh' | 'node'> {
  readonly replica: Replica;
  readonly storage: Storage;
  readonly address: Address;
}

/** Five ticks a heartbeat: fine enough for the random part of an election timeout, coarse enough to cost nothing. */
function tickMilliseconds(config: NodeConfig): number {
  return config.heartbeatIntervalMilliseconds / 5;
}

function raftTicks(config: NodeConfig): { readonly electionTimeoutTicks: number; readonly heartbeatTicks: number } {
  return {
    electionTimeoutTicks: Math.round(config.electionTimeoutMilliseconds / tickMilliseconds(config)),
    heartbeatTicks: 5,
  };
}
