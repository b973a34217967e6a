// A cluster of real server processes on this machine: founded, killed, paused, restarted and cleaned up. Tests reach it through
// gateway.ts, cli.ts and the TypeScript client.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GatewayClient } from './gateway.ts';
import { NodeProcess } from './node-process.ts';
import type { Exit } from './node-process.ts';
import { freePorts } from './ports.ts';
import { waitFor, within } from './wait.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Where nodes live, if not side by side on 127.0.0.1: test/chaos puts them into networks that it can break. */
export interface Site {
  endpoint(node: number): Endpoint;
  /** Where `viewer` is told that `node` is. */
  endpointAsSeenBy(viewer: number, node: number): Endpoint;
  /** A command that runs a server there, in its own process. */
  wrapper(node: number): readonly string[];
}

export interface ClusterOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** Of the nodes, how many found the cluster. Default all; the others are for the test to start. */
  readonly founders?: number;
  readonly site?: Site;
  /** More arguments of `serve`, for each node. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How one start of one node differs from the others. */
export interface StartOptions {
  readonly args?: readonly string[];
  /** Instead of all arguments: for a node that joins. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly wrapper?: readonly string[];
}

const READY_MILLISECONDS = 120_000;
const STOP_MILLISECONDS = 60_000;

/** Nodes are numbered from 0; node 0 is called node1. */
export class Cluster {
  readonly directory: string;
  private readonly site: Site;
  readonly ports: readonly number[];
  readonly gateways: readonly GatewayClient[];
  /** The latest process of each node, running or not. */
  readonly processes: (NodeProcess | undefined)[] = [];
  private readonly options: ClusterOptions;
  private readonly dataDirectories = new Map<number, string>();
  private readonly earlier: NodeProcess[] = [];

  private constructor(options: ClusterOptions, directory: string, site: Site) {
    this.options = options;
    this.directory = directory;
    this.site = site;
    this.ports = Array.from({ length: options.nodes ?? 3 }, (_, node) => site.endpoint(node).port);
    this.gateways = this.addresses.map((address) => new GatewayClient(address));
  }

  /** A cluster with a directory and ports, and no process yet. */
  static async prepare(options: ClusterOptions = {}): Promise<Cluster> {
    const site = options.site ?? (await sideBySide(options.nodes ?? 3));
    return new Cluster(options, mkdtempSync(path.join(tmpdir(), 'raftkv-e2e-')), site);
  }

  /** A cluster whose nodes all answer and know a leader. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.prepare(options);
    try {
      await cluster.startAll();
      await cluster.leader();
      return cluster;
    } catch (error) {
      console.error(cluster.logTails());
      await cluster.destroy();
      throw error;
    }
  }

  get size(): number {
    return this.ports.length;
  }

  name(node: number): string {
    return `node${node + 1}`;
  }

  address(node: number): string {
    return format(this.site.endpoint(node));
  }

  get addresses(): string[] {
    return this.ports.map((_, node) => this.address(node));
  }

  dataDirectory(node: number): string {
    return this.dataDirectories.get(node) ?? path.join(this.directory, this.name(node));
  }

  /** Moves a stopped node's data into another directory (a small file system), for all its later starts. */
  moveData(node: number, directory: string): void {
    const target = path.join(directory, this.name(node));
    cpSync(this.dataDirectory(node), target, { recursive: true });
    rmSync(this.dataDirectory(node), { recursive: true });
    this.placeData(node, target);
  }

  /** Where a node keeps its data, from its next start on. */
  placeData(node: number, directory: string): void {
    this.dataDirectories.set(node, directory);
  }

  private get founders(): number[] {
    return this.ports.map((_, node) => node).slice(0, this.options.founders);
  }

  /** The arguments with which a node is served. */
  serveArguments(node: number, extra: readonly string[] = []): string[] {
    const seen = (peer: number): string => format(this.site.endpointAsSeenBy(node, peer));
    const peers = this.founders.map((peer) => `${this.name(peer)}:${seen(peer)}`).join(',');
    const { host, port } = this.site.endpoint(node);
    const own = ['--id', this.name(node), '--host', host, '--port', String(port)];
    const rest = ['--data-dir', this.dataDirectory(node), '--peers', peers];
    return ['serve', ...own, ...rest, ...(this.options.args ?? []), ...extra];
  }

  /** The arguments with which a node joins a running cluster. */
  joinArguments(node: number, extra: readonly string[] = []): string[] {
    const { host, port } = this.site.endpoint(node);
    const own = ['--id', this.name(node), '--host', host, '--port', String(port)];
    const rest = ['--data-dir', this.dataDirectory(node), '--endpoints', this.addresses.join(',')];
    return ['join', ...own, ...rest, ...(this.options.args ?? []), ...extra];
  }

  /** Spawns a node without waiting for it. Founding needs this: each founder waits for all the others. */
  spawn(node: number, options: StartOptions = {}): NodeProcess {
    const previous = this.processes[node];
    if (previous !== undefined) {
      if (previous.exit === undefined) throw new Error(`${previous.name} already runs`);
      this.earlier.push(previous);
    }
    const server = new NodeProcess({
      name: this.name(node),
      args: options.command ?? this.serveArguments(node, options.args),
      env: { ...this.options.env, ...options.env },
      wrapper: [...this.site.wrapper(node), ...(options.wrapper ?? [])],
    });
    this.processes[node] = server;
    return server;
  }

  /** Spawns a node and waits until it is ready. */
  async start(node: number, options: StartOptions = {}): Promise<NodeProcess> {
    const server = this.spawn(node, options);
    await within(READY_MILLISECONDS, `${server.name} ready\n${server.logTail()}`, server.ready);
    return server;
  }

  /** Starts all nodes that do not run, together. */
  async startAll(): Promise<void> {
    const stopped = this.founders.filter((node) => !this.isRunning(node));
    await Promise.all(stopped.map((node) => this.start(node)));
  }

  isRunning(node: number): boolean {
    const server = this.processes[node];
    return server !== undefined && server.exit === undefined;
  }

  process(node: number): NodeProcess {
    const server = this.processes[node];
    if (server === undefined) throw new Error(`${this.name(node)} was never started`);
    return server;
  }

  /** SIGTERM, then waits for the end. */
  stop(node: number): Promise<Exit> {
    const server = this.process(node);
    server.signal('SIGTERM');
    return within(STOP_MILLISECONDS, `${server.name} stops on SIGTERM\n${server.logTail()}`, server.exited);
  }

  /** SIGKILL, then waits for the end. */
  kill(node: number): Promise<Exit> {
    const server = this.process(node);
    server.signal('SIGKILL');
    return within(STOP_MILLISECONDS, `${server.name} dies of SIGKILL`, server.exited);
  }

  pause(node: number): void {
    this.process(node).signal('SIGSTOP');
  }

  resume(node: number): void {
    this.process(node).signal('SIGCONT');
  }

  /** The number of the node that is leader by its own word, with the highest term if several say so. */
  leader(timeoutMilliseconds = 60_000): Promise<number> {
    return waitFor('a leader', () => this.findLeader(), { timeoutMilliseconds });
  }

  private async findLeader(): Promise<number | undefined> {
    const nodes = this.ports.map((_, node) => node).filter((node) => this.isRunning(node));
    const answers = await Promise.allSettled(
      nodes.map((node) => within(1000, `status of ${this.name(node)}`, this.gateways[node]!.status())),
    );
    let leader: number | undefined;
    let term = -1;
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 'rejected') continue;
      if (answer.value.leader !== answer.value.memberId || answer.value.term <= term) continue;
      leader = nodes[at];
      term = answer.value.term;
    }
    return leader;
  }

  /** The last lines of every node's log. */
  logTails(): string {
    return this.processes.map((server) => server?.logTail() ?? '').join('\n');
  }

  /** Ends every process it started, by its pid, and removes the directory. */
  async destroy(): Promise<void> {
    for (const gateway of this.gateways) gateway.close();
    const all = [...this.earlier, ...this.processes].filter((server) => server !== undefined);
    for (const server of all) server.signal('SIGKILL');
    await Promise.all(all.map((server) => server.exited));
    // Who traces a member writes a last time after that has ended.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

function format({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

async function sideBySide(nodes: number): Promise<Site> {
  const ports = await freePorts(nodes);
  const endpoint = (node: number): Endpoint => ({ host: '127.0.0.1', port: ports[node]! });
  return { endpoint, endpointAsSeenBy: (_, node) => endpoint(node), wrapper: () => [] };
}

/** Runs a test body against a fresh cluster, prints the logs if it fails, and cleans up. */
export async function withCluster(options: ClusterOptions, body: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await Cluster.start(options);
  try {
    await body(cluster);
  } catch (error) {
    console.error(cluster.logTails());
    throw error;
  } finally {
    await cluster.destroy();
  }
}
