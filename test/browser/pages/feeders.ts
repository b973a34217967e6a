// The page of the suite about tabs that feed each other: a replica with a swarm, as an app opens it, in reach of what a test evaluates in the tab.
import { openReplica } from 'raftkv';
import type { LiveKv } from 'raftkv';
import { openFeeders } from 'raftkv/feeders';
import type { Feeders, SwarmStatus } from 'raftkv/feeders';

const feederLab = {
  kv: undefined as LiveKv | undefined,
  feeders: undefined as Feeders | undefined,
  /** `place`: of the one node, which runs the relay as well. */
  open: async (place: string, secret: string): Promise<void> => {
    feederLab.feeders = openFeeders({ relay: place, secret, lookMilliseconds: 1_000 });
    feederLab.kv = await openReplica({ endpoints: [place], storage: 'memory', ...feederLab.feeders.replica });
  },
  swarm: (): Omit<SwarmStatus, 'lastError'> & { readonly lastError: string | undefined } => {
    const status = feederLab.feeders!.status.getSnapshot();
    return { ...status, lastError: status.lastError?.message };
  },
  copy: () => {
    const { phase, revision, hash, keys, snapshots, divergences } = feederLab.kv!.replica.getSnapshot();
    return { phase, revision, hash, keys, snapshots, divergences };
  },
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var feederLab: FeederLab;
}
export type FeederLab = typeof feederLab;

globalThis.feederLab = feederLab;
