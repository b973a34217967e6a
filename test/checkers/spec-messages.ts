// Which messages the specification of Raft lets a member send in the state in which it is, and what each of them promises: that must be so on its disk before
// the message leaves. Called by spec-trace.ts for each message.
import type { AppendRequest, AppendResponse, Message, VoteRequest } from '@raftkv/raft';
import { SpecBroken, addTo, holdsEntry, isSameEntry, lastIndexOf, logEntryOf, termAt, entryAt } from './spec-ghosts.ts';
import type { SpecGhosts, SpecMember } from './spec-ghosts.ts';

/** Throws SpecBroken. Takes note of votes. */
export function checkMessage(ghosts: SpecGhosts, sender: SpecMember, message: Message): void {
  const { id } = sender;
  const broken = (what: string): never => {
    throw new SpecBroken('Send', `${id} sends ${message.to} ${message.type} of term ${message.term}: ${what}`);
  };
  const isFromLeader = leads(message);
  if (isFromLeader && ghosts.leaders.get(message.term) !== id) broken('it does not lead that term');
  switch (message.type) {
    case 'voteRequest':
      return checkVoteRequest(ghosts, message, broken);
    case 'voteResponse':
      if (message.granted) checkVote(ghosts, sender, message, broken);
      return;
    case 'appendRequest':
      return checkAppend(ghosts, sender, message, broken);
    case 'appendResponse':
      if (message.success) checkAcknowledgement(ghosts, sender, message, broken);
      return;
    case 'heartbeatRequest':
      return checkHeartbeat(ghosts, sender, message, broken);
    case 'installSnapshotRequest':
      if (ghosts.committed[message.meta.lastIncludedIndex]?.term !== message.meta.lastIncludedTerm)
        broken(`nobody committed ${message.meta.lastIncludedIndex}/${message.meta.lastIncludedTerm}`);
      return;
    case 'installSnapshotResponse':
      if (message.done && !isDurable(ghosts, id, message.lastIncludedIndex))
        broken(`${message.lastIncludedIndex} is not on its disk`);
      return;
    default:
  }
}

type Complain = (what: string) => never;

function leads({ type }: Message): boolean {
  return (
    type === 'appendRequest' ||
    type === 'heartbeatRequest' ||
    type === 'installSnapshotRequest' ||
    type === 'timeoutNowRequest'
  );
}

/** T4: its own vote is durable before it asks for others. */
function checkVoteRequest(
  ghosts: SpecGhosts,
  { from, term, lastIndex, lastTerm }: VoteRequest,
  broken: Complain,
): void {
  const candidacy = ghosts.candidacies.get(term)?.get(from);
  if (candidacy === undefined) broken('it does not stand');
  else if (candidacy.lastIndex !== lastIndex || candidacy.lastTerm !== lastTerm)
    broken(`its log ends with ${candidacy.lastIndex}/${candidacy.lastTerm}, not ${lastIndex}/${lastTerm}`);
  const disk = ghosts.disks(from);
  if (disk !== undefined && (disk.term !== term || disk.votedFor !== from)) broken('its own vote is not on its disk');
}

/** T4: a vote that a crash would take back is none. */
function checkVote(ghosts: SpecGhosts, { id }: SpecMember, { term, to }: Message, broken: Complain): void {
  const disk = ghosts.disks(id);
  if (disk !== undefined && (disk.term !== term || disk.votedFor !== to))
    broken(`its disk has a vote for ${disk.votedFor ?? 'nobody'} in term ${disk.term}`);
  addTo(ghosts.given, term, to, id);
}

/** §3.5: a part of the leader's log as it is. */
function checkAppend(ghosts: SpecGhosts, { commitIndex }: SpecMember, message: AppendRequest, broken: Complain): void {
  const { prevLogIndex, prevLogTerm, entries, leaderCommit, term } = message;
  const log = ghosts.leaderLogs.get(term)!;
  if (leaderCommit > commitIndex) broken(`committed are ${commitIndex}, not ${leaderCommit}`);
  if (prevLogIndex >= log.compactedIndex && termAt(log, prevLogIndex) !== prevLogTerm)
    broken(`${prevLogIndex} is of term ${termAt(log, prevLogIndex)}, not ${prevLogTerm}`);
  for (const entry of entries) {
    if (entry.index <= log.compactedIndex) continue;
    if (!isSameEntry(logEntryOf(entry), entryAt(log, entry.index))) broken(`it has no ${entry.index}/${entry.term}`);
  }
}

/** T29: what is acknowledged is on the disk, and is what the leader of that term has. */
function checkAcknowledgement(
  ghosts: SpecGhosts,
  { id, log }: SpecMember,
  { matchIndex, term }: AppendResponse,
  broken: Complain,
): void {
  if (!isDurable(ghosts, id, matchIndex, termAt(log, matchIndex))) broken(`${matchIndex} is not on its disk`);
  const theirs = ghosts.leaderLogs.get(term);
  if (theirs === undefined) return broken('nobody leads that term');
  if (matchIndex > lastIndexOf(theirs)) broken(`its leader has ${lastIndexOf(theirs)}, not ${matchIndex}`);
  const [own, other] = [termAt(log, matchIndex), termAt(theirs, matchIndex)];
  if (own !== undefined && other !== undefined && own !== other)
    broken(`${matchIndex} is of term ${own}, and of ${other} at its leader`);
}

/** T7: never beyond what the receiver is known to hold. */
function checkHeartbeat(
  ghosts: SpecGhosts,
  { log, commitIndex }: SpecMember,
  message: Extract<Message, { type: 'heartbeatRequest' }>,
  broken: Complain,
): void {
  if (message.commitIndex > commitIndex) broken(`committed are ${commitIndex}, not ${message.commitIndex}`);
  if (!isDurable(ghosts, message.to, message.commitIndex, termAt(log, message.commitIndex)))
    broken(`${message.commitIndex} is not on the disk of ${message.to}`);
}

function isDurable(ghosts: SpecGhosts, id: string, index: number, term?: number): boolean {
  const disk = ghosts.disks(id);
  return disk === undefined || index === 0 || holdsEntry(disk.log, index, term);
}
