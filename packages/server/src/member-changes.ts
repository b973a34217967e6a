// From a request about members to the changes that the core is to make, in order, or a refusal that says what is wrong with it. Pure: when they
// are made, and what the core has to say against them, is for `membership.ts`.
import type { Configuration, Member, MemberChange, NewMember, PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest, MemberPlan } from '@raftkv/wire';
import { checkFailureDomains } from './failure-domains.ts';
import { isId } from './identity.ts';
import { isTabAddress, memberKind, traitsOf } from './member-kind.ts';
import type { MemberKind } from './member-kind.ts';
import { planOf, planWord } from './member-plan.ts';
import type { Roster } from './roster.ts';

export interface Circumstances {
  readonly roster: Roster;
  /** Who answers at the moment, the leader included. */
  readonly isActive: (id: PeerId) => boolean;
}

export interface PlannedChange {
  /** Each a change of its own, one after the other. Empty: it is so already. */
  readonly steps: readonly (readonly MemberChange[])[];
  /** The member that it is about, found again by this in what comes out. */
  readonly isSubject: (member: Member) => boolean;
}

type AdditionRequest = Extract<AdminRequest, { readonly type: 'add' }>;
type ChangeRequest = Exclude<AdminRequest, { readonly type: 'list' | 'transfer' }>;

/** Throws `not_found` or `invalid_argument`. */
export function planChanges(request: ChangeRequest, circumstances: Circumstances): PlannedChange {
  const { roster } = circumstances;
  switch (request.type) {
    case 'add':
      return planAddition(request, circumstances);
    case 'remove': {
      // Said again after an answer that was lost.
      if (roster.wasRemoved(request.member)) return { steps: [], isSubject: () => false };
      const { id } = findMember(roster, request.member);
      return about(id, { type: 'remove', id });
    }
    case 'promote': {
      const { id, name, storeId } = findMember(roster, request.member);
      if (!isLearner(roster, id)) throw invalid(`${name} votes already`);
      return about(id, promotion(id, storeId));
    }
    case 'replace': {
      const old = findMember(roster, request.member);
      const { id, name } = findMember(roster, request.by);
      if (id === old.id) throw invalid(`${name} cannot take its own place`);
      if (!isLearner(roster, id))
        throw invalid(`${name} votes already: remove ${old.name} when it is no longer wanted`);
      const swap = [promotion(id, undefined), { type: 'remove', id: old.id } as const];
      checkFailureDomains(swap, roster.state.active, roster.members);
      return about(id, { type: 'update', id, plan: planWord({ replaces: old.id }) });
    }
    case 'update': {
      const { id } = findMember(roster, request.member);
      const { name, address } = request;
      if (name === undefined && address === undefined) throw invalid('neither a name nor an address is given');
      const others = roster.members.filter((member) => member.id !== id);
      if (name !== undefined) {
        checkName(name);
        if (others.some((member) => member.name === name)) throw invalid(`${name} is the name of another member`);
      }
      if (address !== undefined) checkAddress(address, others, memberKind(findMember(roster, id)));
      return about(id, {
        type: 'update',
        id,
        ...(name === undefined ? {} : { name }),
        ...(address === undefined ? {} : { address }),
      });
    }
  }
}

/** A promotion as planned: a learner that takes another's place does so in the same step. */
export function plannedPromotion(member: Member, storeId: string | undefined, roster: Roster): MemberChange[] {
  const plan = planOf(member);
  const changes: MemberChange[] = [promotion(member.id, storeId)];
  if (typeof plan !== 'string' && roster.get(plan.replaces) !== undefined) {
    changes.push({ type: 'remove', id: plan.replaces });
  }
  return changes;
}

/**
 * The founders have no records until members change for the first time. Then each gets one, with the store id that it was founded with, so that
 * whoever joins can tell one that lost its storage (T25).
 */
export function completeRecords(
  changes: readonly MemberChange[],
  { members = [] }: Configuration,
  roster: Roster,
  storeIdOf: (id: PeerId) => string | undefined,
): MemberChange[] {
  const touched = new Map(changes.map((change) => [change.type === 'add' ? undefined : change.id, change]));
  const missing: MemberChange[] = [];
  for (const { id, name, address, ...rest } of roster.members) {
    const storeId = storeIdOf(id);
    const record = members.find((member) => member.id === id);
    if (record !== undefined && (record.storeId ?? storeId) === record.storeId) continue;
    const known = storeId === undefined ? {} : { storeId };
    const completion = { type: 'update', id, name, address, ...known, ...traitsOf(rest) } as const;
    const change = touched.get(id);
    if (change === undefined) missing.push(completion);
    // A record that is not there yet takes a name and an address, whichever of the two is to be another one.
    else if (change.type === 'update') touched.set(id, { ...completion, ...change });
  }
  return [...missing, ...changes.map((change) => (change.type === 'add' ? change : touched.get(change.id)!))];
}

function planAddition(request: AdditionRequest, circumstances: Circumstances): PlannedChange {
  const { roster, isActive } = circumstances;
  const { name, address, storeId } = request;
  checkName(name);
  const isSubject = (member: Member): boolean =>
    storeId === undefined ? member.name === name : member.storeId === storeId;
  // The same request again, after an answer that was lost.
  if (storeId !== undefined && roster.members.some(isSubject)) return { steps: [], isSubject };
  const plan = resolvePlan(request, roster);
  const owner = roster.members.find((member) => member.name === name);
  const replaced = plan !== undefined && typeof plan !== 'string' ? roster.get(plan.replaces) : undefined;
  const isInPlace = replaced !== undefined && replaced === owner;
  if (owner !== undefined && (isActive(owner.id) || (!isLearner(roster, owner.id) && !isInPlace))) {
    const what = `${name} is the name of a member that ${isActive(owner.id) ? 'answers' : 'does not answer'}`;
    const advice = isActive(owner.id) ? 'choose another' : 'remove it first, or choose another';
    throw invalid(`${what} (${owner.id} at ${owner.address}): ${advice}`);
  }
  const places = placesFor(request, circumstances);
  checkAddress(
    address,
    roster.members.filter((member) => !places.includes(member) && !(isInPlace && member === owner)),
    memberKind(request),
  );
  const kept = owner ?? places[0];
  const planned = isInPlace ? 'promote' : (plan ?? (kept === undefined ? 'promote' : planOf(kept)));
  const member = { name, address, storeId, plan: planWord(planned), ...traitsOf(request) };
  const addition: MemberChange = { type: 'add', as: 'learner', member };
  const removals = places.map(({ id }): MemberChange => ({ type: 'remove', id }));
  if (planned !== 'stay') checkAsVoter(member, replaced, roster);
  if (!isInPlace || places.includes(owner!)) return { steps: [[...removals, addition]], isSubject };
  return { steps: [[...removals, { type: 'remove', id: owner!.id }], [addition]], isSubject };
}

/** What may never vote is told so before it is let in, not when it has caught up. */
function checkAsVoter(member: NewMember, replaced: Member | undefined, { state, members }: Roster): void {
  const changes: MemberChange[] = [{ type: 'add', as: 'voter', member }];
  if (replaced !== undefined) changes.push({ type: 'remove', id: replaced.id });
  checkFailureDomains(changes, state.active, members);
}

/**
 * Learners that do not answer and give way: one of that name, whose joining was cut short, and a place that was kept at that address. Their ids are
 * never used again (T24).
 */
function placesFor({ name, address }: AdditionRequest, { roster, isActive }: Circumstances): Member[] {
  return roster.members.filter((member) => {
    const isWanted = member.name === name || (member.address === address && member.storeId === undefined);
    return isWanted && isLearner(roster, member.id) && !isActive(member.id);
  });
}

function resolvePlan({ name, plan }: AdditionRequest, roster: Roster): MemberPlan | undefined {
  if (plan === undefined || typeof plan === 'string') return plan;
  // In its own place, which is free: it was removed, and the answer, or the addition that was to follow, was lost.
  if (plan.replaces === name && roster.find(name) === undefined) return 'promote';
  return { replaces: findMember(roster, plan.replaces).id };
}

function about(id: PeerId, change: MemberChange): PlannedChange {
  return { steps: [[change]], isSubject: (member) => member.id === id };
}

function promotion(id: PeerId, storeId: string | undefined): MemberChange {
  return { type: 'promote', id, ...(storeId === undefined ? {} : { storeId }) };
}

export function findMember(roster: Roster, word: string): Member {
  const member = roster.find(word);
  if (member !== undefined) return member;
  const names = roster.members.map(({ name }) => name).join(', ');
  throw new RaftkvError('not_found', `there is no member ${JSON.stringify(word)}; there are ${names}`);
}

function isLearner({ state: { active } }: Roster, id: PeerId): boolean {
  return active.learners.includes(id);
}

function checkName(name: string): void {
  // What looks like an id is taken for one: a command could mean another member than the one that it is given for.
  if (isId(name)) throw invalid(`${name} is no name: it looks like the id of a member`);
  if (/^[A-Za-z0-9_.-]{1,128}$/.test(name)) return;
  throw invalid(`${JSON.stringify(name)} is no name: 1 to 128 letters, digits, ".", "_" or "-"`);
}

/** `others`: who may not have it too. The core refuses that as well, but knows members by their ids alone. */
function checkAddress(address: string, others: readonly Member[], kind: MemberKind): void {
  if (kind === 'tab') {
    if (!isTabAddress(address)) throw invalid(`${JSON.stringify(address)} is no tab:WORD`);
  } else {
    const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s/]+):(\d{1,5})$/.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65_535 && address.length <= 320)) {
      throw invalid(`${JSON.stringify(address)} is no HOST:PORT`);
    }
  }
  const owner = others.find((member) => member.address === address);
  if (owner === undefined) return;
  throw invalid(`${address} is the address of ${owner.name} (${owner.id}): remove that first, or choose another`);
}

function invalid(message: string): RaftkvError {
  return new RaftkvError('invalid_argument', message);
}
