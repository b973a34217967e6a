// What a world is like: everything that is drawn once for a seed. Each seed gets another mix (swarm testing): some faults are not there at all, so
// that others come to their own; limits are small, so that they are reached.
import type { RaftOptions } from '@raftkv/raft';
import type { DatagramWeather } from '../network/datagrams.ts';
import type { LinkWeather } from '../network/links.ts';
import type { DiskWeather } from '../disk/simulated-disk.ts';
import type { Random } from './random.ts';

export const faultKinds = [
  'kill',
  'powerCut',
  'blackout',
  'crashPoint',
  'pause',
  'suspend',
  'isolate',
  'split',
  'oneWay',
  'partial',
  'slowLink',
  'lateAnswers',
  'breakPipes',
  'freezePipes',
  'slowDisk',
  'stallSync',
  'staleWrites',
  'failSync',
  'loseDisk',
  'flipBits',
  'clockJump',
  'clockRate',
  'cutClient',
  'transfer',
  'observerGone',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Swarm {
  readonly members: number;
  readonly network: 'datagrams' | 'mesh';
  readonly tickMilliseconds: number;
  readonly electionTimeoutTicks: number;
  readonly heartbeatTicks: number;
  readonly links: LinkWeather;
  readonly datagrams: DatagramWeather;
  readonly disk: DiskWeather;
  readonly lateness: number;
  /** How far the rates of clocks differ from 1. */
  readonly clockSkew: number;
  readonly segmentBytes: number;
  readonly compressesSnapshots: boolean;
  readonly snapshotThreshold: number;
  readonly retainedEntries: number;
  readonly maxSessions: number;
  readonly retainedRevisions: number;
  readonly clients: number;
  readonly observers: number;
  readonly observersKeepTheirCopy: boolean;
  /** The apps that hold them read and write through them. */
  readonly observersCall: boolean;
  /** Of each client. */
  readonly watches: number;
  /** Reads by lease, where the clocks can be trusted that far; thousandths. */
  readonly leaseDriftPerMille: number | undefined;
  readonly keys: number;
  /** Each makes one call after the other. */
  readonly callersPerClient: number;
  readonly compressesValues: boolean;
  /** Between two calls of one caller. */
  readonly thinkMilliseconds: number;
  readonly requestTimeoutMilliseconds: number;
  readonly faults: readonly FaultKind[];
  /** Those of them that do nothing: for shrinking. The others strike when and where they did. */
  readonly masked: readonly FaultKind[];
  /** Between two faults. */
  readonly faultMilliseconds: number;
  /** What a fault lasts, about. */
  readonly stabilityMilliseconds: number;
  /** All logs travel entry by entry. */
  readonly oneByOne: boolean;
  /** The chance that a new leader is struck down at once, again and again. */
  readonly leaderChurn: number;
  /** The chance that a member dies while its vote is on its way to the disk, and is soon back. */
  readonly voteCrash: number;
  /** Candidates are not heard any more as soon as they have asked for votes, and leaders as soon as an entry of an older term is on a quorum. */
  readonly fallsSilent: boolean;
  /** The chance that a member dies while a snapshot takes its place. */
  readonly snapshotCrash: number;
  /** The last that happens before the world is healed: somebody stands for election and is not heard. */
  readonly standsInVain: boolean;
  /** The chance that a fault is aimed at the leader. */
  readonly aimsAtLeader: number;
  readonly safetyMilliseconds: number;
  /** Machines beyond the founders', which may join; 0: members do not change. */
  readonly spareMachines: number;
  /** Between two things that are asked of the members. */
  readonly changeMilliseconds: number;
  /** The chance that something befalls a change that has just begun. */
  readonly interruption: number;
  /** The chance that a removal is aimed at the leader. */
  readonly removesLeader: number;
  /** The chance that who joins is to stay a learner. */
  readonly staysLearner: number;
  /** Members have priorities of their own. */
  readonly hasPriorities: boolean;
  /** Who joins stays a learner, or replaces a voter; nobody is removed otherwise. */
  readonly keepsLearners: boolean;
  /** Between two leaders that sleep, cut off with the learners. */
  readonly strandMilliseconds: number;
  /** What comes twice: processes with one disk, and disks. */
  readonly doubles: readonly DoubleKind[];
  /** Between two of them. */
  readonly doubleMilliseconds: number;
}

export type DoubleKind = 'zombie' | 'clone' | 'oldCopy';

/** Streams of their own for what was added later, so that one more of them leaves the rest of the world as it was. */
interface Later {
  readonly stories: Random;
  readonly extras: Random;
  readonly readers: Random;
  readonly strands: Random;
  readonly doubles: Random;
}

export function drawSwarm(random: Random, { stories, extras, readers, strands, doubles }: Later): Swarm {
  const drawn = trusted(draw(random), random);
  const told = drawStories(stories);
  // T15 takes a world in which little else is in its way.
  const faults: readonly FaultKind[] = stories.chance(0.12) ? ['lateAnswers'] : drawn.faults;
  // Entry by entry, so that a member can have the older one and not the next.
  const oneByOne = drawn.oneByOne || told.fallsSilent;
  const swarm = { ...drawn, ...told, faults, oneByOne, observersCall: readers.chance(0.6) };
  return withDoubles(withStrands(withExtras(swarm, extras), strands), doubles);
}

type Stories = Pick<Swarm, 'snapshotCrash' | 'standsInVain' | 'fallsSilent'>;

function drawStories(random: Random): Stories {
  return {
    snapshotCrash: random.pick([0, 0, 0.05, 0.2]),
    standsInVain: random.chance(0.25),
    fallsSilent: random.chance(0.2),
  };
}

function withExtras(swarm: Swarm, random: Random): Swarm {
  const electionMilliseconds = swarm.tickMilliseconds * swarm.electionTimeoutTicks;
  const changesMembers = random.chance(0.35);
  const spareMachines = random.pick([1, 1, 2, 3]);
  const extras = {
    changeMilliseconds: electionMilliseconds * random.pick([1, 3, 8]),
    interruption: random.pick([0, 0.2, 0.6]),
    removesLeader: random.pick([0.2, 0.5, 0.9]),
    staysLearner: random.pick([0, 0.2, 0.7]),
    hasPriorities: random.chance(0.25),
  };
  const faults = extras.hasPriorities ? [...new Set([...swarm.faults, 'transfer' as const])] : swarm.faults;
  return { ...swarm, ...extras, faults, spareMachines: changesMembers ? spareMachines : 0 };
}

/** T16 takes a cluster in which the others outvote its leader, learners that stay, and little that is in the way. */
function withStrands(swarm: Swarm, random: Random): Swarm {
  const electionMilliseconds = swarm.tickMilliseconds * swarm.electionTimeoutTicks;
  if (!random.chance(0.12)) return { ...swarm, strandMilliseconds: electionMilliseconds * 20 };
  const spareMachines = random.pick([1, 2]);
  return {
    ...swarm,
    members: spareMachines === 1 ? 3 : random.pick([3, 5]),
    spareMachines,
    staysLearner: 1,
    keepsLearners: true,
    changeMilliseconds: electionMilliseconds,
    strandMilliseconds: electionMilliseconds * 6,
    faults: random.chance(0.6) ? [] : swarm.faults,
    ...{ leaderChurn: 0, voteCrash: 0, fallsSilent: false, interruption: 0 },
  };
}

/** Who joins has met nobody, and an older copy would find it there: disks are copied where members do not change. What is not told in a handshake nobody can know. */
function withDoubles(swarm: Swarm, random: Random): Swarm {
  const electionMilliseconds = swarm.tickMilliseconds * swarm.electionTimeoutTicks;
  const [isDrawn, isMeant] = [random.chance(0.3), random.chance(0.15)];
  const [zombies, clones, oldCopies] = [random.chance(0.7), random.chance(0.6), random.chance(0.6)];
  const doubleMilliseconds = electionMilliseconds * random.pick([3, 6, 12]);
  if (!isMeant && (!isDrawn || swarm.network !== 'mesh')) return swarm;
  const mayCopy = swarm.spareMachines === 0;
  const doubles: DoubleKind[] = [];
  if (zombies) doubles.push('zombie');
  if (clones && mayCopy && swarm.members > 1) doubles.push('clone');
  if (oldCopies && mayCopy && swarm.members > 2) doubles.push('oldCopy');
  return { ...swarm, network: 'mesh', doubles, doubleMilliseconds };
}

/** Leases need clocks that keep what is assumed of them (their owner says so): drift within the bound, no other jumps than those of a host that slept. */
function trusted(swarm: Omit<Swarm, keyof Stories>, random: Random): Omit<Swarm, keyof Stories> {
  const leaseDriftPerMille = random.pick([10, 100]);
  const faults = swarm.faults.filter((kind) => kind !== 'clockRate' && kind !== 'clockJump');
  const isTrusted = random.chance(0.2) && swarm.electionTimeoutTicks >= 5 && swarm.heartbeatTicks === 1;
  // Two clocks drift apart by the sum of what each is off.
  return isTrusted ? { ...swarm, leaseDriftPerMille, faults, clockSkew: leaseDriftPerMille / 3000 } : swarm;
}

const plain = {
  observersCall: false,
  spareMachines: 0,
  changeMilliseconds: Infinity,
  interruption: 0,
  removesLeader: 0,
  staysLearner: 0,
  hasPriorities: false,
  keepsLearners: false,
  strandMilliseconds: Infinity,
  doubles: [] as readonly DoubleKind[],
  doubleMilliseconds: Infinity,
};

function draw(random: Random): Omit<Swarm, keyof Stories> {
  const tickMilliseconds = random.pick([10, 20, 30, 60]);
  const electionTimeoutTicks = random.pick([3, 5, 10, 10, 15]);
  const electionMilliseconds = tickMilliseconds * electionTimeoutTicks;
  const share = random.pick([0.3, 0.6, 1]);
  return {
    members: random.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5]),
    network: random.pick(['datagrams', 'mesh']),
    tickMilliseconds,
    electionTimeoutTicks,
    heartbeatTicks: random.pick([1, 1, Math.floor(electionTimeoutTicks / 2)]),
    links: {
      minLatency: random.pick([0.1, 1, 5]),
      meanLatency: random.pick([0.5, 5, 20, electionMilliseconds / 4]),
      slowShare: random.pick([0, 0, 0.001, 0.02]),
    },
    datagrams: {
      loss: random.pick([0, 0.01, 0.05, 0.2]),
      duplication: random.pick([0, 0.02, 0.2]),
      toldShare: random.pick([0, 0.5, 1]),
    },
    disk: {
      meanSyncLatency: random.pick([0.2, 2, 10, electionMilliseconds / 5]),
      slowShare: random.pick([0, 0, 0.01]),
    },
    lateness: random.pick([0, 0.5, 2]),
    clockSkew: random.pick([0, 0, 0.001, 0.05, 0.2]),
    segmentBytes: random.pick([16, 16, 32, 64]) * 1024,
    compressesSnapshots: random.chance(0.3),
    snapshotThreshold: random.pick([3, 10, 30, 100, 1000]),
    retainedEntries: random.pick([0, 1, 5, 30]),
    maxSessions: random.pick([2, 4, 100]),
    retainedRevisions: random.pick([5, 30, 1000]),
    clients: random.pick([1, 2, 4, 6]),
    observers: random.pick([0, 0, 1, 2]),
    observersKeepTheirCopy: random.chance(0.5),
    watches: random.pick([0, 0, 1]),
    leaseDriftPerMille: undefined,
    callersPerClient: random.pick([1, 1, 1, 2]),
    compressesValues: random.chance(0.1),
    keys: random.pick([1, 3, 8]),
    thinkMilliseconds: random.pick([5, 50, 200]),
    requestTimeoutMilliseconds: random.pick([1, 3, 10]) * electionMilliseconds,
    faults: faultKinds.filter(() => random.chance(share)),
    masked: [],
    faultMilliseconds: electionMilliseconds * random.pick([1, 3, 10]),
    stabilityMilliseconds: electionMilliseconds * random.pick([0.5, 2, 6]),
    oneByOne: random.chance(0.3),
    leaderChurn: random.pick([0, 0, 0.5, 0.95]),
    voteCrash: random.pick([0, 0, 0.1, 0.4]),
    aimsAtLeader: random.pick([0.2, 0.5, 0.8]),
    safetyMilliseconds: electionMilliseconds * random.pick([30, 60, 100]),
    ...plain,
  };
}

/** One member's core: small limits, so that they are reached. */
export function drawRaftOptions(random: Random): Omit<RaftOptions, 'id' | 'seed'> {
  return {
    maxAppendEntries: random.pick([1, 3, 100]),
    maxAppendBytes: random.pick([64, 1000, 100_000]),
    maxInflightMessages: random.pick([1, 3, 50]),
    maxInflightBytes: random.pick([100, 100_000]),
    maxUncommittedBytes: random.pick([500, 5000, 1_000_000]),
    maxPendingReads: random.pick([3, 1000]),
    snapshotChunkBytes: random.pick([200, 1000, 100_000]),
  };
}
