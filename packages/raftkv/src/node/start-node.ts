// The composition root of a member in Node: a member in its directory, and the doors to it, opened and closed in order. What a member is made of is the same
// everywhere (`openMember` of the server); its clock, dice, files and sockets are given here.
import { createHash, randomBytes } from 'node:crypto';
import { join as joinPath } from 'node:path';
import { FlightRecorder } from '@raftkv/replica';
import { addMemberMetrics, createMetrics, openMember, tabWord } from '@raftkv/server';
import type { Home, LocalKvNode, Member, MemberEvent, Metrics } from '@raftkv/server';
import { createHttpServer, createMonitoringServer, listen, startProcessMetrics } from '@raftkv/server/node';
import type { PageHook } from '@raftkv/server/node';
import type { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { FlightFiles } from './flight-files.ts';
import { deflate } from './deflate.ts';
import { askLeader, checkCluster, joinCluster } from './join-cluster.ts';
import type { JoinOptions } from './join-cluster.ts';
import type { Logger } from './logger.ts';
import { openDirectoryHome } from './member-home.ts';
import { nodeClock } from './node-clock.ts';
import { ownAddress } from './own-address.ts';
import type { Address } from './own-address.ts';
import { peerDialler } from './peer-route.ts';
import { version } from './version.ts';
import { openWebSocketDoors } from './websocket-doors.ts';

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
  /** What to take apart, last opened first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  #flight: FlightFiles | undefined;
  #member: Member | undefined;
  #isClosed = false;
  #isHalted = false;

  constructor(config: NodeConfig, { logger, onHalt, page, join }: StartNodeOptions) {
    this.#config = config;
    this.#logger = logger;
    this.#onHalt = onHalt;
    this.#page = page;
    this.#join = join;
  }

  async start(): Promise<RunningNode> {
    const home = await this.#openHome();
    const member = await this.#openMember(home);
    this.#member = member;
    this.#closers.push(() => member.close());
    const { node, roster } = member;
    const address = ownAddress(this.#config, roster.get(node.memberId)?.address);
    const port = await this.#openDoors(member, address);
    // What goes wrong is told to the owner by the member.
    member.start().catch(() => undefined);
    return { host: address.host, port, node, close: (closing) => this.close(closing) };
  }

  async #openHome(): Promise<Home> {
    const config = this.#config;
    const join = this.#join;
    const home = await openDirectoryHome({
      config,
      onFailure: (error) => this.#halt(error),
      join: join === undefined ? undefined : (again) => joinCluster(config, join, again),
    });
    for (const repair of home.stored.repairs) this.#logger.log('WARN', 'storage repaired', { repair });
    return home;
  }

  #openMember(home: Home): Promise<Member> {
    const config = this.#config;
    const join = this.#join;
    const logger = this.#logger;
    const flight = config.flightRecorder ? this.#openFlight() : {};
    return openMember({
      home,
      version,
      clock: nodeClock,
      raft: {
        seed: randomBytes(4).readUInt32LE(),
        maxAppendEntries: config.maxLogEntries,
        ...raftTicks(config),
        priority: config.priority,
        leaseReads: config.leaseReads ? leases : undefined,
      },
      tickMilliseconds: tickMilliseconds(config),
      mesh: { dial: peerDialler() },
      // A tab has no port: it dials.
      dials: (address) => (tabWord(address) === undefined ? undefined : false),
      replica: {
        ...flight,
        snapshotThreshold: config.snapshotThreshold,
        retainedBytes: config.cacheBytes,
        snapshotBytesPerSecond: config.snapshotRate,
      },
      deflate: config.compression ? deflate : (bytes) => bytes,
      sha256: () => createHash('sha256'),
      ...(join === undefined || home.isNew
        ? {}
        : { check: (known) => checkCluster(config, join, { home, known, logger }) }),
      onHalt: (error) => this.#halt(error),
      onEvent: (event) => this.#note(event),
    });
  }

  #note({ type, ...details }: MemberEvent): void {
    const isRefusal = type === 'peer refused' || type === 'refused by peer';
    this.#logger.log(isRefusal ? 'ERROR' : 'INFO', type, details);
  }

  #openFlight(): { readonly recorder: FlightRecorder } {
    const files = new FlightFiles(joinPath(this.#config.dataDirectory, 'flight'), (error) =>
      this.#logger.log('WARN', 'the flight recorder stopped', { reason: error.message }),
    );
    this.#flight = files;
    this.#closers.push(() => files.close());
    return { recorder: new FlightRecorder(files, { software: version, now: nodeClock.now }) };
  }

  /** Storage and member may each find that it cannot go on; the owner is told once. */
  #halt(error: RaftkvError): void {
    if (this.#isHalted || this.#isClosed) return;
    this.#isHalted = true;
    this.#flight?.close();
    this.#onHalt(error);
  }

  async close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    if (this.#isClosed) return;
    // While the doors are open, so that clients go on being served here and learn who leads. A follower, and one that nobody can take over from, goes at once.
    if (handOver) await this.#member?.handOver().catch(() => undefined);
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const close of this.#closers.toReversed()) await close();
  }

  async #openDoors({ node, clusterId, mesh, replica, storage }: Member, address: Address): Promise<number> {
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
      tabMembers: config.tabMembers,
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
