// Who votes in a room: from the present members and the tabs that are there to the next single change, or none. Pure: no clock, no dice, no I/O; times are
// told as how long something has lasted. Asked by the leader (`room-member.ts`), again and again; what it answers is carried out one at a time.

/** What a tab says of itself, as the leader sees it. */
export interface RoomTab {
  /** By which it is found; its address in the configuration is made of it. */
  readonly word: string;
  /** Drawn by its browser profile. */
  readonly domain: string;
  readonly isVisible: boolean;
  /** For how long it has been as `isVisible` says. */
  readonly forMilliseconds: number;
  /** For how long it has been there. */
  readonly upMilliseconds: number;
  readonly isMobile: boolean;
  /** It keeps nothing: a new member at each start. */
  readonly isEphemeral: boolean;
  /** It says that it goes, in order. */
  readonly isLeaving: boolean;
}

export interface RoomMemberView {
  readonly id: string;
  readonly word: string;
  readonly domain: string | undefined;
  /** Undefined: it is not there. */
  readonly tab: RoomTab | undefined;
  /** For how long it has not been there; 0 while it is. */
  readonly goneMilliseconds: number;
  /** It said its last word: it agrees to nothing any more. Default false. */
  readonly isOut?: boolean;
  /** A learner: for how long it has come no nearer to a vote. Default 0. */
  readonly idleMilliseconds?: number;
}

export interface RoomView {
  /** The leader, who asks. */
  readonly selfId: string;
  readonly voters: readonly RoomMemberView[];
  readonly learners: readonly RoomMemberView[];
  /** Those that are there and no members. */
  readonly others: readonly RoomTab[];
}

/** `replaces`: in one step, as soon as it has caught up. */
export type RoomChange =
  | { readonly type: 'admit'; readonly word: string; readonly replaces: string | undefined }
  | { readonly type: 'remove'; readonly id: string };

export interface RoomPolicyOptions {
  /** 3 or 5; 1: only the founder votes, and what happens to it happens to the room. Default 5. */
  readonly maxVoters?: 1 | 3 | 5;
  /** How long a tab must have been there, and been visible, before it is asked to vote. Default 3 s. */
  readonly stableMilliseconds?: number;
  /** The same, before it takes the place of another. Default 10 s. */
  readonly steadyMilliseconds?: number;
  /** How long a voter may be hidden before a visible tab takes its place. Default 60 s. */
  readonly hiddenMilliseconds?: number;
  /** How long a voter, or a learner, may be away before it gives way. Default 10 s. */
  readonly goneMilliseconds?: number;
  /** How long a learner may take in nothing, though it is there, before it gives way. Default 30 s. */
  readonly idleMilliseconds?: number;
}

const defaults = {
  maxVoters: 5,
  stableMilliseconds: 3_000,
  steadyMilliseconds: 10_000,
  hiddenMilliseconds: 60_000,
  goneMilliseconds: 10_000,
  idleMilliseconds: 30_000,
} as const satisfies RoomPolicyOptions;

/**
 * How many should vote where so many tabs could: 5, 3 or 1, so that one more of them may fail than of an even number less one; and two where there are two,
 * since either can then leave in order and hand all to the other.
 */
export function votersWanted(tabs: number, maxVoters: number = defaults.maxVoters): number {
  const most = Math.min(tabs, maxVoters);
  return most <= 2 ? most : most % 2 === 1 ? most : most - 1;
}

/** The next change, or undefined: it is well as it is, or something is still under way. Never one after which those who are there would be no quorum. */
export function nextRoomChange(view: RoomView, options: RoomPolicyOptions = {}): RoomChange | undefined {
  const limits = { ...defaults, ...options };
  return (
    removeLeaving(view) ??
    settleLearners(view, limits) ??
    (view.learners.length > 0 ? undefined : (handOn(view) ?? replaceOrGrow(view, limits)))
  );
}

type Limits = Required<RoomPolicyOptions>;

/**
 * Whoever goes in order is let go first: there is little time, and it may be needed to agree. Those that said their last word before those that wait for it; the
 * leader goes last: it hands over before.
 */
function removeLeaving(view: RoomView): RoomChange | undefined {
  const leaving = view.voters.filter(isGoing);
  const first =
    leaving.find(({ isOut }) => isOut === true) ?? leaving.find(({ id }) => id !== view.selfId) ?? leaving[0];
  return first !== undefined && canLetGo(view, first) ? { type: 'remove', id: first.id } : undefined;
}

/** Every voter goes, and who stays could agree on nothing: the best of those takes over, however short a time it has been there. */
function handOn(view: RoomView): RoomChange | undefined {
  const { voters } = view;
  if (voters.some(isLiving) || !isMajority(voters.filter(isThere).length, voters.length)) return undefined;
  const heir = best(candidates(view, 0), []);
  return heir && { type: 'admit', word: heir.word, replaces: undefined };
}

/** Learners are on their way to vote. One that goes, or does not come, is taken out; else they are waited for, one change at a time. */
function settleLearners({ learners }: RoomView, limits: Limits): RoomChange | undefined {
  const lost = learners.find(
    (learner) =>
      isGoing(learner) ||
      learner.goneMilliseconds >= limits.goneMilliseconds ||
      (learner.idleMilliseconds ?? 0) >= limits.idleMilliseconds,
  );
  return lost === undefined ? undefined : { type: 'remove', id: lost.id };
}

function replaceOrGrow(view: RoomView, limits: Limits): RoomChange | undefined {
  const { voters } = view;
  const living = voters.filter(isLiving);
  // Nothing can be agreed on: whatever is asked for would only wait.
  if (!isMajority(living.length, voters.length)) return undefined;
  const fresh = candidates(view, limits.stableMilliseconds);
  const steady = candidates(view, limits.steadyMilliseconds).filter(({ isVisible }) => isVisible);
  const gone = voters.find((voter) => !isLiving(voter) && voter.goneMilliseconds >= limits.goneMilliseconds);
  const wanted = votersWanted(living.length + fresh.length, limits.maxVoters);
  if (gone !== undefined) {
    const heir = best(fresh, living);
    if (heir !== undefined && living.length < wanted) return { type: 'admit', word: heir.word, replaces: gone.id };
    return canLose(view, gone) ? { type: 'remove', id: gone.id } : undefined;
  }
  if (voters.length < wanted) {
    const one = best(fresh, living);
    return one === undefined ? undefined : { type: 'admit', word: one.word, replaces: undefined };
  }
  if (voters.length > wanted && living.length === voters.length) {
    const least = worst(voters, view.selfId);
    return least !== undefined && canLose(view, least) ? { type: 'remove', id: least.id } : undefined;
  }
  return replaceHidden(view, steady, limits) ?? spread(view, steady);
}

/** Hidden for long: a tab that is seen takes its place. */
function replaceHidden(
  view: RoomView,
  steady: readonly RoomTab[],
  { hiddenMilliseconds }: Limits,
): RoomChange | undefined {
  const hidden = view.voters.find(
    ({ tab }) => tab !== undefined && !tab.isVisible && tab.forMilliseconds >= hiddenMilliseconds,
  );
  if (hidden === undefined) return undefined;
  const heir = best(
    steady,
    view.voters.filter(({ id }) => id !== hidden.id),
  );
  return heir === undefined ? undefined : { type: 'admit', word: heir.word, replaces: hidden.id };
}

/** Two voters that fail together, while a tab of another profile could have one of the places. Each such change leaves one shared place less. */
function spread(view: RoomView, steady: readonly RoomTab[]): RoomChange | undefined {
  const domains = new Set(view.voters.map(domainOf));
  const strangers = steady.filter(({ domain }) => !domains.has(domain));
  const doubled = view.voters.filter(
    (voter) => view.voters.filter((other) => domainOf(other) === domainOf(voter)).length > 1,
  );
  const least = worst(doubled, view.selfId);
  const heir = best(strangers, view.voters);
  if (least === undefined || heir === undefined) return undefined;
  return { type: 'admit', word: heir.word, replaces: least.id };
}

function candidates({ others }: RoomView, milliseconds: number): RoomTab[] {
  return others.filter(
    ({ isLeaving, isVisible, upMilliseconds, forMilliseconds }) =>
      !isLeaving && upMilliseconds >= milliseconds && (!isVisible || forMilliseconds >= milliseconds),
  );
}

/** The best of them beside these voters. */
function best(tabs: readonly RoomTab[], voters: readonly RoomMemberView[]): RoomTab | undefined {
  const domains = new Set(voters.map(domainOf));
  return tabs.toSorted((a, b) => compare(a, b, domains))[0];
}

/** The one that is missed least; the leader only if there is no other. */
function worst(voters: readonly RoomMemberView[], selfId: string): RoomMemberView | undefined {
  const others = voters.filter(({ id }) => id !== selfId);
  const domainCounts = (voter: RoomMemberView): number =>
    voters.filter((other) => domainOf(other) === domainOf(voter)).length;
  return (others.length > 0 ? others : [...voters]).toSorted(
    (a, b) =>
      domainCounts(b) - domainCounts(a) || (a.tab === undefined || b.tab === undefined ? 0 : compare(b.tab, a.tab)),
  )[0];
}

/** The better one first: seen, of a profile of its own, lasting, on a desk, there for longer. */
function compare(a: RoomTab, b: RoomTab, domains: ReadonlySet<string> = new Set()): number {
  return (
    Number(b.isVisible) - Number(a.isVisible) ||
    Number(domains.has(a.domain)) - Number(domains.has(b.domain)) ||
    Number(a.isEphemeral) - Number(b.isEphemeral) ||
    Number(a.isMobile) - Number(b.isMobile) ||
    b.upMilliseconds - a.upMilliseconds ||
    (a.word < b.word ? -1 : 1)
  );
}

/** Whether those who stay and are there are a quorum of what would be left. */
function canLose({ voters }: RoomView, lost: RoomMemberView): boolean {
  const left = voters.filter(({ id }) => id !== lost.id);
  return left.length > 0 && isMajority(left.filter(isLiving).length, left.length);
}

/** The same with those who are about to go, for as long as they wait to be let go. */
function canLetGo({ voters }: RoomView, lost: RoomMemberView): boolean {
  const left = voters.filter(({ id }) => id !== lost.id);
  return left.length > 0 && isMajority(left.filter(isThere).length, left.length);
}

function isMajority(count: number, of: number): boolean {
  return count >= Math.floor(of / 2) + 1;
}

/** It stays. */
function isLiving(voter: RoomMemberView): boolean {
  return isThere(voter) && !isGoing(voter);
}

/** It can agree to something. */
function isThere({ tab, isOut }: RoomMemberView): boolean {
  return tab !== undefined && isOut !== true;
}

function isGoing({ tab, isOut }: RoomMemberView): boolean {
  return isOut === true || tab?.isLeaving === true;
}

function domainOf({ id, domain }: RoomMemberView): string {
  return domain ?? `member ${id}`;
}
