// What is planned for a learner, as the word in its record that the core carries and as requests and answers say it.
import type { Member } from '@raftkv/raft';
import type { MemberPlan } from '@raftkv/wire';

const promote = 'promote';
const replace = 'replace ';

/** Empty = nothing. */
export function planWord(plan: MemberPlan): string {
  return plan === 'promote' ? promote : plan === 'stay' ? '' : `${replace}${plan.replaces}`;
}

/** A word that is not known here (of a later version) means nothing. */
export function planOf({ plan = '' }: Member): MemberPlan {
  if (plan.startsWith(replace)) return { replaces: plan.slice(replace.length) };
  return plan === promote ? promote : 'stay';
}
