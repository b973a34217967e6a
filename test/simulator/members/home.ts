// How a life of a member begins, as `raftkv serve` and `raftkv join` do it: a founder opens its storage or makes it; who joins draws the identity of its storage,
// is let in by the cluster, and makes its storage then. What was told is noted in the storage, and so is a removal.
import { bytes, connect } from '@raftkv/client';
import type { Configuration } from '@raftkv/raft';
import { drawStoreId, openDiskStorage } from '@raftkv/storage';
import type { Disk, RequestedIdentity, Storage, StoredState } from '@raftkv/storage';
import type { Channel } from '@raftkv/transport';
import { RaftkvError, decodeConfiguration, deflateCompression, encodeConfiguration } from '@raftkv/wire';
import type { AdminResult, MemberPlan } from '@raftkv/wire';
import type { Held } from '../checks/configurations.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Swarm } from '../world/swarm.ts';

export interface MemberIdentity {
  readonly id: string;
  readonly name: string;
  readonly address: string;
}

/** With empty hands it founds a cluster, or joins one. */
export type Origin =
  | { readonly type: 'founder'; readonly self: MemberIdentity }
  | { readonly type: 'joiner'; readonly name: string; readonly address: string; readonly plan: MemberPlan | undefined };

export interface Home {
  readonly storage: Storage;
  readonly stored: StoredState;
  /** None for who joined. */
  readonly founders: readonly MemberIdentity[];
  /** What holds until the log says otherwise. */
  readonly begunWith: Held;
}

export interface HomeOptions {
  readonly origin: Origin;
  readonly process: Process;
  readonly random: Random;
  readonly swarm: Swarm;
  readonly disk: Disk;
  readonly clusterId: string;
  readonly founders: readonly MemberIdentity[];
  /** Where a cluster that is to be joined is found. */
  readonly endpoints: readonly string[];
  readonly dialClient: (address: string, signal: AbortSignal) => Promise<Channel>;
  readonly onFailure: (error: RaftkvError) => void;
  /** It is nobody, and asks to be let in. */
  readonly onAsking: () => void;
  /** The cluster let it in, before there is a storage. */
  readonly onAdmitted: (identity: RequestedIdentity & { readonly storeId: string }) => void;
  /** It was refused, and certainly not let in. */
  readonly onRefused: (storeId: string) => void;
}

interface Admission extends Held {
  readonly identity: RequestedIdentity & { readonly storeId: string };
}

const [homeNote, removalNote] = ['home', 'removed'];
const maxAttempts = 5;

/** Rejects with what the storage or the cluster says, `member_removed`, or `storage_identity` where joining was cut short. */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { origin, clusterId, founders, swarm, disk } = options;
  if (origin.type === 'founder') {
    const { id, name } = origin.self;
    const storage = await open(options, { clusterId, memberId: id, memberName: name });
    const stored = await storage.load();
    if (swarm.spareMachines > 0) await expectNoRemoval(storage);
    return { storage, stored, founders, begunWith: { index: 0, configuration: foundingConfiguration(founders) } };
  }
  if (!(await disk.list()).includes('identity')) {
    options.onAsking();
    return settle(options, await join(options, origin));
  }
  const storage = await open(options, undefined);
  const stored = await storage.load();
  await expectNoRemoval(storage);
  const note = await storage.getNote(homeNote!);
  if (note === undefined) throw new RaftkvError('storage_identity', 'joining was cut short: empty the directory');
  const { index, configuration } = JSON.parse(new TextDecoder().decode(note)) as {
    index: number;
    configuration: number[];
  };
  const begunWith = { index, configuration: decodeConfiguration(Uint8Array.from(configuration)) };
  return { storage, stored, founders: [], begunWith };
}

export function foundingConfiguration(founders: readonly MemberIdentity[]): Configuration {
  return { voters: founders.map(({ id }) => id).toSorted(), votersOutgoing: [], learners: [] };
}

export async function noteRemoval(storage: Storage): Promise<void> {
  await storage.setNote(removalNote!, new Uint8Array(1));
}

async function expectNoRemoval(storage: Storage): Promise<void> {
  if ((await storage.getNote(removalNote!)) !== undefined)
    throw new RaftkvError('member_removed', 'it was removed, and noted that');
}

async function settle(options: HomeOptions, { identity, index, configuration }: Admission): Promise<Home> {
  options.onAdmitted(identity);
  const storage = await open(options, identity);
  const stored = await storage.load();
  const note = { index, configuration: [...encodeConfiguration(configuration)] };
  await storage.setNote(homeNote!, new TextEncoder().encode(JSON.stringify(note)));
  return { storage, stored, founders: [], begunWith: { index, configuration } };
}

/** Asks to be let in, and again while it is not known what came of it: the same request finds what the first one did. */
async function join(options: HomeOptions, origin: Extract<Origin, { type: 'joiner' }>): Promise<Admission> {
  const { process, random, swarm, endpoints, dialClient } = options;
  const { name, address, plan } = origin;
  const kv = connect<Uint8Array>({
    endpoints,
    codec: bytes,
    dial: (endpoint, { signal }) => dialClient(endpoint, signal),
    clock: process,
    random: () => random.next(),
    requestTimeoutMilliseconds: swarm.requestTimeoutMilliseconds * 2,
    connectTimeoutMilliseconds: Math.max(200, swarm.requestTimeoutMilliseconds),
    compression: false,
  });
  const storeId = drawStoreId((count) => random.bytes(count));
  const ask = async (attempt: number): Promise<AdminResult> => {
    try {
      return await kv.askMembers({ type: 'add', name, address, storeId, plan });
    } catch (error) {
      const { definite } = RaftkvError.from(error);
      // What came of an attempt before may be known to nobody.
      if (definite && attempt === 1) options.onRefused(storeId);
      if (definite || attempt === maxAttempts) throw error;
      return ask(attempt + 1);
    }
  };
  try {
    const { members, memberId, configuration } = await ask(1);
    const identity = { clusterId: members.clusterId, memberId: memberId!, memberName: name, storeId };
    return { identity, index: members.index, configuration: decodeConfiguration(configuration!) };
  } finally {
    await kv.close();
  }
}

function open(options: HomeOptions, identity: RequestedIdentity | undefined): Promise<Storage> {
  const { swarm, random, process } = options;
  return openDiskStorage({
    disk: options.disk,
    ...(identity === undefined ? {} : { identity }),
    create: identity !== undefined,
    segmentBytes: swarm.segmentBytes,
    draw: (count) => random.bytes(count),
    now: process.now,
    ...(swarm.compressesSnapshots ? { compression: deflateCompression } : {}),
    onFailure: options.onFailure,
  });
}
