// Which steps the specification of Raft allows as far as logs and commit indexes go: ClientRequest, HandleAppendEntries, AdvanceCommitIndex, changes of
// members (§4), and taking in or making a snapshot (§5). Called by spec-trace.ts for each step, after the rules about roles.
import type { AppendRequest, Configuration } from '@raftkv/raft';
import type { LogEntry, LogView } from './cluster-events.ts';
import { isQuorum } from './quorums.ts';
import { SpecBroken, entryAt, holdsEntry, isSameEntry, lastIndexOf, logEntryOf, termAt } from './spec-ghosts.ts';
import type { SpecGhosts, SpecMember, SpecStep } from './spec-ghosts.ts';
import { messageOf } from './spec-steps.ts';

/** Throws SpecBroken. Takes note of what is committed. */
export function checkLogStep(ghosts: SpecGhosts, step: SpecStep): void {
  const { before, after } = step;
  const message = messageOf(step);
  if (message?.type === 'appendRequest' && message.term === after.term) verify(ghosts, step, message);
  if (after.log !== before.log) changeLog(ghosts, step);
  if (after.commitIndex !== before.commitIndex) advanceCommit(ghosts, step);
  if (after.role === 'leader') ghosts.leaderLogs.set(after.term, after.log);
}

function changeLog(ghosts: SpecGhosts, step: SpecStep): void {
  const { before, after, input } = step;
  const message = messageOf(step);
  if (input?.type === 'compact') return compact(step);
  if (input?.type === 'snapshotPersisted') return install(ghosts, step);
  if (message?.type === 'appendRequest') return append(ghosts, step, message);
  const isLeading = after.role === 'leader' || (before.role === 'leader' && before.term === after.term);
  if (!isLeading)
    throw new SpecBroken('log', `${after.id} changes its log as ${after.role} by ${message?.type ?? input?.type}`);
  clientRequest(step);
}

/** §3.5: a leader only appends, and entries of its own term. */
function clientRequest({ before, after }: SpecStep): void {
  const { id, term, log } = after;
  if (log.compactedIndex !== before.log.compactedIndex || lastIndexOf(log) < lastIndexOf(before.log))
    throw new SpecBroken('ClientRequest', `${id}, leader of term ${term}, cuts its log at ${lastIndexOf(log)}`);
  for (const [at, entry] of log.entries.entries()) {
    const known = before.log.entries[at];
    if (known !== undefined && !isSameEntry(known, entry))
      throw new SpecBroken('ClientRequest', `${id}, leader of term ${term}, changes ${known.index}/${known.term}`);
    if (known === undefined && entry.term !== term)
      throw new SpecBroken('ClientRequest', `${id}, leader of term ${term}, appends ${entry.index}/${entry.term}`);
  }
  if (!isSameConfiguration(before.configuration, after.configuration)) changeMembers(before, after);
}

/** §4.1, §4.3, T19: one change at a time, by a leader that knows what is committed, and so that the quorums of both overlap. */
function changeMembers(before: SpecMember, after: SpecMember): void {
  const words = `${after.id}, leader of term ${after.term}, changes the members`;
  if (!isSameConfiguration(after.committedConfiguration, before.configuration))
    throw new SpecBroken('ChangeMembers', `${words} while a change is open`);
  const [from, to] = [before.configuration, after.configuration];
  const isJoint = from.votersOutgoing.length > 0;
  const staysAsItIs = isSameSet(from.voters, to.voters) && isSameSet(from.votersOutgoing, to.votersOutgoing);
  const enters = !isJoint && isSameSet(to.votersOutgoing, from.voters);
  const leaves = isJoint && to.votersOutgoing.length === 0 && isSameSet(to.voters, from.voters) && isPlanned(from, to);
  // The own-term rule (§4.1 as corrected) keeps two leaders from starting different changes out of one configuration, whose quorums need not meet. A joint
  // one that is committed has one successor (§4.3): whoever leaves it, in whatever term, leaves for the same voters.
  if (!leaves && termAt(after.log, after.commitIndex) !== after.term)
    throw new SpecBroken('ChangeMembers', `${words} before it has committed an entry of its term`);
  if (!staysAsItIs && !enters && !leaves)
    throw new SpecBroken('ChangeMembers', `${words} from ${nameOf(from)} to ${nameOf(to)} in one step`);
}

/** §4.3: who learns after a joint configuration was settled when it was entered. */
function isPlanned({ learners, learnersNext = [] }: Configuration, to: Configuration): boolean {
  return isSameSet(to.learners, [...learners, ...learnersNext]) && (to.learnersNext ?? []).length === 0;
}

/** §3.5: what is held is kept, a conflict and all behind it goes. */
function append(ghosts: SpecGhosts, { before, after }: SpecStep, message: AppendRequest): void {
  const { id, term } = after;
  const words = `${id} takes ${message.prevLogIndex + 1} to ${message.prevLogIndex + message.entries.length}`;
  if (ghosts.leaders.get(term) !== message.from || message.term !== term)
    throw new SpecBroken('HandleAppendEntries', `${words} of ${message.from}, who does not lead term ${term}`);
  if (!hasPrevious(before, message))
    throw new SpecBroken('HandleAppendEntries', `${words} behind ${message.prevLogIndex}, which does not match`);
  const expected = merged(before.log, message);
  const [first, last] = [before.log.compactedIndex + 1, Math.max(lastIndexOf(expected), lastIndexOf(after.log))];
  for (let index = first; index <= last; index++) {
    const [wanted, found] = [entryAt(expected, index), entryAt(after.log, index)];
    if (isSameEntry(wanted, found)) continue;
    throw new SpecBroken('HandleAppendEntries', `${words}, has ${show(found)} at ${index} then, not ${show(wanted)}`);
  }
}

function hasPrevious({ log, commitIndex }: SpecMember, { prevLogIndex, prevLogTerm }: AppendRequest): boolean {
  return prevLogIndex <= commitIndex || termAt(log, prevLogIndex) === prevLogTerm;
}

function merged(log: LogView, message: AppendRequest): LogView {
  const sent = message.entries.map(logEntryOf);
  const fresh = sent.findIndex(({ index, term }) => index > log.compactedIndex && termAt(log, index) !== term);
  if (fresh < 0) return log;
  const kept = log.entries.slice(0, sent[fresh]!.index - log.compactedIndex - 1);
  return { ...log, entries: [...kept, ...sent.slice(fresh)] };
}

/** The log of the leader of its term, up to what this message brought. */
function verify(ghosts: SpecGhosts, { before, after }: SpecStep, message: AppendRequest): void {
  const index = message.prevLogIndex + message.entries.length;
  if (!hasPrevious(before, message) || lastIndexOf(after.log) < index) return;
  const known = ghosts.verified.get(after.id);
  const isNewer = known === undefined || known.term !== after.term || known.index < index;
  if (isNewer) ghosts.verified.set(after.id, { term: after.term, index });
}

/** §5.1: the beginning of the log goes, committed and in a snapshot. */
function compact({ before, after }: SpecStep): void {
  const { compactedIndex, compactedTerm, entries } = after.log;
  if (compactedIndex > before.commitIndex || compactedTerm !== termAt(before.log, compactedIndex))
    throw new SpecBroken('Compact', `${after.id} compacts to ${compactedIndex}, committed are ${before.commitIndex}`);
  const rest = before.log.entries.slice(compactedIndex - before.log.compactedIndex);
  if (rest.length !== entries.length || !rest.every((entry, at) => isSameEntry(entry, entries[at])))
    throw new SpecBroken('Compact', `${after.id} compacts to ${compactedIndex}, and what is behind it changes`);
}

/** §5.2: the log begins anew behind what the snapshot covers. */
function install(ghosts: SpecGhosts, { before, after }: SpecStep): void {
  const { compactedIndex, compactedTerm, entries } = after.log;
  const words = `${after.id} takes a snapshot of ${compactedIndex}/${compactedTerm}`;
  if (compactedIndex <= before.commitIndex)
    throw new SpecBroken('InstallSnapshot', `${words}, and has committed ${before.commitIndex}`);
  if (ghosts.committed[compactedIndex]?.term !== compactedTerm)
    throw new SpecBroken('InstallSnapshot', `${words}, which nobody committed`);
  if (entries.length > 0) throw new SpecBroken('InstallSnapshot', `${words}, and keeps ${show(entries[0])}`);
}

function advanceCommit(ghosts: SpecGhosts, step: SpecStep): void {
  const { before, after, input } = step;
  const message = messageOf(step);
  const words = `${after.id} commits ${after.commitIndex} by ${message?.type ?? input?.type}`;
  if (after.commitIndex < before.commitIndex)
    throw new SpecBroken('AdvanceCommitIndex', `${words}, and had committed ${before.commitIndex}`);
  const isLeading = after.role === 'leader' || (before.role === 'leader' && before.term === after.term);
  if (isLeading) return count(ghosts, step, words);
  const limit = limitOf(ghosts, step);
  if (limit === undefined) throw new SpecBroken('AdvanceCommitIndex', `${words}, as ${after.role}`);
  if (after.commitIndex > limit) throw new SpecBroken('AdvanceCommitIndex', `${words}, told are ${limit}`);
  for (let index = before.commitIndex + 1; index <= after.commitIndex; index++) {
    if (index < after.log.compactedIndex) continue;
    const committed = ghosts.committed[index];
    const [found, wanted] = [termAt(after.log, index), committed?.term];
    const held = entryAt(after.log, index);
    if (wanted !== undefined && found === wanted && (held === undefined || isSameEntry(held, committed))) continue;
    throw new SpecBroken('AdvanceCommitIndex', `${words}, with ${show(held)} at ${index}, not ${show(committed)}`);
  }
}

/** How far a member that does not lead may go by what it was told. */
function limitOf(ghosts: SpecGhosts, step: SpecStep): number | undefined {
  const { after, input } = step;
  const message = messageOf(step);
  if (input?.type === 'snapshotPersisted') return after.log.compactedIndex;
  if (message?.term !== after.term) return undefined;
  switch (message.type) {
    case 'heartbeatRequest':
      return message.commitIndex;
    case 'installSnapshotRequest':
      return message.meta.lastIncludedIndex;
    case 'appendRequest': {
      const verified = ghosts.verified.get(after.id);
      return Math.min(message.leaderCommit, verified?.term === after.term ? verified.index : 0);
    }
    default:
      return undefined;
  }
}

/** §3.6.2, §3.10: entries of its own term, which are on the disks of a quorum. */
function count(ghosts: SpecGhosts, { before, after }: SpecStep, words: string): void {
  const { commitIndex, term, log } = after;
  const found = termAt(log, commitIndex);
  if (found !== term)
    throw new SpecBroken('AdvanceCommitIndex', `${words}, of term ${found}, as the leader of term ${term}`);
  const isEnough = [before.configuration, after.configuration].some((configuration) => {
    const voters = [...configuration.voters, ...configuration.votersOutgoing];
    const holders = voters.filter((id) => {
      const disk = ghosts.disks(id);
      return disk === undefined || holdsEntry(disk.log, commitIndex, term);
    });
    return isQuorum(configuration, new Set(holders));
  });
  if (!isEnough) throw new SpecBroken('AdvanceCommitIndex', `${words}, which is not on the disks of a quorum`);
  for (let index = before.commitIndex + 1; index <= commitIndex; index++)
    commitOne(ghosts, entryAt(log, index)!, words);
}

function commitOne(ghosts: SpecGhosts, entry: LogEntry, words: string): void {
  const known = ghosts.committed[entry.index];
  if (known === undefined) ghosts.committed[entry.index] = entry;
  else if (!isSameEntry(known, entry))
    throw new SpecBroken('AdvanceCommitIndex', `${words}: ${show(entry)}, where ${show(known)} is committed`);
}

function isSameConfiguration(a: Configuration, b: Configuration): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function nameOf({ voters, votersOutgoing }: Configuration): string {
  return votersOutgoing.length === 0 ? voters.join() : `${voters.join()} with ${votersOutgoing.join()}`;
}

function show(entry: LogEntry | undefined): string {
  return entry === undefined ? 'nothing' : `${entry.index}/${entry.term} ${entry.digest}`;
}
