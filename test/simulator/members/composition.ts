// The composition root of a simulated member: the same parts as in `startNode`, put together over a simulated disk and network. Everything that is
// built here dies with the process; what outlives it is the disk.
import type { Store } from '@raftkv/kv';
import type { Entry, PeerId, Raft } from '@raftkv/raft';
import { Replica } from '@raftkv/replica';
import type { StateMachine } from '@raftkv/replica';
import { coreOf } from '@raftkv/replica/inspection';
import { KvStateMachine, LocalKvNode, PeerRegistry, Roster, serveClient } from '@raftkv/server';
import { openDiskStorage } from '@raftkv/storage';
import type { Disk, Storage, StoredState } from '@raftkv/storage';
import { openMesh } from '@raftkv/transport';
import type { Channel, Transport } from '@raftkv/transport';
import { RaftkvError, deflateCompression } from '@raftkv/wire';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Swarm } from '../world/swarm.ts';
import { drawRaftOptions } from '../world/swarm.ts';

export interface MemberIdentity {
  readonly id: PeerId;
  readonly name: string;
  readonly address: string;
}

/** What the world gives a member that starts. */
export interface Surroundings {
  readonly process: Process;
  readonly random: Random;
  readonly swarm: Swarm;
  readonly disk: Disk;
  readonly clusterId: string;
  readonly self: MemberIdentity;
  readonly members: readonly MemberIdentity[];
  /** Undefined: there is a mesh over `dial`. */
  readonly datagrams: ((process: Process) => Transport) | undefined;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Channel>;
  readonly listen: (route: 'peer' | 'client', onChannel: (channel: Channel) => void) => void;
  readonly hooks: MemberHooks;
}

/** What the checks hear. */
export interface MemberHooks {
  readonly onLoaded: (stored: StoredState, storage: Storage) => void;
  /** Before it is asked anything. */
  readonly onCore: (core: Raft) => void;
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
}

/** Rejects with what the storage refuses. Answers once the member takes part or waits to be founded. */
export async function composeMember(surroundings: Surroundings): Promise<RunningMember> {
  const { process, random, swarm, self, members, clusterId, hooks } = surroundings;
  const others = members.filter((member) => member.id !== self.id);
  const storage = await openDiskStorage({
    disk: surroundings.disk,
    identity: { clusterId, memberId: self.id, memberName: self.name },
    create: true,
    segmentBytes: swarm.segmentBytes,
    draw: (count) => random.bytes(count),
    now: process.now,
    ...(swarm.compressesSnapshots ? { compression: deflateCompression } : {}),
    onFailure: hooks.onHalt,
  });
  const stored = await storage.load();
  hooks.onLoaded(stored, storage);
  const configuration = { voters: members.map((member) => member.id).toSorted(), votersOutgoing: [], learners: [] };
  const roster = new Roster(members, { active: configuration, committed: configuration, committedIndex: 0 });
  const registry =
    surroundings.datagrams === undefined ? await PeerRegistry.open({ storage, others, roster }) : undefined;
  const stateMachine = new KvStateMachine({
    store: { maxSessions: swarm.maxSessions, retainedRevisions: swarm.retainedRevisions },
  });
  const transport = surroundings.datagrams?.(process) ?? openPeerMesh(surroundings, registry!, others, stored);
  const node = new LocalKvNode({
    clusterId,
    memberId: self.id,
    name: self.name,
    version: 'simulated',
    roster,
    stateMachine,
    syncWrites: true,
    isReachable: (id) => transport.isConnected(id),
    clock: process,
    requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds,
  });
  const replica = new Replica({
    raft: {
      ...drawRaftOptions(random),
      ...(swarm.oneByOne ? { maxAppendEntries: 1 } : {}),
      id: self.id,
      seed: random.uint32(),
      electionTimeoutTicks: swarm.electionTimeoutTicks,
      heartbeatTicks: swarm.heartbeatTicks,
      leaseReads: swarm.leaseDriftPerMille === undefined ? undefined : { maxDriftPerMille: swarm.leaseDriftPerMille },
    },
    configuration,
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
      hooks.onNote(`${self.name} is ${status.role} in term ${status.term}, leader ${nameOf(members, status.leaderId)}`);
    },
    onEvent: (event) => hooks.onNote(`${self.name} ${event.type} ${event.index}`),
  });
  hooks.onCore(coreOf(replica));
  surroundings.listen('client', (channel) => serveClient(channel, node, { clock: process }));
  const startIndex = Math.max(stored.snapshot?.lastIncludedIndex ?? 0, stored.hardState?.commitIndex ?? 0);
  await registry?.founded();
  await replica.start();
  node.run(replica, startIndex);
  return { replica, core: coreOf(replica), node, stateMachine, storage };
}

function openPeerMesh(
  { process, random, clusterId, self, dial, listen, hooks }: Surroundings,
  registry: PeerRegistry,
  others: readonly MemberIdentity[],
  { identity }: StoredState,
): Transport {
  const mesh = openMesh({
    self: { clusterId, memberId: self.id, memberName: self.name, storeId: identity.storeId },
    peers: others,
    dial,
    admit: (peer) => registry.admit(peer),
    onWelcomed: (peer) => {
      registry.admittedBy(peer).catch((error: unknown) => hooks.onHalt(RaftkvError.from(error)));
    },
    onRefused: (_peer, error, by) => {
      if (by === 'peer' && error.code === 'member_amnesia') hooks.onHalt(error);
    },
    clock: process,
    random: () => random.next(),
  });
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

function nameOf(members: readonly MemberIdentity[], id: PeerId | undefined): string {
  return members.find((member) => member.id === id)?.name ?? '-';
}
