// The members of a world with their disks, and the networks between them and to their clients.
import type { Message } from '@raftkv/raft';
import { clusterIdentity } from '@raftkv/server';
import type { Channel } from '@raftkv/transport';
import type { ClusterChecks } from '../checks/cluster-checks.ts';
import { MemberChecks } from '../checks/member-checks.ts';
import { SimulatedDisk } from '../disk/simulated-disk.ts';
import { ChannelNetwork } from '../network/channels.ts';
import { DatagramNetwork } from '../network/datagrams.ts';
import { Links } from '../network/links.ts';
import { HostClock } from '../world/process.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';
import { Member } from './member.ts';

export class Cluster {
  readonly members: readonly Member[];
  readonly links: Links;
  readonly channels: ChannelNetwork;
  readonly endpoints: readonly string[];
  readonly #hosts = new Map<string, number>();

  /** Hosts: the members, then `clientHosts` more. */
  constructor(world: World, checks: ClusterChecks, clientHosts: number) {
    const { swarm, scheduler, trace } = world;
    const hostCount = swarm.members + clientHosts;
    this.links = new Links(scheduler, world.random('links'), hostCount, swarm.links);
    this.channels = new ChannelNetwork(scheduler, this.links, world.random('links'));
    const founders = Array.from({ length: swarm.members }, (_, host) => ({
      name: `m${host + 1}`,
      address: `m${host + 1}:1`,
    }));
    const { clusterId, members } = clusterIdentity('simulated', founders);
    for (const [host, { address }] of members.entries()) this.#hosts.set(address, host);
    this.endpoints = members.map((member) => member.address);
    const names = new Map(members.map((member) => [member.id, member.name]));
    const onDelivery = (message: Message): void => {
      trace.mark(3, message.term, message.type.length);
      trace.detail(() => describe(message, names));
    };
    const datagrams = new DatagramNetwork(this.links, world.random('datagrams'), swarm.datagrams, onDelivery);
    this.members = members.map((identity, host) => {
      const random = world.random('disk');
      return new Member(world, {
        host,
        identity,
        disk: new SimulatedDisk(`/${identity.name}`, random.fork(), swarm.disk),
        clock: new HostClock(scheduler, 1 + random.between(-1, 1) * swarm.clockSkew, random.below(1e6)),
        checks: new MemberChecks(identity.name, checks),
        context: {
          clusterId,
          members,
          datagrams: swarm.network === 'datagrams' ? (process) => datagrams.open(identity.id, process) : undefined,
          dial: (process, address, signal) => this.dial(process, address, 'peer', signal),
          listen: (process, route, onChannel) => this.channels.listen(process, route, onChannel),
          onDied: (process, isTold) => this.channels.died(process, isTold),
        },
      });
    });
    checks.join(this.members.map((member) => member.checks));
  }

  get leader(): Member | undefined {
    return this.members.find((member) => member.isLeader);
  }

  dial(process: Process, address: string, route: 'peer' | 'client', signal: AbortSignal): Promise<Channel> {
    return this.channels.dial(process, this.#hosts.get(address)!, route, signal);
  }
}

function describe(message: Message, names: ReadonlyMap<string, string>): string {
  const { from, to, type, term, ...rest } = message;
  const parts = Object.entries(rest).map(([name, value]) => {
    if (Array.isArray(value)) return `${name}[${value.length}]`;
    return typeof value === 'object' ? name : `${name} ${String(value)}`;
  });
  return `${names.get(from)} → ${names.get(to)} ${type} term ${term} ${parts.join(' ')}`;
}
