// The composition root of a member in Node: storage, mesh, replica, state machine and the doors to them, put together and taken apart in order.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FlightRecorder, Replica } from '@raftkv/replica';
import {
  KvStateMachine,
  LocalKvNode,
  PeerRegistry,
  addMemberMetrics,
  clusterIdentity,
  createMetrics,
  serveClient,
} from '@raftkv/server';
import type { Metrics } from '@raftkv/server';
import {
  createHttpServer,
  createMonitoringServer,
  isAllowedOrigin,
  listen,
  startProcessMetrics,
} from '@raftkv/server/node';
import type { PageHook } from '@raftkv/server/node';
import type { Storage } from '@raftkv/storage';
import { openFileStorage } from '@raftkv/storage/node';
import { dialWebSocket, openMesh } from '@raftkv/transport';
import type { Mesh } from '@raftkv/transport';
import { acceptWebSockets, nodeWebSocket } from '@raftkv/transport/node';
import { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import { FlightFiles } from './flight-files.ts';
import { deflate } from './deflate.ts';
import type { Logger } from './logger.ts';
import { nodeClock } from './node-clock.ts';
import { version } from './version.ts';

const clientRoute = { path: '/ws', protocol: 'raftkv.v1' } as const;
const peerRoute = { path: '/raft', protocol: 'raftkv-peer.v1' } as const;
const requestTimeoutMilliseconds = 5_000;
/** Clocks of computers are off by a few parts in ten thousand at the worst; a busy host's timers make no difference (pulse.ts of the replica). */
const leases = { maxDriftPerMille: 100 } as const;

export interface StartNodeOptions {
  readonly logger: Logger;
  /** The member stopped by itself: its storage failed or an invariant broke. The process must end. */
  readonly onHalt: (error: RaftkvError) => void;
  /** A page in place of the status page. */
  readonly page?: PageHook;
}

export interface RunningNode {
  readonly port: number;
  readonly node: LocalKvNode;
  /** Answers what is open, then closes doors, mesh and storage. Idempotent. `handOver`: a leader hands leadership over first, which takes an election timeout at most. */
  close(options?: { readonly handOver?: boolean }): Promise<void>;
}

/**
 * Opens the storage, listens, and takes part as soon as the cluster is founded; resolves once clients are answered, which is before
 * that. Rejects with what is wrong: `storage_*`, `port_in_use`, `config_invalid`; nothing stays open then.
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
  /** What to take apart, last opened first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  #flight: FlightFiles | undefined;
  #isClosed = false;
  #isHalted = false;
  #replica: Replica | undefined;

  constructor(config: NodeConfig, { logger, onHalt, page }: StartNodeOptions) {
    this.#config = config;
    this.#logger = logger;
    this.#onHalt = onHalt;
    this.#page = page;
  }

  async start(): Promise<RunningNode> {
    const config = this.#config;
    const addresses = config.peers.map((peer) => ({ name: peer.name, address: `${peer.host}:${peer.port}` }));
    const { clusterId, members } = clusterIdentity(config.clusterToken, addresses);
    const self = members.find((member) => member.name === config.nodeId)!;
    const others = members.filter((member) => member !== self);

    const storage = await openFileStorage({
      directory: config.dataDirectory,
      identity: { clusterId, memberId: self.id, memberName: self.name },
      create: true,
      syncWrites: config.syncWrites,
      compression: config.compression,
      onFailure: (error) => this.#halt(error),
    });
    this.#closers.push(() => storage.close());
    const stored = await storage.load();
    for (const repair of stored.repairs) this.#logger.log('WARN', 'storage repaired', { repair });
    const registry = await PeerRegistry.open(storage, others);

    const stateMachine = new KvStateMachine();
    const mesh = this.#openMesh(registry, others, { ...stored.identity });
    const node = new LocalKvNode({
      clusterId,
      memberId: self.id,
      name: self.name,
      version,
      members,
      stateMachine,
      syncWrites: config.syncWrites,
      leaseReads: config.leaseReads,
      isReachable: (id) => mesh.isConnected(id),
      clock: nodeClock,
      requestTimeoutMilliseconds,
      deflate: config.compression ? deflate : (bytes) => bytes,
    });
    const flight = config.flightRecorder ? this.#openFlight() : {};
    const replica = new Replica({
      ...flight,
      raft: {
        id: self.id,
        seed: randomBytes(4).readUInt32LE(),
        maxAppendEntries: config.maxLogEntries,
        ...raftTicks(config),
        priority: config.priority,
        leaseReads: config.leaseReads ? leases : undefined,
      },
      configuration: { voters: members.map((member) => member.id).toSorted(), votersOutgoing: [], learners: [] },
      storage,
      stored,
      transport: mesh,
      stateMachine,
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
      onEvent: (event) => this.#logger.log('INFO', event.type, { ...event }),
    });
    this.#replica = replica;
    this.#closers.push(() => {
      node.stop();
      return replica.close();
    });

    const startIndex = Math.max(stored.snapshot?.lastIncludedIndex ?? 0, stored.hardState?.commitIndex ?? 0);
    const port = await this.#openDoors({ node, mesh, replica, storage });
    this.#runWhenFounded({ registry, replica, node, startIndex }).catch((error: unknown) =>
      this.#halt(RaftkvError.from(error)),
    );
    return { port, node, close: (closing) => this.close(closing) };
  }

  #openFlight(): { readonly recorder: FlightRecorder } {
    const files = new FlightFiles(join(this.#config.dataDirectory, 'flight'), (error) =>
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

  #openMesh(
    registry: PeerRegistry,
    others: readonly { readonly id: string; readonly name: string; readonly address: string }[],
    self: {
      readonly clusterId: string;
      readonly memberId: string;
      readonly memberName: string;
      readonly storeId: string;
    },
  ): Mesh {
    const nameOf = (id: string): string => others.find((other) => other.id === id)?.name ?? id;
    const WebSocket = nodeWebSocket({ isMasked: false });
    const mesh = openMesh({
      self,
      peers: others,
      dial: (address, signal) =>
        dialWebSocket(`ws://${address}${peerRoute.path}`, { protocol: peerRoute.protocol, signal, WebSocket }),
      admit: (peer) => registry.admit(peer),
      onWelcomed: (peer) => {
        this.#logger.log('INFO', 'peer connected', { peer: nameOf(peer) });
        registry.admittedBy(peer).catch((error: unknown) => this.#halt(RaftkvError.from(error)));
      },
      onRefused: (peer, error, by) => {
        this.#logger.log('ERROR', by === 'self' ? 'peer refused' : 'refused by peer', {
          peer: nameOf(peer),
          code: error.code,
          reason: error.message,
        });
        // The others remember the storage that this member once had: it may not take part with an empty one.
        if (by === 'peer' && error.code === 'member_amnesia') this.#halt(error);
      },
    });
    this.#closers.push(() => mesh.close());
    return mesh;
  }

  async #openDoors({ node, mesh, replica, storage }: Doors): Promise<number> {
    const config = this.#config;
    const metrics = createMetrics();
    this.#closers.push(startProcessMetrics(metrics, { version }));
    this.#closers.push(
      addMemberMetrics(metrics, {
        node,
        raft: () => replica.status().raft,
        storage: () => storage.statistics(),
        peers: () => mesh.status(),
      }),
    );
    const { allowedOrigins } = config;
    const page = this.#page;
    const http = createHttpServer({ node, metrics, allowedOrigins, ...(page === undefined ? {} : { page }) });
    const acceptor = acceptWebSockets(http.server, [
      {
        ...peerRoute,
        maxConnections: 64,
        // No member is a web page yet: a page that knocks here was lured to the machine's own ports.
        isAllowed: (request) => request.headers.origin === undefined,
        onChannel: (channel) => mesh.accept(channel),
      },
      {
        ...clientRoute,
        isAllowed: (request) => isAllowedOrigin(request, allowedOrigins),
        onChannel: (channel) => serveClient(channel, node, { metrics }),
      },
    ]);
    this.#closers.push(
      () => http.close(),
      () => acceptor.close(),
    );
    const port = await listen(http.server, { host: config.host, port: config.port });
    if (config.metricsPort !== undefined) await this.#monitor({ metrics }, config.metricsPort);
    if (config.healthCheckPort !== undefined) await this.#monitor({ node }, config.healthCheckPort);
    return port;
  }

  async #monitor(answers: { readonly metrics?: Metrics; readonly node?: LocalKvNode }, port: number): Promise<void> {
    const monitoring = createMonitoringServer(answers);
    this.#closers.push(() => monitoring.close());
    await listen(monitoring.server, { host: this.#config.host, port });
  }

  async #runWhenFounded({ registry, replica, node, startIndex }: Founding): Promise<void> {
    if (!registry.isFounded) this.#logger.log('INFO', 'founding: waiting for', { members: registry.missing() });
    await registry.founded();
    if (this.#isClosed) return;
    await replica.start();
    node.run(replica, startIndex);
    this.#logger.log('INFO', 'running', { clusterId: node.clusterId, memberId: node.memberId });
  }
}

interface Founding {
  readonly registry: PeerRegistry;
  readonly replica: Replica;
  readonly node: LocalKvNode;
  /** What was committed here, as far as the storage knows. */
  readonly startIndex: number;
}

interface Doors {
  readonly node: LocalKvNode;
  readonly mesh: Mesh;
  readonly replica: Replica;
  readonly storage: Storage;
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
