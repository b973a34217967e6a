// Where a run takes place: the cluster, its network, and for each member a disk whose power can be cut and a clock that can jump, as far as this machine
// allows them. What could not be had is told with the reason. Faults act on it; it knows none of them.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Cluster } from '../e2e/harness/cluster.ts';
import { within } from '../e2e/harness/wait.ts';
import { CuttableDisk } from './faults/cuttable-disk.ts';
import type { CutLoss } from './faults/cuttable-disk.ts';
import { WallClock } from './faults/wall-clock.ts';
import { LoopbackNetwork } from './network/loopback.ts';
import { NamespaceNetwork } from './network/namespaces.ts';
import type { Network } from './network/network.ts';
import type { Exit, NodeProcess } from '../e2e/harness/node-process.ts';

const settleMilliseconds = 120_000;

export interface ArenaOptions {
  /** That found the cluster. */
  readonly members: number;
  /** Places for members that join later. */
  readonly spares: number;
  readonly network: 'auto' | 'namespaces' | 'loopback';
  readonly random: () => number;
  readonly args: readonly string[];
}

export class Arena {
  readonly cluster: Cluster;
  readonly network: Network;
  readonly disks: readonly CuttableDisk[];
  readonly clocks: readonly WallClock[];
  /** Whether system calls of running members can be tampered with. */
  readonly canTrace: boolean;
  /** What this machine does not give, and why. */
  readonly missing: readonly string[];
  /** Processes that ended though nobody had doomed them. */
  readonly accidents: string[] = [];
  /** Places with a member that is to run. */
  private readonly present = new Set<number>();
  /** Words for those that joined, and so are not founders. */
  private readonly joiners = new Map<number, readonly string[]>();
  private joins = 0;
  private readonly doomed = new WeakSet<NodeProcess>();

  private constructor(parts: Pick<Arena, 'cluster' | 'network' | 'disks' | 'clocks' | 'canTrace' | 'missing'>) {
    this.cluster = parts.cluster;
    this.network = parts.network;
    this.disks = parts.disks;
    this.clocks = parts.clocks;
    this.canTrace = parts.canTrace;
    this.missing = parts.missing;
  }

  /** Builds it and starts the cluster. */
  static async open(options: ArenaOptions): Promise<Arena> {
    const missing: string[] = [];
    const network = await openNetwork(options, missing);
    const places = options.members + options.spares;
    const cluster = await Cluster.prepare({
      nodes: places,
      founders: options.members,
      site: network,
      args: options.args,
    });
    const disks: CuttableDisk[] = [];
    const clocks: WallClock[] = [];
    const noDisk = await CuttableDisk.obstacle(cluster.directory);
    if (noDisk !== undefined) missing.push(`power cuts (${noDisk})`);
    const noClock = WallClock.obstacle();
    if (noClock !== undefined) missing.push(`clocks that jump (${noClock})`);
    for (let member = 0; member < places; member++) {
      if (noDisk === undefined) {
        const disk = CuttableDisk.mount(path.join(cluster.directory, `disk${member + 1}`));
        disks.push(disk);
        mkdirSync(path.join(disk.directory, 'data'));
        cluster.placeData(member, path.join(disk.directory, 'data'));
      }
      if (noClock === undefined) clocks.push(new WallClock(path.join(cluster.directory, `clock${member + 1}`)));
    }
    const noTrace = process.getuid?.() === 0 ? undefined : 'tampering with a running process needs root';
    if (noTrace !== undefined) missing.push(`syncs that fail or stall (${noTrace})`);
    const canTrace = noTrace === undefined;
    if (!network.hasOneAddressEach) missing.push('members that come and go (each has another address for each peer)');
    const arena = new Arena({ cluster, network, disks, clocks, canTrace, missing });
    for (let member = 0; member < options.members; member++) arena.present.add(member);
    try {
      await arena.settle();
      await cluster.leader();
      return arena;
    } catch (error) {
      console.error(cluster.logTails());
      await arena.close();
      throw error;
    }
  }

  /** The places of those that are members, or on their way to be. */
  get members(): number[] {
    return [...this.present].sort((a, b) => a - b);
  }

  get freePlaces(): number[] {
    return Array.from({ length: this.cluster.size }, (_, place) => place).filter((place) => !this.present.has(place));
  }

  /** Starts a new member with an empty disk at a free place. It may end by itself until it is trusted. */
  join(place: number, words: readonly string[] = []): NodeProcess {
    const parent = this.disks[place]?.directory ?? this.cluster.directory;
    rmSync(this.cluster.dataDirectory(place), { recursive: true, force: true });
    this.cluster.placeData(place, path.join(parent, `data${++this.joins}`));
    mkdirSync(this.cluster.dataDirectory(place));
    this.joiners.set(place, words);
    return this.rejoin(place);
  }

  /** Starts one that began to join. */
  rejoin(place: number): NodeProcess {
    const server = this.launch(place);
    this.doomed.add(server);
    return server;
  }

  /** It is a member now, and must run until it is doomed. */
  trust(place: number): void {
    this.joiners.set(place, []);
    this.present.add(place);
    this.doomed.delete(this.cluster.process(place));
  }

  /** It is no member any more. */
  leave(place: number): void {
    this.present.delete(place);
    this.joiners.delete(place);
  }

  /** Starts a member on its disk, under its clock, and waits for nothing: it may be cut off from the others. */
  launch(member: number): NodeProcess {
    const words = this.joiners.get(member);
    const server = this.cluster.spawn(member, {
      wrapper: this.clocks[member]?.wrapper ?? [],
      ...(words === undefined ? {} : { command: this.cluster.joinArguments(member, words) }),
    });
    void server.exited.then(({ code, signal }) => {
      if (this.doomed.has(server)) return;
      this.accidents.push(`${server.name} ended by itself (${code ?? signal})\n${server.logTail(12)}`);
    });
    return server;
  }

  /** From now on this process may end. */
  doom(member: number): NodeProcess {
    const server = this.cluster.process(member);
    this.doomed.add(server);
    return server;
  }

  async kill(members: readonly number[]): Promise<void> {
    for (const member of members) this.doom(member).signal('SIGKILL');
    await Promise.all(members.map((member) => this.cluster.kill(member)));
  }

  /** SIGTERM, then waits for the end. */
  async stop(member: number): Promise<Exit> {
    this.doom(member);
    return this.cluster.stop(member);
  }

  /** Every member runs and is ready, or this rejects: nothing is broken any more, so nothing excuses one that is not. */
  async settle(): Promise<void> {
    for (const member of this.members) if (!this.cluster.isRunning(member)) this.launch(member);
    const ready = this.members.map((member) => {
      const server = this.cluster.process(member);
      return within(settleMilliseconds, `${server.name} is ready\n${server.logTail()}`, server.ready);
    });
    await Promise.all(ready);
  }

  /** Cuts the power of members at one moment: each is stopped where it is, loses what its disk had not synced, and is dead. */
  async cutPower(members: readonly number[]): Promise<CutLoss> {
    for (const member of members) this.doom(member).signal('SIGSTOP');
    const before = await Promise.all(members.map((member) => this.disks[member]!.cut()));
    await this.kill(members);
    const losses = await Promise.all(members.map((member, at) => this.disks[member]!.restore(before[at]!)));
    return {
      bytes: losses.reduce((sum, loss) => sum + loss.bytes, 0),
      names: losses.reduce((sum, loss) => sum + loss.names, 0),
    };
  }

  /** The last of what each member said, by name. */
  logs(): [name: string, text: string][] {
    return this.members.map((member) => {
      const server = this.cluster.process(member);
      return [server.name, `${server.stdout}\n${server.stderr}`];
    });
  }

  async close(): Promise<void> {
    const places = Array.from({ length: this.cluster.size }, (_, place) => place);
    await this.kill(places.filter((place) => this.cluster.isRunning(place)));
    for (const disk of this.disks) disk.discard();
    await this.cluster.destroy();
    await this.network.close();
  }
}

async function openNetwork(options: ArenaOptions, missing: string[]): Promise<Network> {
  const obstacle = options.network === 'loopback' ? 'loopback was asked for' : NamespaceNetwork.obstacle();
  if (obstacle === undefined) return NamespaceNetwork.open(options.members + options.spares, options.random);
  if (options.network === 'namespaces') throw new Error(`no network of namespaces: ${obstacle}`);
  missing.push(`lost packets and members cut off from clients (${obstacle})`);
  return LoopbackNetwork.open(options.members + options.spares, options.random);
}
