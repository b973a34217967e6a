// The core that a replica drives, made of its options and of what its storage held. Called by the replica's constructor.
import { Raft } from '@raftkv/raft';
import { decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import type { ReplicaOptions } from './options.ts';

/** What the core hands out to be applied at once: small enough that a slice of time can end in between. */
const maxCommittedBytes = 64 * 1024;

/** What an entry that changes the members holds. */
const configurationCodec = { encode: encodeConfiguration, decode: decodeConfiguration };

/** Throws InvariantError if the parts of what was stored contradict each other. */
export function createCore(options: ReplicaOptions, proposalTimeoutTicks: number): Raft {
  const { stored, configuration, configurationIndex = 0 } = options;
  const { hardState, snapshot, entries, compactedIndex, compactedTerm } = stored;
  return new Raft(
    { maxCommittedBytes, proposalTimeoutTicks, configurationCodec, ...options.raft },
    { hardState, snapshot, entries, compactedIndex, compactedTerm, configuration, configurationIndex },
  );
}
