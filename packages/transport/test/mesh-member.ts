// One member of a test's mesh: what it is made with, and a record of what it is told.
import type { Message, PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { memoryChannelPair, openMesh } from '../src/index.ts';
import type { Channel, Mesh, MeshOptions, MeshPeer } from '../src/index.ts';
import type { MemoryChannelOptions, MemoryChannelPair } from '../src/index.ts';

export interface TestMember {
  readonly id: PeerId;
  readonly mesh: Mesh;
  readonly received: Message[];
  readonly welcomed: PeerId[];
  readonly unreachable: PeerId[];
  readonly states: string[];
  readonly refused: { readonly peer: PeerId; readonly code: string; readonly by: string }[];
  /** Store ids by member, as admitted. */
  readonly admitted: Map<PeerId, string>;
  /** Resolves as soon as the condition holds; looked at after everything the mesh tells. */
  until(condition: () => boolean): Promise<void>;
}

export function openMember(options: Partial<MeshOptions> & Pick<MeshOptions, 'self' | 'peers' | 'dial'>): TestMember {
  const record = {
    received: [] as Message[],
    welcomed: [] as PeerId[],
    unreachable: [] as PeerId[],
    states: [] as string[],
    refused: [] as { peer: PeerId; code: string; by: string }[],
    admitted: new Map<PeerId, string>(),
  };
  const waiters = new Set<{ readonly condition: () => boolean; readonly resolve: () => void }>();
  const look = (): void => {
    for (const waiter of waiters) {
      if (!waiter.condition()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const mesh = openMesh({
    admit: async ({ memberId, storeId }) => {
      const known = record.admitted.get(memberId);
      if (known !== undefined && known !== storeId)
        throw new RaftkvError('member_amnesia', `${memberId} lost its disk`);
      record.admitted.set(memberId, storeId);
    },
    onWelcomed: (peer) => {
      record.welcomed.push(peer);
      queueMicrotask(look);
    },
    onRefused: (peer, error, by) => {
      record.refused.push({ peer, code: error.code, by });
      look();
    },
    ...options,
  });
  mesh.start({
    onMessage: (message) => {
      record.received.push(message);
      look();
    },
    onUnreachable: (peer) => {
      record.unreachable.push(peer);
      look();
    },
    onPeerState: (peer, isConnected) => {
      record.states.push(`${peer} ${isConnected ? 'up' : 'down'}`);
      look();
    },
  });
  return {
    ...record,
    id: options.self.memberId,
    mesh,
    until: (condition) =>
      new Promise((resolve) => {
        waiters.add({ condition, resolve });
        look();
      }),
  };
}

export function selfOf(memberId: PeerId, storeId = `store-${memberId}`, clusterId = 'cluster'): MeshOptions['self'] {
  return { memberId, memberName: `name-${memberId}`, clusterId, storeId };
}

export function peersOf(ids: readonly PeerId[]): MeshPeer[] {
  return ids.map((id) => ({ id, name: `name-${id}`, address: id }));
}

/** Dials by address within the process: who listens gets the other end. Keeps every pair, newest last, to be harmed. */
export class MemoryPhone {
  readonly pairs: MemoryChannelPair[] = [];
  readonly #options: MemoryChannelOptions;
  readonly #listeners = new Map<string, (channel: Channel) => void>();

  constructor(options: MemoryChannelOptions = {}) {
    this.#options = options;
  }

  listen(address: string, onChannel: ((channel: Channel) => void) | undefined): void {
    if (onChannel === undefined) this.#listeners.delete(address);
    else this.#listeners.set(address, onChannel);
  }

  readonly dial = async (address: string): Promise<Channel> => {
    const listener = this.#listeners.get(address);
    if (listener === undefined) throw new RaftkvError('connect_failed', `nobody at ${address}`);
    const pair = memoryChannelPair(this.#options);
    this.pairs.push(pair);
    listener(pair.right);
    return pair.left;
  };
}
