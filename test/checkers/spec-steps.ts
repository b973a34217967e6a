// Which steps the specification of Raft allows as far as terms, votes and roles go: UpdateTerm, Timeout, HandleRequestVote, BecomeLeader, and going back to
// being a follower, which is always allowed within a term. Logs and commit indexes: spec-log-steps.ts. Called by spec-trace.ts for each step.
import type { Message } from '@raftkv/raft';
import { isQuorum } from './quorums.ts';
import { SpecBroken, addTo, ballot, isVoter, lastIndexOf, lastTermOf } from './spec-ghosts.ts';
import type { SpecGhosts, SpecStep } from './spec-ghosts.ts';

/** Throws SpecBroken. Takes note of what happened. */
export function checkRoleStep(ghosts: SpecGhosts, step: SpecStep): void {
  const { before, after, input } = step;
  const message = messageOf(step);
  if (message?.type === 'voteResponse' && message.granted) takeVote(ghosts, step, message);
  if (after.term < before.term)
    throw new SpecBroken('UpdateTerm', `${after.id} goes from term ${before.term} back to ${after.term}`);
  const stands = after.role === 'candidate' && (before.role !== 'candidate' || before.term !== after.term);
  if (stands) timeout(ghosts, step, message);
  else if (after.term > before.term) updateTerm(ghosts, step, message);
  if (!stands) vote(ghosts, step, message);
  if (after.role === before.role && after.term === before.term) return;
  if (after.role === 'leader') becomeLeader(ghosts, step);
  else if (before.role === 'leader' && after.term === before.term && after.role !== 'follower')
    throw new SpecBroken('Timeout', `${after.id} leads term ${after.term} and becomes ${after.role} in it`);
  else if (after.role === 'candidate' && !stands)
    throw new SpecBroken('Timeout', `${after.id} is a candidate again by ${input?.type}`);
}

export function messageOf({ input }: SpecStep): Message | undefined {
  return input?.type === 'receive' ? input.message : undefined;
}

/** §3.4: a new term, one higher, and the own vote in it. */
function timeout(ghosts: SpecGhosts, { before, after, input }: SpecStep, message: Message | undefined): void {
  const { id, term } = after;
  const isCause =
    message === undefined
      ? input?.type === 'tick' || input?.type === 'campaign'
      : message.type === 'timeoutNowRequest' || (message.type === 'preVoteResponse' && message.granted);
  if (!isCause) throw new SpecBroken('Timeout', `${id} stands in term ${term} by ${message?.type ?? input?.type}`);
  const isNext = term === before.term + 1;
  const isAsked = message?.type === 'timeoutNowRequest' && term === Math.max(before.term, message.term) + 1;
  if (!isNext && !isAsked) throw new SpecBroken('Timeout', `${id} stands in term ${term}, after term ${before.term}`);
  if (after.votedFor !== id)
    throw new SpecBroken('Timeout', `${id} stands in term ${term} and votes ${after.votedFor}`);
  // §4.2.2: also who is on its way out, as long as that is not certain.
  if (!isVoter(before.configuration, id) && !isVoter(before.committedConfiguration, id))
    throw new SpecBroken('Timeout', `${id} stands in term ${term} and is no voter`);
  const standing = ghosts.candidacies.get(term) ?? new Map();
  standing.set(id, { lastIndex: lastIndexOf(after.log), lastTerm: lastTermOf(after.log) });
  ghosts.candidacies.set(term, standing);
}

/** §3.3: to a term of which it hears. */
function updateTerm(ghosts: SpecGhosts, { after, input }: SpecStep, message: Message | undefined): void {
  const { id, term } = after;
  const words = `${id} enters term ${term} by ${message?.type ?? input?.type}`;
  if (message?.term !== term) throw new SpecBroken('UpdateTerm', `${words}, which does not speak of it`);
  if (message.type === 'preVoteRequest' || (message.type === 'preVoteResponse' && message.granted))
    throw new SpecBroken('UpdateTerm', `${words}: nobody is in it`);
  if (!ghosts.candidacies.has(term) && !ghosts.termsBehind.has(term))
    throw new SpecBroken('UpdateTerm', `${words}, for which nobody stood`);
}

/** §3.4, §3.6.1: one vote a term, and for a log that is no older than the own. */
function vote(ghosts: SpecGhosts, { before, after }: SpecStep, message: Message | undefined): void {
  const { id, term, votedFor } = after;
  const earlier = term === before.term ? before.votedFor : undefined;
  if (votedFor === earlier) return;
  const words = `${id} votes for ${votedFor} in term ${term}`;
  if (earlier !== undefined) throw new SpecBroken('HandleRequestVote', `${words}, and had voted for ${earlier}`);
  if (message?.type !== 'voteRequest' || message.from !== votedFor || message.term !== term)
    throw new SpecBroken('HandleRequestVote', `${words}, which it was not asked for`);
  const [lastIndex, lastTerm] = [lastIndexOf(before.log), lastTermOf(before.log)];
  if (message.lastTerm < lastTerm || (message.lastTerm === lastTerm && message.lastIndex < lastIndex))
    throw new SpecBroken(
      'HandleRequestVote',
      `${words}, whose log ends with ${message.lastIndex}/${message.lastTerm}, its own with ${lastIndex}/${lastTerm}`,
    );
  if (!ghosts.candidacies.get(term)?.has(message.from))
    throw new SpecBroken('HandleRequestVote', `${words}, who does not stand`);
}

function takeVote(
  ghosts: SpecGhosts,
  { before }: SpecStep,
  { from, to, term }: Extract<Message, { type: 'voteResponse' }>,
): void {
  if (term !== before.term || to !== before.id) return;
  if (!ghosts.given.get(ballot(term, to))?.has(from))
    throw new SpecBroken('HandleRequestVoteResponse', `${to} hears of a vote of ${from} in term ${term}, never given`);
  if (before.role === 'candidate') addTo(ghosts.received, term, to, from);
}

/** §3.4: a quorum has voted for it, itself included, and that is durable. */
function becomeLeader(ghosts: SpecGhosts, { before, after }: SpecStep): void {
  const { id, term } = after;
  const words = `${id} leads term ${term}`;
  if (before.role !== 'candidate' || before.term !== term)
    throw new SpecBroken('BecomeLeader', `${words}, and was ${before.role} in term ${before.term}`);
  const other = ghosts.leaders.get(term);
  if (other !== undefined) throw new SpecBroken('BecomeLeader', `${words}, which ${other} led`);
  const own = ghosts.disks(id);
  const votes = new Set(ghosts.received.get(ballot(term, id)));
  if (own?.term === term && own.votedFor === id) votes.add(id);
  if (!isQuorum(before.configuration, votes))
    throw new SpecBroken('BecomeLeader', `${words} by the votes of ${[...votes].join() || 'nobody'}`);
  ghosts.leaders.set(term, id);
}
