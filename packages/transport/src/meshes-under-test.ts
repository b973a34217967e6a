// Three meshes for the suite of transports, over whatever carries channels between them, each pair of which can be parted. Used by tests alone.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from './channel.ts';
import { openMesh } from './mesh.ts';
import type { Mesh } from './mesh-options.ts';
import type { TestMemberId, TransportsUnderTest } from './transport-conformance.ts';

/** How channels come to be. */
export interface WaysUnderTest {
  /** The other end is given to `accept`, in a turn of its own or not. */
  dial(from: TestMemberId, to: TestMemberId, signal: AbortSignal): Promise<Channel>;
  /** After the meshes are closed. */
  dispose(): Promise<void> | void;
}

/** Given where the other ends of dialled channels lead. */
export type OpenWays = (accept: (at: TestMemberId, channel: Channel) => void) => Promise<WaysUnderTest> | WaysUnderTest;

const ids = ['a', 'b', 'c'] as const;
const limits = { minBackoffMilliseconds: 10, maxBackoffMilliseconds: 50 };

export async function meshesUnderTest(openWays: OpenWays): Promise<TransportsUnderTest> {
  const cuts = new Set<string>();
  /** Dialled ones, by pair. */
  const channels = new Map<string, Set<Channel>>();
  const ways = await openWays((at, channel) => transports[at].accept(channel));
  const dial = async (from: TestMemberId, to: TestMemberId, signal: AbortSignal): Promise<Channel> => {
    const pair = pairOf(from, to);
    const channel = cuts.has(pair) ? undefined : await ways.dial(from, to, signal);
    if (channel === undefined || cuts.has(pair)) {
      channel?.close();
      throw new RaftkvError('connect_failed', `${from} and ${to} are parted`);
    }
    channels.set(pair, (channels.get(pair) ?? new Set()).add(channel));
    return channel;
  };
  const open = (id: TestMemberId): Mesh =>
    openMesh({
      self: { memberId: id, memberName: id, clusterId: 'cluster', storeId: `store-${id}` },
      // One of a pair dials, so that there is never a second channel, whose coming could lose a message that a test waits for.
      peers: ids.map((peer) => ({ id: peer, name: peer, address: peer, dials: id < peer })),
      dial: (address, signal) => dial(id, address as TestMemberId, signal),
      admit: async () => undefined,
      limits,
    });
  const transports = { a: open('a'), b: open('b'), c: open('c') };
  return {
    transports,
    cut: (a, b) => {
      cuts.add(pairOf(a, b));
      for (const channel of channels.get(pairOf(a, b)) ?? []) channel.close(new RaftkvError('timeout', 'parted'));
    },
    mend: (a, b) => void cuts.delete(pairOf(a, b)),
    dispose: async () => {
      await Promise.all(ids.map((id) => transports[id].close()));
      await ways.dispose();
    },
  };
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
