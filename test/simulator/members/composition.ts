// The composition root of a simulated member: the same parts as in `startNode`, put together over a simulated disk and network. Everything that is
// built here dies with the process; what outlives it is the disk.
import type { Store } from '@raftkv/kv';
import type { Entry, PeerId, Raft } from '@raftkv/raft';
import { Replica } from '@raftkv/replica';
import type { StateMachine } from '@raftkv/replica';
import { coreOf } from '@raftkv/replica/inspection';
import {
  Guests,
  KvStateMachine,
  LocalKvNode,
  Membership,
  MeshKeeper,
  PeerRegistry,
  Roster,
  SecondFounding,
  serveClient,
} from '@raftkv/server';
import type { Disk, Storage, StoredState } from '@raftkv/storage';
import { openMesh } from '@raftkv/transport';
import type { Channel, Mesh, Transport } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Held } from '../checks/configurations.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Swarm } from '../world/swarm.ts';
import { drawRaftOptions } from '../world/swarm.ts';
import { noteRemoval, openHome } from './home.ts';
import type { Home, HomeOptions, MemberIdentity, Origin } from './home.ts';

/** What the world gives a member that starts. */
export interface Surroundings {
  readonly process: Process;
  readonly random: Random;
  readonly swarm: Swarm;
  readonly disk: Disk;
  /** Where processes may be taken over; see `Storage`. */
  readonly proveOwner: (() => Promise<void>) | undefined;
  readonly clusterId: string;
  readonly origin: Origin;
  readonly founders: readonly MemberIdentity[];
  readonly endpoints: readonly string[];
  readonly priority: number | undefined;
  /** Undefined: there is a mesh over `dial`. */
  readonly datagrams: ((id: PeerId) => Transport) | undefined;
  readonly dial: (address: string, route: 'peer' | 'client', signal: AbortSignal) => Promise<Channel>;
  readonly listen: (route: 'peer' | 'client', onChannel: (channel: Channel) => void) => void;
  readonly hooks: MemberHooks;
}

/** What the checks hear. */
export interface MemberHooks {
  /** Which start of its storage it is. */
  readonly onBoot: (bootCount: number) => void;
  /** It has noted which start of a peer it has met; undefined: that is not told. */
  readonly onMet: (peer: PeerId, bootCount: number | undefined) => void;
  /** A channel stands. */
  readonly onWelcomed: (peer: PeerId) => void;
  readonly onAsking: HomeOptions['onAsking'];
  readonly onAdmitted: HomeOptions['onAdmitted'];
  readonly onRefused: HomeOptions['onRefused'];
  readonly onLoaded: (stored: StoredState, storage: Storage) => void;
  /** Before it is asked anything. */
  readonly onCore: (core: Raft) => void;
  readonly onReplica: (replica: Replica) => void;
  readonly onApplied: (entry: Entry, result: unknown) => void;
  readonly onAfterApply: (index: number, store: Store) => void;
  readonly onRestored: () => void;
  readonly onHalt: (error: RaftkvError) => void;
  readonly onNote: (line: string) => void;
}

export interface RunningMember {
  readonly replica: Replica;
  readonly core: Raft;
  readonly node: LocalKvNode;
  readonly stateMachine: KvStateMachine;
  readonly storage: Storage;
  /** What it was founded with, or told when it joined. */
  readonly begunWith: Held;
}

/** Rejects with what the storage refuses, or the cluster that is to be joined. Answers once the member takes part or waits to be founded. */
export async function composeMember(surroundings: Surroundings): Promise<RunningMember> {
  const { process, random, swarm, hooks, dial } = surroundings;
  const home = await openHome({
    ...surroundings,
    dialClient: (address, signal) => dial(address, 'client', signal),
    onFailure: hooks.onHalt,
    onAsking: hooks.onAsking,
    onAdmitted: hooks.onAdmitted,
    onRefused: hooks.onRefused,
  });
  const { storage, stored, founders, begunWith } = home;
  if (surroundings.proveOwner !== undefined) storage.proveOwner = surroundings.proveOwner;
  hooks.onLoaded(stored, storage);
  const { clusterId, memberId, memberName } = stored.identity;
  const { configuration, index: configurationIndex } = begunWith;
  const roster = new Roster(founders, {
    active: configuration,
    committed: configuration,
    committedIndex: configurationIndex,
  });
  const others = founders.filter(({ id }) => id !== memberId);
  const registry =
    surroundings.datagrams === undefined
      ? await PeerRegistry.open({
          storage,
          self: stored.identity,
          others,
          roster,
          draw: (count) => random.bytes(count),
        })
      : undefined;
  if (registry !== undefined) hooks.onBoot(registry.factsFor(memberId).incarnation.bootCount);
  const stateMachine = new KvStateMachine({
    store: { maxSessions: swarm.maxSessions, retainedRevisions: swarm.retainedRevisions },
  });
  const engine: { replica?: Replica } = {};
  const retire = (): void => void retireFrom(storage, hooks.onHalt);
  const second = new SecondFounding({
    status: () => engine.replica?.status().raft,
    patienceMilliseconds: swarm.tickMilliseconds * swarm.electionTimeoutTicks * 4,
    onFound: hooks.onHalt,
    clock: process,
  });
  const changesMembers = swarm.spareMachines > 0;
  const parts = { home, registry, roster, second, retire, peers: changesMembers ? [] : others };
  const mesh = registry === undefined ? undefined : openPeerMesh(surroundings, { ...parts, registry });
  const transport: Transport = mesh ?? surroundings.datagrams!(memberId);
  const node = new LocalKvNode({
    clusterId,
    memberId,
    name: memberName,
    version: 'simulated',
    roster,
    stateMachine,
    syncWrites: true,
    isReachable: (id) => transport.isConnected(id),
    clock: process,
    requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds,
  });
  const replica = createReplica(surroundings, { home, roster, transport, node, stateMachine });
  engine.replica = replica;
  const membership = changesMembers
    ? keepMembers(surroundings, { home, registry, roster, transport, mesh, replica, retire })
    : undefined;
  surroundings.listen('client', (channel) => serveClient(channel, node, { clock: process }));
  const committed = Math.max(stored.snapshot?.lastIncludedIndex ?? 0, stored.hardState?.commitIndex ?? 0);
  await registry?.founded();
  await replica.start();
  node.run(replica, Math.max(committed, configurationIndex), membership);
  membership?.start();
  return { replica, core: coreOf(replica), node, stateMachine, storage, begunWith };
}

interface Parts {
  readonly home: Home;
  readonly registry: PeerRegistry | undefined;
  readonly roster: Roster;
  readonly transport: Transport;
  readonly mesh: Mesh | undefined;
  readonly node: LocalKvNode;
  readonly replica: Replica;
  readonly stateMachine: KvStateMachine;
  /** This member was removed. */
  readonly retire: () => void;
}

function createReplica(
  surroundings: Surroundings,
  {
    home,
    roster,
    transport,
    node,
    stateMachine,
  }: Pick<Parts, 'home' | 'roster' | 'transport' | 'node' | 'stateMachine'>,
): Replica {
  const { process, random, swarm, priority, hooks } = surroundings;
  const { storage, stored, begunWith } = home;
  const { memberId, memberName } = stored.identity;
  const replica = new Replica({
    raft: {
      ...drawRaftOptions(random),
      ...(swarm.oneByOne ? { maxAppendEntries: 1 } : {}),
      ...(priority === undefined ? {} : { priority }),
      id: memberId,
      seed: random.uint32(),
      electionTimeoutTicks: swarm.electionTimeoutTicks,
      heartbeatTicks: swarm.heartbeatTicks,
      leaseReads: swarm.leaseDriftPerMille === undefined ? undefined : { maxDriftPerMille: swarm.leaseDriftPerMille },
    },
    configuration: begunWith.configuration,
    configurationIndex: begunWith.index,
    storage,
    stored,
    transport,
    stateMachine: watched(stateMachine, hooks),
    clock: process,
    tickMilliseconds: swarm.tickMilliseconds,
    requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds,
    snapshotThreshold: swarm.snapshotThreshold,
    retainedEntries: swarm.retainedEntries,
    onHalt: hooks.onHalt,
    onRoleChange: (status) => {
      node.roleChanged(status);
      const leader = roster.get(status.leaderId)?.name ?? '-';
      hooks.onNote(`${memberName} is ${status.role} in term ${status.term}, leader ${leader}`);
    },
    onConfiguration: (status) => roster.update(status),
    onEvent: (event) => hooks.onNote(`${memberName} ${event.type} ${event.index}`),
  });
  hooks.onCore(coreOf(replica));
  hooks.onReplica(replica);
  const { raft } = replica.status();
  roster.update({
    active: raft.configuration,
    committed: raft.committedConfiguration,
    committedIndex: raft.committedConfigurationIndex,
  });
  return replica;
}

/** From here on peers come and go as the log says, learners are promoted, and this member goes when the log says so. */
function keepMembers(
  { process, swarm, hooks }: Surroundings,
  { home, registry, roster, transport, mesh, replica, retire }: Omit<Parts, 'node' | 'stateMachine'>,
): Membership {
  const { clusterId, memberId, memberName, storeId } = home.stored.identity;
  const electionTimeoutMilliseconds = swarm.tickMilliseconds * swarm.electionTimeoutTicks;
  const nobody = { addPeer: () => undefined, removePeer: () => undefined };
  const keeper = new MeshKeeper({
    memberId,
    roster,
    mesh: mesh ?? nobody,
    clock: process,
    graceMilliseconds: electionTimeoutMilliseconds * 3,
    onRemoved: retire,
  });
  void keeper;
  return new Membership({
    clusterId,
    memberId,
    roster,
    engine: replica,
    storeIdOf: (id) => (id === memberId ? storeId : (registry?.storeIdOf(id) ?? roster.get(id)?.storeId)),
    isReachable: (id) => transport.isConnected(id),
    clock: process,
    electionTimeoutMilliseconds,
    patienceMilliseconds: swarm.requestTimeoutMilliseconds,
    onEvent: ({ type, member, ...rest }) =>
      hooks.onNote(`${memberName}: ${member} ${type}${'reason' in rest ? `: ${rest.reason}` : ''}`),
  });
}

async function retireFrom(storage: Storage, onHalt: (error: RaftkvError) => void): Promise<void> {
  try {
    await noteRemoval(storage);
    onHalt(new RaftkvError('member_removed', 'it was removed from its cluster'));
  } catch (error) {
    onHalt(RaftkvError.from(error));
  }
}

function openPeerMesh(
  { process, random, dial, listen, hooks }: Surroundings,
  {
    home: { stored },
    registry,
    roster,
    second,
    retire,
    peers,
  }: {
    readonly home: Home;
    readonly registry: PeerRegistry;
    readonly roster: Roster;
    readonly second: SecondFounding;
    readonly retire: () => void;
    readonly peers: readonly MemberIdentity[];
  },
): Mesh {
  const mesh = openMesh({
    self: stored.identity,
    peers,
    dial: (address, signal) => dial(address, 'peer', signal),
    factsFor: (peer) => registry.factsFor(peer),
    admit: async (peer) => {
      await registry.admit(peer);
      hooks.onMet(peer.memberId, peer.facts?.incarnation.bootCount);
    },
    strangerError: (id) => {
      second.suspect(id);
      guests.invite(id);
      return registry.strangerError(id);
    },
    onWelcomed: (peer) => {
      hooks.onWelcomed(peer);
      registry.admittedBy(peer).catch((error: unknown) => hooks.onHalt(RaftkvError.from(error)));
    },
    onRefused: (peer, error, by) => {
      if (error.code === 'founders_disagree' && !registry.isFounded) hooks.onHalt(error);
      if (by === 'self') return;
      hooks.onNote(`${stored.identity.memberName} is refused by ${roster.get(peer)?.name ?? peer}: ${error.code}`);
      if (error.code === 'member_amnesia') hooks.onHalt(error);
      if (error.code === 'member_removed') retire();
      if (error.code === 'member_superseded') {
        registry
          .superseded(error.message)
          .then(hooks.onHalt, (failure: unknown) => hooks.onHalt(RaftkvError.from(failure)));
      }
    },
    clock: process,
    random: () => random.next(),
  });
  registry.onNews = () => mesh.tellFounding();
  const guests = new Guests({ roster, mesh });
  listen('peer', (channel) => mesh.accept(channel));
  return mesh;
}

/** The store, with the checks listening. */
function watched(stateMachine: KvStateMachine, hooks: MemberHooks): StateMachine {
  return {
    apply: (entry) => {
      const result = stateMachine.apply(entry);
      hooks.onApplied(entry, result);
      return result;
    },
    afterApply: (index) => {
      stateMachine.afterApply();
      hooks.onAfterApply(index, stateMachine.store);
    },
    snapshot: () => stateMachine.snapshot(),
    restore: () => {
      const restore = stateMachine.restore();
      return {
        write: (chunk) => restore.write(chunk),
        verify: () => restore.verify(),
        install: () => {
          restore.install();
          hooks.onRestored();
        },
      };
    },
  };
}
