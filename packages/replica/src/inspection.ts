// The door for whoever checks a running member from outside, as the simulator does, or shows all that it holds: the core behind a replica, to be looked at and never stepped.
// Subpath `./inspection`; not part of the stable interface.
import type { Entry } from '@raftkv/raft';
import { logOf } from '@raftkv/raft/invariants';
import { coreOf } from './replica.ts';
import type { Replica } from './replica.ts';

export { coreOf } from './replica.ts';

/** What its log has, known to be committed or not: to be read in this turn, and never changed. */
export function entriesOf(replica: Replica): readonly Entry[] {
  return logOf(coreOf(replica)).entries;
}
