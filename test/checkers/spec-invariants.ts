// The invariants of the published Raft specification, over all members at one moment, each by its meaning and by brute force: for
// trace validation of sampled steps. What they say is in the README, and where they are weaker than the published text, which
// is false of some states that Raft does reach, and why. Watching the same promises cheaply at every event is cluster-checker.ts.
import type { PeerId } from '@raftkv/raft';
import type { GlobalState, LogView, MemberState } from './cluster-events.ts';
import { isQuorum, quorumsOf } from './quorums.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** Each answers what is wrong, or nothing. */
export const specInvariants = {
  logInv,
  moreThanOneLeader,
  electionSafety,
  logMatching,
  quorumLog,
  moreUpToDateCorrect,
  electableHasCommitted,
  leaderCompleteness,
  committedIsDurable,
} as const;

/** All of them. */
export function checkSpecification(state: GlobalState): Verdict {
  for (const [name, invariant] of Object.entries(specInvariants)) {
    const wrong = invariant(state);
    if (wrong !== undefined) return violation(name, wrong);
  }
  return holds('specification');
}

/** Of two committed logs one begins with the other. */
function logInv({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (i, j) => {
    const shorter = Math.min(i.commitIndex, j.commitIndex);
    const at = firstDifference(i.log, j.log, shorter);
    return at === undefined
      ? undefined
      : `${i.id} and ${j.id} both committed ${shorter}, and differ at ${at}: ${show(i.log, at)} and ${show(j.log, at)}`;
  });
}

/** No term has two leaders at once. */
function moreThanOneLeader({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (i, j) =>
    i.id !== j.id && i.role === 'leader' && j.role === 'leader' && i.term === j.term
      ? `${i.id} and ${j.id} lead term ${i.term}`
      : undefined,
  );
}

/** Nobody has an entry of a leader's term that is beyond those of the leader. */
function electionSafety({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (i, j) => {
    if (i.role !== 'leader') return undefined;
    const [own, other] = [lastIndexOfTerm(i.log, i.term), lastIndexOfTerm(j.log, i.term)];
    return own >= other ? undefined : `${i.id} leads term ${i.term} up to ${own}, and ${j.id} holds ${other}/${i.term}`;
  });
}

/** Where two logs hold the same (index, term), they are the same up to there; on the disks too. */
function logMatching({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (i, j) => mismatch(i, i.log, j, j.log) ?? mismatch(i, i.durable.log, j, j.durable.log));
}

function mismatch(i: MemberState, one: LogView, j: MemberState, two: LogView): string | undefined {
  for (let index = Math.min(lastIndexOf(one), lastIndexOf(two)); index > 0; index--) {
    if (termAt(one, index) === undefined || termAt(one, index) !== termAt(two, index)) continue;
    const at = firstDifference(one, two, index);
    if (at === undefined) return undefined;
    return `${i.id} and ${j.id} hold ${index}/${termAt(one, index)}, and differ at ${at}: ${show(one, at)} and ${show(two, at)}`;
  }
  return undefined;
}

/** In every quorum somebody holds all that i knows to be committed. */
function quorumLog({ members }: GlobalState): string | undefined {
  const present = idsOf(members);
  for (const i of members) {
    const holders = idsOf(members.filter((j) => holdsCommitted(j.log, i)));
    for (const quorum of quorumsOf(i.configuration, present)) {
      if (![...quorum].some((id) => holders.has(id)))
        return `${i.id} committed ${i.commitIndex}, and in the quorum ${[...quorum].join()} nobody holds it (only ${[...holders].join()})`;
    }
  }
  return undefined;
}

/**
 * Whose log is at least as up to date as that of j holds what j knows to be committed. The published text says it of any two
 * logs; but a lagging j can learn that an entry of an old term is committed before it has the newer entry that committed it, and
 * then a log that was left behind by a term in between looks newer. j's own term is no older than the one that committed.
 */
function moreUpToDateCorrect({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (i, j) => {
    const [ti, tj] = [lastTermOf(i.log), lastTermOf(j.log)];
    const isNewer = ti > j.term || (ti === tj && lastIndexOf(i.log) >= lastIndexOf(j.log));
    if (!isNewer || holdsCommitted(i.log, j)) return undefined;
    return `the log of ${i.id} (${lastIndexOf(i.log)}/${ti}) is as up to date as that of ${j.id} (${lastIndexOf(j.log)}/${tj}, term ${j.term}), and lacks of its ${j.commitIndex} committed`;
  });
}

/** What that check is for: who could be elected now, by votes that stand on what disks hold, has all that anybody knows to be committed. */
function electableHasCommitted({ members }: GlobalState): string | undefined {
  for (const i of members) {
    const isVoter = i.configuration.voters.includes(i.id) || i.configuration.votersOutgoing.includes(i.id);
    const votes = idsOf(members.filter((j) => j.id === i.id || isUpToDate(i.log, j.durable.log)));
    if (!isVoter || !isQuorum(i.configuration, votes)) continue;
    const lacking = members.find((k) => !holdsCommitted(i.log, k));
    if (lacking !== undefined)
      return `${i.id} could be elected by ${[...votes].join()} without the ${lacking.commitIndex} that ${lacking.id} knows to be committed`;
  }
  return undefined;
}

/** A leader holds all that a member of its term or an older one knows to be committed. */
function leaderCompleteness({ members }: GlobalState): string | undefined {
  return firstOfPairs(members, (leader, i) =>
    leader.role === 'leader' && i.term <= leader.term && !holdsCommitted(leader.log, i)
      ? `${leader.id} leads term ${leader.term} without the ${i.commitIndex} that ${i.id} knows to be committed in term ${i.term}`
      : undefined,
  );
}

/**
 * What is committed is on the disks of a quorum of a configuration that could have committed it: the one of that moment, or, if that is
 * joint, its new half, by which a leader counts as soon as it has appended the leaving entry. A disk that is lost held it while it was there.
 */
function committedIsDurable({ members }: GlobalState): string | undefined {
  const present = idsOf(members);
  for (const i of members) {
    if (i.commitIndex === 0) continue;
    const holders = members.filter((j) => holdsCommitted(j.durable.log, i)).map(({ id }) => id);
    const { committedConfiguration: whole } = i;
    const isDurable = [whole, { ...whole, votersOutgoing: [] }].some((configuration) => {
      const lost = [...configuration.voters, ...configuration.votersOutgoing].filter((id) => !present.has(id));
      return isQuorum(configuration, new Set([...holders, ...lost]));
    });
    if (!isDurable) return `${i.id} committed ${i.commitIndex}, which is on the disks of ${holders.join() || 'nobody'}`;
  }
  return undefined;
}

function idsOf(members: readonly MemberState[]): Set<PeerId> {
  return new Set(members.map(({ id }) => id));
}

function firstOfPairs(
  members: readonly MemberState[],
  find: (i: MemberState, j: MemberState) => string | undefined,
): string | undefined {
  for (const i of members) {
    for (const j of members) {
      const found = find(i, j);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function lastIndexOf(log: LogView): number {
  return log.compactedIndex + log.entries.length;
}

function lastTermOf(log: LogView): number {
  return log.entries.at(-1)?.term ?? log.compactedTerm;
}

/** Undefined where it is compacted away or not there. */
function termAt(log: LogView, index: number): number | undefined {
  if (index === log.compactedIndex) return log.compactedTerm;
  return log.entries[index - log.compactedIndex - 1]?.term;
}

function lastIndexOfTerm(log: LogView, term: number): number {
  const found = log.entries.findLast((entry) => entry.term === term)?.index;
  return found ?? (log.compactedTerm === term ? log.compactedIndex : 0);
}

function isUpToDate(log: LogView, other: LogView): boolean {
  const [term, otherTerm] = [lastTermOf(log), lastTermOf(other)];
  return term > otherTerm || (term === otherTerm && lastIndexOf(log) >= lastIndexOf(other));
}

/** The lowest index up to `last` at which both tell what stands there, and not the same. What is compacted tells nothing. */
function firstDifference(one: LogView, two: LogView, last: number): number | undefined {
  for (let index = Math.max(one.compactedIndex, two.compactedIndex, 1); index <= last; index++) {
    if (termAt(one, index) !== termAt(two, index)) return index;
    const [a, b] = [one.entries[index - one.compactedIndex - 1], two.entries[index - two.compactedIndex - 1]];
    if (a !== undefined && b !== undefined && a.digest !== b.digest) return index;
  }
  return undefined;
}

function holdsCommitted(log: LogView, of: MemberState): boolean {
  return lastIndexOf(log) >= of.commitIndex && firstDifference(log, of.log, of.commitIndex) === undefined;
}

function show(log: LogView, index: number): string {
  const entry = log.entries[index - log.compactedIndex - 1];
  if (entry !== undefined) return `${index}/${entry.term} ${entry.digest}`;
  return index === log.compactedIndex ? `a snapshot of ${index}/${log.compactedTerm}` : 'nothing';
}
