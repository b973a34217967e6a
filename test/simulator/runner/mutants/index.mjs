// Known bugs of Raft implementations, each put back by edits of the text of a source: what to find, exactly once, and what to put in its place. If the source
// has moved on, the bundling fails and says so; the edit is then written anew, so that it breaks the same thing. Each is the bug of the note that its name
// refers to, in our own code; where several layers prevent it, all those are taken away that would hide it.
import { clientMutants } from './clients.mjs';
import { doubleMutants } from './doubles.mjs';
import { electionMutants } from './elections.mjs';
import { logMutants } from './log.mjs';
import { memberMutants } from './members.mjs';
import { observerMutants } from './observers.mjs';
import { readMutants } from './reads.mjs';
import { storageMutants } from './storage.mjs';

/** By name: a trap's number and, where it has several forms, which; or the promise that is broken, where no trap is known. */
export const mutants = Object.fromEntries(
  Object.entries({
    ...electionMutants,
    ...logMutants,
    ...readMutants,
    ...memberMutants,
    ...storageMutants,
    ...clientMutants,
    ...observerMutants,
    ...doubleMutants,
  }).toSorted(([a], [b]) => number(a) - number(b) || (a < b ? -1 : 1)),
);

function number(name) {
  return Number.parseInt(/^T(\d+)/.exec(name)?.[1] ?? '1000', 10);
}
