// The member of a room in this tab, while there is one: the engine over its home, the voices that others gave away, and, while it leads, the policy of who
// votes. It knows tabs as the room tells of them, and no network but the channels that it is given.
import { KvStateMachine, StandIn, openMember, serveClient, tabAddress, tabWord } from '@raftkv/server';
import type { ClientSession, GivenVoice, Member } from '@raftkv/server';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { AdminResult } from '@raftkv/wire';
import { holdNow } from './room-held.ts';
import type { Held } from './room-held.ts';
import { nameOf } from './room-home.ts';
import type { RoomHome } from './room-home.ts';
import type { RoomInside } from './room-inside.ts';
import type { LogEnd, ReportedMember } from './room-message.ts';
import { RoomOverview } from './room-overview.ts';
import type { TabInSight } from './room-overview.ts';
import type { RoomNetwork, RoomPlatform, RoomVigil } from './room-platform.ts';
import { nextRoomChange } from './room-policy.ts';
import type { RoomPolicyOptions, RoomView } from './room-policy.ts';

export interface RoomMemberOptions {
  readonly home: RoomHome;
  readonly platform: Pick<RoomPlatform, 'clock' | 'openVigil' | 'version' | 'seed'>;
  readonly network: Pick<RoomNetwork, 'dial' | 'dialDirect' | 'networkChanged'>;
  readonly policy: RoomPolicyOptions;
  readonly electionTimeoutMilliseconds: number;
  readonly priority: number;
  /** The tabs that are there, this one among them, with what each says. */
  readonly tabs: () => readonly TabInSight[];
  /** The leader let this tab in, which is to be told. */
  readonly onAdmitted: (word: string, result: AdminResult) => void;
  /** The member in that tab was removed, and does not know it. */
  readonly onRemoved: (word: string, removed: { readonly clusterId: string; readonly memberId: string }) => void;
  readonly inside: Pick<RoomInside, 'replica' | 'onMember' | 'onEvent'>;
  readonly onChange: () => void;
  readonly onHalt: (error: RaftkvError) => void;
  /** The page did not run for a while: this member may not go on, but be revived. */
  readonly onGap: () => void;
}

interface RoomMemberParts {
  readonly options: RoomMemberOptions;
  readonly engine: Member;
  readonly stateMachine: KvStateMachine;
  readonly standIn: StandIn;
  readonly vigil: RoomVigil | undefined;
}

const heartbeatTicks = 5;
const electionTimeoutTicks = 25;
/** Election timeouts that a page may stand still before its member begins anew. */
const patience = 2;
/** Election timeouts without a leader after which a hidden tab campaigns, too; and how much it would lead then: less than any that is seen. */
const silentTimeouts = 5;
const lastResortPriority = 1;
/** Between two looks at who should vote; and after a change that was refused. */
const lookMilliseconds = 250;
const refusedMilliseconds = 1_000;
/** Between two times that one that was let in, or removed, is told so: the word may have been lost. */
const tellAgainMilliseconds = 2_000;

export class RoomMember {
  readonly home: RoomHome;
  readonly engine: Member;
  readonly #options: RoomMemberOptions;
  readonly #stateMachine: KvStateMachine;
  readonly #standIn: StandIn;
  readonly #vigil: RoomVigil | undefined;
  readonly #voices = new Map<string, GivenVoice>();
  readonly #overview = new RoomOverview();
  readonly #admittedAt = new Map<string, number>();
  readonly #removalToldAt = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  readonly #sessions = new Set<ClientSession>();
  #isChanging = false;
  #notBefore = 0;
  #priority: number;
  #askedPriority: number;
  /** When somebody led, as far as was heard here. */
  #ledAt: number;
  #isClosed = false;

  private constructor({ options, engine, stateMachine, standIn, vigil }: RoomMemberParts) {
    this.#vigil = vigil;
    this.#options = options;
    this.#priority = this.#askedPriority = options.priority;
    this.#ledAt = options.platform.clock.now();
    this.home = options.home;
    this.engine = engine;
    this.#stateMachine = stateMachine;
    this.#standIn = standIn;
  }

  /** Rejects with `storage_*`; the storage is closed then. */
  static async open(options: RoomMemberOptions): Promise<RoomMember> {
    const { home, platform, network, electionTimeoutMilliseconds, priority, inside, onHalt, onChange, onGap } = options;
    const replica = inside.replica?.();
    const vigil = platform.openVigil?.({ patienceMilliseconds: electionTimeoutMilliseconds * patience, onGap });
    const clock = vigil?.clock ?? platform.clock;
    home.slot.onFailure = onHalt;
    let standIn: StandIn | undefined;
    const opened: { member?: RoomMember } = {};
    const dialDirect = network.dialDirect?.bind(network);
    const stateMachine = new KvStateMachine();
    const engine = await openMember({
      stateMachine,
      home: home.home,
      version: platform.version,
      clock,
      raft: { seed: platform.seed(), heartbeatTicks, electionTimeoutTicks, priority },
      tickMilliseconds: electionTimeoutMilliseconds / electionTimeoutTicks,
      mesh: {
        dial: (address, signal) => network.dial(wordOf(address), { signal, purpose: 'peer' }),
        ...(dialDirect === undefined
          ? {}
          : { dialDirect: (address, signal) => dialDirect(wordOf(address), { signal, purpose: 'peer' }) }),
      },
      transport: (mesh) => {
        standIn = new StandIn(
          mesh,
          () => opened.member?.engine.replica.status().raft,
          (act) => clock.defer(act),
        );
        return standIn;
      },
      ...(replica === undefined ? {} : { replica }),
      refusalOf: (changes) => standIn?.refusalOf(changes),
      onHalt,
      onEvent: (event) => {
        inside.onEvent?.(event);
        if (event.type === 'role' || event.type === 'promoted') onChange();
      },
    });
    const member = new RoomMember({ options, engine, stateMachine, standIn: standIn!, vigil });
    opened.member = member;
    engine.roster.onChange(onChange);
    // What goes wrong is told to `onHalt`.
    engine.start().catch(() => undefined);
    member.#look();
    return member;
  }

  get id(): string {
    return this.home.home.stored.identity.memberId;
  }

  get clusterId(): string | undefined {
    return this.engine.clusterId.known;
  }

  get isLeader(): boolean {
    return !this.#standIn.isMute && this.engine.replica.status().raft.role === 'leader';
  }

  get isVoter(): boolean {
    return this.engine.roster.state.active.voters.includes(this.id);
  }

  get logEnd(): LogEnd {
    const { lastTerm: term, lastIndex: index } = this.engine.replica.status().raft;
    return { term, index };
  }

  /** All that it holds, the end of its log too, which need not be agreed. A copy. */
  get held(): Held {
    return holdNow(this.engine.replica, this.#stateMachine);
  }

  /** Who leads, as far as this member hears it. */
  get leaderWord(): string | undefined {
    const { leaderId } = this.engine.replica.status().raft;
    return tabWord(this.engine.roster.get(leaderId)?.address ?? '');
  }

  /** As the configuration in force has them. */
  get members(): readonly ReportedMember[] {
    const { voters, votersOutgoing, learners } = this.engine.roster.state.active;
    return this.engine.roster.members.map(({ id, address, domain }) => ({
      id,
      word: tabWord(address) ?? '',
      role: voters.includes(id) ? 'voter' : learners.includes(id) ? 'learner' : 'leaving',
      domain,
      votedBefore: votersOutgoing.includes(id),
    }));
  }

  /** The page is seen, or hidden: a tab that was hidden may be frozen next, so what hands over leaves now. */
  setPriority(priority: number, isShown: boolean): void {
    if (isShown && this.#vigil?.look({ isShown }) === true) return;
    this.#priority = priority;
    this.#ask(priority);
    this.#vigil?.flush();
  }

  /** Perhaps this is the last turn of the page: whoever leads in it hands over to anybody, rather than to the election timeout. */
  handOver(): void {
    this.engine.handOver().catch(() => undefined);
    this.#vigil?.flush();
  }

  /** A tab that is hidden leaves it to others to lead. Where nobody has led for long there is nobody better. */
  #settlePriority(leaderId: string | undefined): void {
    const { platform, electionTimeoutMilliseconds } = this.#options;
    const now = platform.clock.now();
    if (leaderId !== undefined) this.#ledAt = now;
    const isMissed = now - this.#ledAt >= electionTimeoutMilliseconds * silentTimeouts;
    this.#ask(isMissed ? Math.max(this.#priority, lastResortPriority) : this.#priority);
  }

  #ask(priority: number): void {
    if (priority === this.#askedPriority) return;
    this.#askedPriority = priority;
    this.engine.replica.setPriority(priority);
  }

  accept(channel: Channel): void {
    this.engine.mesh.accept(channel);
  }

  serve(channel: Channel): void {
    const session: ClientSession = serveClient(channel, this.engine.node, {
      clock: this.#options.platform.clock,
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
  }

  /** A client within this tab. */
  connect(): Channel {
    const { left, right } = memoryChannelPair();
    this.serve(right);
    return left;
  }

  /** The tab of that word goes, and gave its voice away. Anybody can say anything, so it counts if it is that tab's own. */
  take(word: string, voice: GivenVoice): void {
    if (this.members.find(({ id }) => id === voice.memberId)?.word !== word) return;
    this.#voices.set(voice.memberId, voice);
    this.#options.onChange();
  }

  /** One that gave its voice away is there again, and nobody has used it. */
  #giveBack(memberId: string): void {
    if (this.#standIn.standsFor !== memberId) this.#voices.delete(memberId);
  }

  /**
   * This member gives its voice away: from this very moment on it neither votes nor acknowledges. Undefined: it has none, or holds that of another, which it may
   * not pass on.
   */
  giveVoice(): GivenVoice | undefined {
    // Where two vote the other one goes on at once with this voice; of more, one has to be told to lead.
    if (this.engine.roster.state.active.voters.length > 2) this.handOver();
    const { raft } = this.engine.replica.status();
    const held = this.#standIn.standsFor;
    // That of one that was removed since counts for nothing any more.
    const mayGive = this.isVoter && (held === undefined || this.engine.roster.wasRemoved(held));
    this.#standIn.mute();
    this.#dismissClients();
    const { term, lastTerm, lastIndex, committedConfigurationIndex } = raft;
    return mayGive ? { memberId: this.id, term, lastTerm, lastIndex, committedConfigurationIndex } : undefined;
  }

  /** Resolves with true once this member was let go for certain, or with false as soon as `isWanted` is no more. */
  async removed(isWanted: () => boolean): Promise<boolean> {
    const { clock } = this.#options.platform;
    while (!this.engine.roster.wasRemoved(this.id)) {
      if (!isWanted()) return false;
      await new Promise<void>((resolve) => void clock.schedule(resolve, lookMilliseconds / 4));
    }
    return true;
  }

  async close(options?: { readonly handOver?: boolean }): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#dismissClients();
    await this.engine.close(options);
  }

  /** They ask another member, and repeat what may not have been answered. */
  #dismissClients(): void {
    for (const session of this.#sessions)
      session.close(new RaftkvError('connection_lost', 'this tab is no member any more'));
  }

  #look(): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.platform.clock.schedule(() => this.#look(), lookMilliseconds);
    const { raft } = this.engine.replica.status();
    for (const { memberId, isLeaving } of this.#options.tabs()) {
      if (memberId !== undefined && !isLeaving) this.#giveBack(memberId);
    }
    for (const voice of this.#voices.values()) {
      if (this.engine.roster.get(voice.memberId) === undefined) this.#voices.delete(voice.memberId);
      else this.#standIn.standFor(voice, raft);
    }
    this.#settlePriority(raft.leaderId);
    this.#tellRemoved();
    void this.#tend();
  }

  /** Tabs with a member that was removed and has not heard of it: whom it knew may be gone, so its mesh may not tell it. */
  #tellRemoved(): void {
    const { tabs, platform, onRemoved } = this.#options;
    const [own, now] = [this.clusterId, platform.clock.now()];
    const removed = tabs().filter(({ memberId, clusterId }) => {
      return (
        own !== undefined && clusterId === own && memberId !== undefined && this.engine.roster.wasRemoved(memberId)
      );
    });
    for (const word of this.#removalToldAt.keys())
      if (!removed.some((tab) => tab.word === word)) this.#removalToldAt.delete(word);
    for (const { word, memberId } of removed) {
      if (now - (this.#removalToldAt.get(word) ?? -Infinity) < tellAgainMilliseconds) continue;
      this.#removalToldAt.set(word, now);
      onRemoved(word, { clusterId: own!, memberId: memberId! });
    }
  }

  /** While this member leads: the next change of who votes, one at a time. */
  async #tend(): Promise<void> {
    const { clock } = this.#options.platform;
    if (!this.isLeader || this.#isChanging || clock.now() < this.#notBefore) return;
    this.#isChanging = true;
    try {
      await this.#tellAdmitted();
      const change = nextRoomChange(this.#view(), this.#options.policy);
      if (change?.type === 'admit') await this.#admit(change.word, change.replaces);
      else if (change?.type === 'remove') await this.#remove(change.id);
    } catch {
      // No leader any more, or another change came first: what is to be done then is looked at anew.
      this.#notBefore = clock.now() + refusedMilliseconds;
    } finally {
      this.#isChanging = false;
    }
  }

  async #admit(word: string, replaces: string | undefined): Promise<void> {
    const tab = this.#options.tabs().find((each) => each.word === word);
    if (tab === undefined) return;
    const plan = replaces === undefined ? 'promote' : { replaces };
    const result = await this.engine.node.admin({
      type: 'add',
      name: nameOf(word),
      address: tabAddress(word),
      storeId: tab.storeId,
      plan,
      kind: 'tab',
      domain: tab.domain,
    });
    this.#admittedAt.set(word, this.#options.platform.clock.now());
    this.#options.onAdmitted(word, result);
  }

  async #remove(id: string): Promise<void> {
    const member = this.members.find((each) => each.id === id);
    if (member?.role === 'learner') this.#overview.bar(member.word, this.#options.platform.clock.now());
    await this.engine.node.admin({ type: 'remove', member: id });
  }

  /** Learners that are there and do not know it yet. */
  async #tellAdmitted(): Promise<void> {
    const now = this.#options.platform.clock.now();
    const tabs = this.#options.tabs();
    for (const word of this.#admittedAt.keys())
      if (!tabs.some((tab) => tab.word === word)) this.#admittedAt.delete(word);
    for (const tab of tabs) {
      const learner = this.members.find(({ word, role }) => word === tab.word && role === 'learner');
      const toldAt = this.#admittedAt.get(tab.word) ?? -Infinity;
      if (learner === undefined || tab.memberId !== undefined || now - toldAt < tellAgainMilliseconds) continue;
      if (this.engine.roster.get(learner.id)?.storeId !== tab.storeId) continue;
      await this.#admit(tab.word, undefined);
    }
  }

  #view(): RoomView {
    const { raft } = this.engine.replica.status();
    return this.#overview.look({
      now: this.#options.platform.clock.now(),
      selfId: this.id,
      clusterId: this.clusterId,
      members: this.members,
      tabs: this.#options.tabs(),
      commitIndex: raft.commitIndex,
      progressOf: (id) => raft.progress.get(id),
      storeIdOf: (id) => this.engine.roster.get(id)?.storeId,
      // One that is answered for is out, though its tab may be back: it is removed, and comes in as another.
      hasLeft: (id, isHere) => this.#standIn.standsFor === id || (!isHere && this.#voices.has(id)),
    });
  }
}

function wordOf(address: string): string {
  const word = tabWord(address);
  if (word === undefined)
    throw new RaftkvError('invalid_argument', `${address} is no tab's: a room has no other members`);
  return word;
}
