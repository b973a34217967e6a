// The machines of a world with their disks, those that found the cluster and those that may join it, and the networks between them and to their clients.
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
import { foundingConfiguration } from './home.ts';
import type { MemberIdentity } from './home.ts';
import { Member } from './member.ts';
import type { MemberContext } from './member.ts';

export class Cluster {
  /** The founders first. */
  readonly members: readonly Member[];
  readonly founders: readonly Member[];
  readonly links: Links;
  readonly channels: ChannelNetwork;
  readonly endpoints: readonly string[];
  /** The last host: of a copy of a member, if there is one. */
  readonly cloneHost: number;
  /** Told of who has become a member on one of the machines. */
  onEnrolled: (member: Member) => void = () => undefined;
  readonly #world: World;
  readonly #checks: ClusterChecks;
  readonly #hosts = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #shared: MemberContext;

  /** Hosts: the machines, then `clientHosts` more. */
  constructor(world: World, checks: ClusterChecks, clientHosts: number) {
    const { swarm, scheduler } = world;
    this.#world = world;
    this.#checks = checks;
    const machines = swarm.members + swarm.spareMachines;
    this.cloneHost = machines + clientHosts;
    this.links = new Links(scheduler, world.random('links'), this.cloneHost + 1, swarm.links);
    this.channels = new ChannelNetwork(scheduler, this.links, world.random('links'));
    const places = Array.from({ length: machines }, (_, host) => ({ name: `m${host + 1}`, address: `m${host + 1}:1` }));
    const { clusterId, members: founders } = clusterIdentity('simulated', places.slice(0, swarm.members));
    for (const [host, { address }] of places.entries()) this.#hosts.set(address, host);
    this.endpoints = places.map(({ address }) => address);
    checks.canon.configurations.found(foundingConfiguration(founders));
    const context = this.#context(clusterId, founders);
    this.#shared = context;
    this.members = places.map((place, host) => this.#machine(host, place, founders[host], context));
    this.founders = this.members.slice(0, swarm.members);
  }

  get leader(): Member | undefined {
    return this.members.find((member) => member.isLeader);
  }

  /** For a copy of one of them, on a host of its own. */
  get context(): MemberContext {
    return this.#shared;
  }

  dial(process: Process, address: string, route: 'peer' | 'client', signal: AbortSignal): Promise<Channel> {
    return this.channels.dial(process, this.#hosts.get(address)!, route, signal);
  }

  #machine(
    host: number,
    { name, address }: { readonly name: string; readonly address: string },
    founder: MemberIdentity | undefined,
    context: MemberContext,
  ): Member {
    const { scheduler, swarm } = this.#world;
    const random = this.#world.random('disk');
    const member = new Member(this.#world, {
      host,
      name,
      address,
      origin: founder && { type: 'founder', self: founder },
      disk: new SimulatedDisk(`/${name}`, random.fork(), swarm.disk),
      clock: new HostClock(scheduler, 1 + random.between(-1, 1) * swarm.clockSkew, random.below(1e6)),
      checks: new MemberChecks(name, this.#checks),
      priority: swarm.hasPriorities ? this.#world.random('priorities').pick([10, 10, 20, 50, 100]) : undefined,
      context,
    });
    if (founder === undefined) return member;
    this.#names.set(founder.id, name);
    this.#checks.join(founder.id, member.checks);
    return member;
  }

  #context(clusterId: string, founders: readonly MemberIdentity[]): MemberContext {
    const { swarm, trace } = this.#world;
    const onDelivery = (message: Message): void => {
      trace.mark(3, message.term, message.type.length);
      trace.detail(() => describe(message, this.#names));
    };
    const datagrams = new DatagramNetwork(this.links, this.#world.random('datagrams'), swarm.datagrams, onDelivery);
    return {
      clusterId,
      founders,
      endpoints: this.endpoints,
      datagrams: swarm.network === 'datagrams' ? (process, id) => datagrams.open(id, process) : undefined,
      dial: (process, address, route, signal) => this.dial(process, address, route, signal),
      listen: (process, route, onChannel) => this.channels.listen(process, route, onChannel),
      onDied: (process, isTold) => this.channels.died(process, isTold),
      enrol: (member, identity) => this.#enrol(member, identity),
      isRemoved: (id) => this.#checks.canon.configurations.isGone(id),
    };
  }

  /** Each member has checks of its own: what another on the same machine had promised is not its business. */
  #enrol(member: Member, { id }: MemberIdentity): MemberChecks {
    const checks = new MemberChecks(`${member.name}.${this.#names.size + 1}`, this.#checks);
    // It may have asked again, as another member: its first try was not noted yet, and its disk is what it was.
    checks.isDamaged = member.checks.isDamaged && member.isSpoilt;
    this.#names.set(id, checks.name);
    this.#checks.join(id, checks);
    member.checks = checks;
    this.onEnrolled(member);
    return checks;
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
