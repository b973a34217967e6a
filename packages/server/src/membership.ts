// The members and the leader as an operator sees them: requests carried out at the leader, one after the other, learners promoted when they have
// caught up, and this member's own removal noticed. What a change is made of is in `member-changes.ts`; making it is the core's business.
import type { Configuration, Member, MemberChange, PeerId, RaftStatus } from '@raftkv/raft';
import { RaftkvError, encodeConfiguration } from '@raftkv/wire';
import type { AdminRequest, AdminResult, ClusterMember, ClusterMembers } from '@raftkv/wire';
import { CatchUp } from './catch-up.ts';
import { checkFailureDomains } from './failure-domains.ts';
import { completeRecords, findMember, planChanges, plannedPromotion } from './member-changes.ts';
import type { PlannedChange } from './member-changes.ts';
import { traitsOf } from './member-kind.ts';
import { planOf } from './member-plan.ts';
import { idsOf } from './roster.ts';
import type { Roster } from './roster.ts';
import { systemClock } from './system-clock.ts';

/** What carries changes out: a Replica. */
export interface MembershipEngine {
  status(): { readonly raft: RaftStatus };
  /** Resolves with the configuration that came out, once it is committed. */
  changeMembers(changes: readonly MemberChange[]): Promise<Configuration>;
  /** Resolves once another leader is known. */
  transferLeadership(to?: PeerId): Promise<void>;
}

export interface MembershipOptions {
  /** A function: asked when it is needed. */
  readonly clusterId: string | (() => string);
  readonly memberId: PeerId;
  readonly roster: Roster;
  readonly engine: MembershipEngine;
  readonly storeIdOf: (id: PeerId) => string | undefined;
  readonly isReachable: (id: PeerId) => boolean;
  readonly clock?: typeof systemClock;
  readonly electionTimeoutMilliseconds: number;
  /** How long a request waits for another change to end. Default 4 s; then `busy`. */
  readonly patienceMilliseconds?: number;
  /** Requests that wait for their turn; one more is refused with `busy`. Default 64. */
  readonly maxWaiting?: number;
  /** For the log. */
  readonly onEvent?: (event: MembershipEvent) => void;
}

export type MembershipEvent =
  | { readonly type: 'promoted'; readonly member: string }
  | { readonly type: 'not promoted'; readonly member: string; readonly reason: string };

const pauseMilliseconds = 50;
/** Between two attempts to promote a learner that the core refused. */
const refusedPauseMilliseconds = 1_000;

/**
 * @example
 * ```ts
 * const membership = new Membership({ clusterId, memberId, roster, engine: replica, storeIdOf, isReachable, electionTimeoutMilliseconds: 300 });
 * membership.start();
 * await membership.handle({ type: 'remove', member: 'node2' });
 * ```
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #clock: typeof systemClock;
  readonly #catchUp: CatchUp;
  readonly #lookMilliseconds: number;
  /** Changes are made one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;
  #isPromoting = false;
  /** When learners that could not be promoted may be tried again. */
  #pausedUntil: ReadonlyMap<PeerId, number> = new Map();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#catchUp = new CatchUp(options.electionTimeoutMilliseconds);
    // Often enough that a round is seen to be shorter than an election timeout.
    this.#lookMilliseconds = Math.min(pauseMilliseconds, options.electionTimeoutMilliseconds / 4);
  }

  /** Looks after learners from now on, while this member leads. */
  start(): void {
    this.#cancelTimer = this.#clock.schedule(() => {
      if (this.#isStopped) return;
      this.#promoteWhoIsReady();
      this.start();
    }, this.#lookMilliseconds);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  /** Rejects as `Members` of the client says; `no_leader` with the leader's address where this member does not lead. */
  async handle(request: AdminRequest): Promise<AdminResult> {
    if (request.type === 'list') return this.#result(undefined);
    this.#expectLeadership();
    const { maxWaiting = 64 } = this.#options;
    if (this.#waiting >= maxWaiting) throw new RaftkvError('busy', `${maxWaiting} changes of members are waiting`);
    return this.#inTurn(async () => {
      this.#expectLeadership();
      return request.type === 'transfer' ? this.#transfer(request.to) : this.#change(request);
    });
  }

  async #change(request: Exclude<AdminRequest, { type: 'list' | 'transfer' }>): Promise<AdminResult> {
    const { roster } = this.#options;
    const plan = (): PlannedChange => planChanges(request, { roster, isActive: (id) => this.#isActive(id) });
    let { steps, isSubject } = plan();
    const before = roster.members.find(isSubject)?.id;
    // A new leader learns who answers while it waits: the first step is what has to be done when it can be done.
    if (steps.length > 0) await this.#make(() => ({ steps, isSubject } = plan()).steps[0]);
    for (const step of steps.slice(1)) await this.#make(() => step);
    if (steps.length === 0) await this.#certainty();
    return this.#result(roster.members.find(isSubject)?.id ?? before);
  }

  async #transfer(to: string | undefined): Promise<AdminResult> {
    const { roster, engine, memberId } = this.#options;
    const target = to === undefined ? undefined : findMember(roster, to);
    if (target?.id !== memberId) await engine.transferLeadership(target?.id);
    return this.#result(engine.status().raft.leaderId);
  }

  /** Waits while another change is under way, or the leader is too new to make one. `plan`: asked at each attempt; undefined if nothing is left to do. */
  async #make(plan: () => readonly MemberChange[] | undefined): Promise<void> {
    const { engine, roster, storeIdOf } = this.#options;
    const deadline = this.#deadline();
    for (;;) {
      const { raft } = engine.status();
      const changes = plan();
      if (changes === undefined) return;
      try {
        checkFailureDomains(changes, raft.configuration, roster.members);
        await engine.changeMembers(completeRecords(changes, raft.configuration, roster, storeIdOf));
        return;
      } catch (error) {
        const failure = RaftkvError.from(error);
        const isPassing = failure.code === 'busy' && failure.definite;
        if (!isPassing || this.#clock.now() >= deadline) throw this.#withLeader(failure);
      }
      await this.#pause();
    }
  }

  /**
   * Nothing is left to do, as the log has it here; but the end of the log may be taken back, and then another member gets the id. Waits until it cannot.
   */
  async #certainty(): Promise<void> {
    const deadline = this.#deadline();
    for (;;) {
      const { configurationIndex, committedConfigurationIndex } = this.#options.engine.status().raft;
      if (configurationIndex === committedConfigurationIndex) return;
      if (this.#clock.now() >= deadline) {
        throw new RaftkvError('busy', 'the change was made before, but is not committed yet', { definite: false });
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => void this.#clock.schedule(resolve, pauseMilliseconds));
    this.#expectLeadership();
  }

  #deadline(): number {
    return this.#clock.now() + (this.#options.patienceMilliseconds ?? 4_000);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#turn.then(act);
    this.#turn = done.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return done;
  }

  #promoteWhoIsReady(): void {
    const { raft } = this.#options.engine.status();
    const now = this.#clock.now();
    if (raft.role !== 'leader') return this.#catchUp.forgetAll();
    // All of them, also while one is promoted: that is what rounds are counted by.
    const ready = raft.configuration.learners
      .map((id) => this.#options.roster.get(id))
      .filter((member) => member !== undefined)
      .filter((member) => this.#isReady(member, raft, now));
    // One that cannot be promoted, perhaps for long, keeps nobody behind it waiting: it may be waiting for that one itself.
    const next = ready.find(({ id }) => now >= (this.#pausedUntil.get(id) ?? 0));
    if (next === undefined || this.#isPromoting || this.#waiting > 0) return;
    this.#isPromoting = true;
    void this.#inTurn(() => this.#promote(next)).finally(() => (this.#isPromoting = false));
  }

  #isReady(member: Member, raft: RaftStatus, now: number): boolean {
    const progress = raft.progress.get(member.id);
    const isCaughtUp = this.#catchUp.look(member.id, { progress, commitIndex: raft.commitIndex, now });
    return isCaughtUp && planOf(member) !== 'stay' && this.#options.storeIdOf(member.id) !== undefined;
  }

  async #promote({ id, name }: Member): Promise<void> {
    const { roster, storeIdOf, onEvent } = this.#options;
    const member = roster.get(id);
    if (member === undefined || !roster.state.active.learners.includes(id)) return;
    try {
      await this.#make(() => plannedPromotion(member, storeIdOf(id), roster));
      onEvent?.({ type: 'promoted', member: name });
    } catch (error) {
      const now = this.#clock.now();
      const others = [...this.#pausedUntil].filter(([, until]) => until > now);
      this.#pausedUntil = new Map([...others, [id, now + refusedPauseMilliseconds]]);
      onEvent?.({ type: 'not promoted', member: name, reason: RaftkvError.from(error).message });
    }
  }

  /** A new leader has heard of nobody yet; who is connected answers too. */
  #isActive(id: PeerId): boolean {
    const { memberId, engine, isReachable } = this.#options;
    return id === memberId || isReachable(id) || engine.status().raft.progress.get(id)?.isRecentlyActive === true;
  }

  #expectLeadership(): void {
    if (this.#isStopped) throw new RaftkvError('closed', 'this member is stopping');
    if (this.#options.engine.status().raft.role === 'leader') return;
    throw this.#withLeader(new RaftkvError('no_leader', 'this member does not lead; only the leader changes members'));
  }

  #withLeader(error: RaftkvError): RaftkvError {
    if (error.code !== 'no_leader') return error;
    const leader = this.#options.roster.get(this.#options.engine.status().raft.leaderId)?.address;
    return new RaftkvError('no_leader', error.message, {
      definite: error.definite,
      cause: error,
      ...(leader === undefined ? {} : { leader }),
    });
  }

  #result(memberId: PeerId | undefined): AdminResult {
    const { raft } = this.#options.engine.status();
    return {
      members: this.#members(raft),
      memberId,
      configuration: encodeConfiguration(raft.committedConfiguration),
    };
  }

  #members(raft: RaftStatus): ClusterMembers {
    const { clusterId, roster } = this.#options;
    const { configuration, configurationIndex, committedConfigurationIndex } = raft;
    return {
      clusterId: typeof clusterId === 'string' ? clusterId : clusterId(),
      index: committedConfigurationIndex,
      isChanging: configuration.votersOutgoing.length > 0 || configurationIndex !== committedConfigurationIndex,
      leaderId: raft.leaderId,
      members: idsOf(configuration)
        .map((id) => roster.get(id))
        .filter((member) => member !== undefined)
        .map((member) => this.#describe(member, raft)),
    };
  }

  #describe(member: Member, { configuration, progress, lastIndex }: RaftStatus): ClusterMember {
    const { id, name, address } = member;
    const { memberId, isReachable } = this.#options;
    const isLearner = configuration.learners.includes(id);
    return {
      id,
      name,
      address,
      role: isLearner ? 'learner' : configuration.voters.includes(id) ? 'voter' : 'leaving',
      plan: isLearner ? planOf(member) : 'stay',
      isReachable: id === memberId || isReachable(id),
      matchIndex: id === memberId ? lastIndex : progress.get(id)?.matchIndex,
      ...traitsOf(member),
    };
  }
}
