// A cluster of real processes whose members come and go, by name: founded, joined, removed, restarted with whatever words an operator may use. Clusters that
// stay as they are founded are in cluster.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClusterMembers } from 'raftkv';
import { runCli } from './cli.ts';
import type { CliResult } from './cli.ts';
import { NodeProcess } from './node-process.ts';
import type { Exit } from './node-process.ts';
import { freePorts } from './ports.ts';
import { waitFor, within } from './wait.ts';

const READY_MILLISECONDS = 120_000;
const STOP_MILLISECONDS = 60_000;

export class Members {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'raftkv-members-'));
  /** The latest process of each name. */
  readonly processes = new Map<string, NodeProcess>();
  readonly #earlier: NodeProcess[] = [];
  readonly #ports: readonly number[];
  readonly #founders: readonly string[];
  readonly #args: readonly string[];

  private constructor(ports: readonly number[], founders: readonly string[], args: readonly string[]) {
    this.#ports = ports;
    this.#founders = founders;
    this.#args = args;
  }

  /** A founded cluster of node1, node2, … that answers, with room for nine members. `args`: for each process. */
  static async found(count: number, args: readonly string[] = []): Promise<Members> {
    const founders = Array.from({ length: count }, (_, i) => `node${i + 1}`);
    const members = new Members(await freePorts(9), founders, args);
    try {
      await Promise.all(founders.map((name) => members.serve(name)));
      await members.leader();
      return members;
    } catch (error) {
      console.error(members.logTails());
      await members.destroy();
      throw error;
    }
  }

  /** The port of node1 is the first. */
  port(name: string): number {
    return this.#ports[Number(name.slice('node'.length)) - 1]!;
  }

  address(name: string): string {
    return `127.0.0.1:${this.port(name)}`;
  }

  addresses(...names: readonly string[]): string[] {
    return names.map((name) => this.address(name));
  }

  dataDirectory(name: string): string {
    return path.join(this.directory, name);
  }

  /** The list of the founders, as it stands in every config file. */
  get peers(): string {
    return this.#founders.map((name) => `${name}:${this.address(name)}`).join(',');
  }

  /** `raftkv serve` with the founders' list; a founder's address is in it, another one has to be told or knows it. */
  serve(name: string, words: readonly string[] = []): Promise<NodeProcess> {
    return this.#start(name, ['serve', '--peers', this.peers, ...words]);
  }

  /** `raftkv join`, asking these members. */
  join(name: string, asked: readonly string[], words: readonly string[] = []): Promise<NodeProcess> {
    return this.#start(name, ['join', ...this.joinWords(name, asked), ...words]);
  }

  joinWords(name: string, asked: readonly string[]): string[] {
    return ['--endpoints', this.addresses(...asked).join(','), '--port', String(this.port(name))];
  }

  /** What `raftkv` says when it is run with these words as this member, which it is expected not to become. */
  refused(name: string, words: readonly string[]): Promise<CliResult> {
    return runCli([...words, '--id', name, '--data-dir', this.dataDirectory(name)]);
  }

  /** A command for the cluster; its standard output. It must succeed, and say nothing on stderr. */
  async ask(asked: readonly string[], ...words: readonly string[]): Promise<string> {
    const result = await runCli([...words, '--endpoints', this.addresses(...asked).join(',')]);
    if (result.code !== 0 || result.stderr !== '') throw new Error(`${words.join(' ')}: ${JSON.stringify(result)}`);
    return result.stdout;
  }

  async list(
    asked: readonly string[],
  ): Promise<ClusterMembers & { readonly members: readonly { readonly isLeader: boolean }[] }> {
    return JSON.parse(await this.ask(asked, 'member', 'list', '--json')) as never;
  }

  /** Waits until these are the voters, nobody else is a member, and no change is under way. */
  settled(asked: readonly string[], voters: readonly string[]): Promise<unknown> {
    return waitFor(
      `${voters.join(', ')} vote`,
      async () => {
        const { members, isChanging, leaderId } = await this.list(asked);
        const names = members.filter(({ role }) => role === 'voter').map(({ name }) => name);
        return (
          !isChanging &&
          leaderId !== null &&
          members.length === voters.length &&
          names.toSorted().join() === [...voters].toSorted().join()
        );
      },
      { intervalMilliseconds: 100 },
    );
  }

  /** The name of the leader, once the members that are asked (default: all that run) know one. */
  leader(asked: readonly string[] = this.running()): Promise<string> {
    return waitFor('a leader', async () => {
      const { members, leaderId } = await this.list(asked);
      return members.find(({ id }) => id === leaderId)?.name;
    });
  }

  running(): string[] {
    return [...this.processes].filter(([, { exit }]) => exit === undefined).map(([name]) => name);
  }

  process(name: string): NodeProcess {
    return this.processes.get(name)!;
  }

  async stop(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    const server = this.process(name);
    server.signal(signal);
    return within(STOP_MILLISECONDS, `${name} ends on ${signal}\n${server.logTail()}`, server.exited);
  }

  /** Waits for the end of one that ends by itself. */
  async ended(name: string): Promise<Exit> {
    const server = this.process(name);
    return within(STOP_MILLISECONDS, `${name} ends by itself\n${server.logTail()}`, server.exited);
  }

  /** Forgets all that a stopped member had. */
  wipe(name: string): void {
    rmSync(this.dataDirectory(name), { recursive: true });
  }

  logTails(): string {
    return [...this.processes.values()].map((server) => server.logTail()).join('\n');
  }

  async destroy(): Promise<void> {
    const all = [...this.#earlier, ...this.processes.values()];
    for (const server of all) server.signal('SIGKILL');
    await Promise.all(all.map(({ exited }) => exited));
    // Who traces a member writes a last time after that has ended.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }

  async #start(name: string, words: readonly string[]): Promise<NodeProcess> {
    const previous = this.processes.get(name);
    if (previous !== undefined) this.#earlier.push(previous);
    const args = [...words, '--id', name, '--data-dir', this.dataDirectory(name), ...this.#args];
    const server = new NodeProcess({ name, args });
    this.processes.set(name, server);
    await within(READY_MILLISECONDS, `${name} ready\n${server.logTail()}`, server.ready);
    return server;
  }
}

/** Runs a test body against a founded cluster, prints the logs if it fails, and cleans up. */
export async function withMembers(
  { founders, args = [] }: { readonly founders: number; readonly args?: readonly string[] },
  body: (members: Members) => Promise<void>,
): Promise<void> {
  const members = await Members.found(founders, args);
  try {
    await body(members);
  } catch (error) {
    console.error(members.logTails());
    throw error;
  } finally {
    await members.destroy();
  }
}
