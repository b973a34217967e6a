// Members on 127.0.0.1 that reach each other through proxies alone: for machines that give no namespaces. Each member is told the addresses
// of its own links as those of its peers. Packets cannot be lost here, and clients always get through.
import { freePorts } from '../../e2e/harness/ports.ts';
import { Links } from './links.ts';
import { prompt } from './link-proxy.ts';
import type { Heal, Network, Way } from './network.ts';

const host = '127.0.0.1';

export class LoopbackNetwork implements Network {
  readonly description = 'loopback, through a proxy for each pair of members';
  readonly hasPackets = false;
  readonly hasOneAddressEach = false;
  private readonly ports: readonly number[];
  private readonly linkPorts: readonly number[];
  private readonly links: Links;

  private constructor(ports: readonly number[], linkPorts: readonly number[], links: Links) {
    this.ports = ports;
    this.linkPorts = linkPorts;
    this.links = links;
  }

  static async open(members: number, random: () => number): Promise<LoopbackNetwork> {
    const all = await freePorts(members + members * members);
    const [ports, linkPorts] = [all.slice(0, members), all.slice(members)];
    const links = await Links.open({
      members,
      random,
      listen: (dialler, target) => ({ host, port: linkPorts[dialler * members + target]! }),
      target: (target) => ({ host, port: ports[target]! }),
    });
    return new LoopbackNetwork(ports, linkPorts, links);
  }

  endpoint(member: number): { host: string; port: number } {
    return { host, port: this.ports[member]! };
  }

  endpointAsSeenBy(viewer: number, member: number): { host: string; port: number } {
    if (viewer === member) return this.endpoint(member);
    return { host, port: this.linkPorts[viewer * this.ports.length + member]! };
  }

  wrapper(): readonly string[] {
    return [];
  }

  block(ways: readonly Way[]): Promise<Heal> {
    return this.hold(ways, 'lose');
  }

  lose(): Promise<Heal> {
    return Promise.reject(new Error('no packets to lose on loopback'));
  }

  isolate(): Promise<Heal> {
    return Promise.reject(new Error('clients cannot be cut off on loopback'));
  }

  slow(ways: readonly Way[], delayMilliseconds: number, jitterMilliseconds: number): Promise<Heal> {
    const takeBack = this.links.wish(ways, { delayMilliseconds, jitterMilliseconds, isHeld: false });
    return Promise.resolve(async () => takeBack());
  }

  hold(ways: readonly Way[], end: 'deliver' | 'lose'): Promise<Heal> {
    const takeBack = this.links.wish(ways, { ...prompt, isHeld: true });
    return Promise.resolve(async () => {
      if (end === 'lose') for (const { from, to } of ways) this.links.cut(from, to);
      takeBack();
    });
  }

  cut(first: number, second: number): Promise<void> {
    this.links.cut(first, second);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.links.close();
  }
}
