// Requests about members at a leader: in turn, with patience, and learners promoted when they have caught up. The core is played.
import type { Configuration, Member, MemberChange, ProgressStatus, RaftStatus } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { Membership } from '../src/membership.ts';
import type { MembershipEvent } from '../src/membership.ts';
import { Roster } from '../src/roster.ts';

const voters = ['1', '2', '3'].map((digit) => ({
  id: `f${digit}00aa00bb00cc0d`,
  name: `node${digit}`,
  address: `h:${digit}`,
}));
const [self, second] = voters.map(({ id }) => id) as [string, string];
const learner: Member = { id: '000000000000000a', name: 'node4', address: 'h:4', storeId: 'S4', plan: 'promote' };

type Outcome = 'done' | RaftkvError;

/** A leader whose core does what the test says, and a clock that the test moves. */
class Stage {
  configuration: Configuration;
  role: RaftStatus['role'] = 'leader';
  leaderId: string | undefined = self;
  commitIndex = 100;
  now = 0;
  /** Of timers. */
  lateness = 0;
  readonly progress = new Map<string, ProgressStatus>();
  readonly asked: (readonly MemberChange[])[] = [];
  readonly transfers: (string | undefined)[] = [];
  readonly events: MembershipEvent[] = [];
  /** For each change in turn; done when there are no more. */
  outcomes: Outcome[] = [];
  onChange: () => Promise<void> = async () => undefined;
  /** Of the entries of the active configuration and of the newest one that is certain. */
  index = 20;
  committedIndex = 20;
  readonly roster: Roster;
  readonly membership: Membership;
  #timers: { at: number; callback: () => void }[] = [];

  constructor(members: readonly Member[] = [], electionTimeoutMilliseconds = 300) {
    const records = voters.map((voter) => ({ ...voter, storeId: `S of ${voter.name}` }));
    this.configuration = {
      voters: voters.map(({ id }) => id),
      votersOutgoing: [],
      learners: members.map(({ id }) => id),
      members: [...members, ...records],
    };
    this.roster = new Roster([], { active: this.configuration, committed: this.configuration, committedIndex: 20 });
    for (const { id } of voters.slice(1)) this.heard(id, 100);
    this.membership = new Membership({
      clusterId: 'c0',
      memberId: self,
      roster: this.roster,
      engine: {
        status: () => ({ raft: this.#status() }),
        changeMembers: async (changes) => {
          this.asked.push(changes);
          await this.onChange();
          const outcome = this.outcomes.shift() ?? 'done';
          if (outcome !== 'done') throw outcome;
          return this.configuration;
        },
        transferLeadership: async (to) => {
          this.transfers.push(to);
          this.leaderId = to ?? second;
        },
      },
      storeIdOf: (id) => this.roster.get(id)?.storeId,
      isReachable: (id) => this.progress.has(id),
      electionTimeoutMilliseconds,
      clock: {
        now: () => this.now,
        schedule: (callback, milliseconds) => {
          const timer = { at: this.now + milliseconds + this.lateness, callback };
          this.#timers.push(timer);
          return () => (this.#timers = this.#timers.filter((other) => other !== timer));
        },
      },
      onEvent: (event) => this.events.push(event),
    });
  }

  heard(id: string, matchIndex: number, state: ProgressStatus['state'] = 'replicate'): void {
    const isLearner = this.configuration.learners.includes(id);
    this.progress.set(id, { matchIndex, state, isLearner, isRecentlyActive: true } as ProgressStatus);
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.callback();
    }
    this.now = end;
  }

  #status(): RaftStatus {
    const { configuration, role, leaderId, commitIndex, progress } = this;
    return {
      role,
      leaderId,
      commitIndex,
      lastIndex: commitIndex,
      progress,
      configuration,
      configurationIndex: this.index,
      committedConfiguration: configuration,
      committedConfigurationIndex: this.committedIndex,
    } as unknown as RaftStatus;
  }
}

const busy = (): RaftkvError => new RaftkvError('busy', 'another change is under way');

describe('a change of members', () => {
  it('answers with who is a member then', async () => {
    const stage = new Stage([learner]);
    const { members, memberId } = await stage.membership.handle({ type: 'promote', member: 'node4' });
    expect(stage.asked).toEqual([[{ type: 'promote', id: learner.id, storeId: 'S4' }]]);
    expect(memberId).toBe(learner.id);
    expect(members).toMatchObject({ clusterId: 'c0', index: 20, isChanging: false, leaderId: self });
    expect(members.members.map(({ name, role, plan }) => [name, role, plan])).toEqual([
      ['node1', 'voter', 'stay'],
      ['node2', 'voter', 'stay'],
      ['node3', 'voter', 'stay'],
      ['node4', 'learner', 'promote'],
    ]);
  });

  it('is made when the one before it is over, and only where there is a leader', async () => {
    const stage = new Stage();
    let release = (): void => undefined;
    stage.onChange = () => new Promise((resolve) => (release = resolve));
    const both = ['node2', 'node3'].map((member) => stage.membership.handle({ type: 'remove', member }));
    await stage.pass(0);
    expect(stage.asked).toHaveLength(1);
    stage.role = 'follower';
    stage.leaderId = second;
    release();
    await both[0];
    await expect(both[1]).rejects.toMatchObject({ code: 'no_leader', definite: true, leader: 'h:2' });
    expect(stage.asked).toHaveLength(1);
  });

  it('waits while the core is busy with another, for a while', async () => {
    const stage = new Stage();
    stage.outcomes = [busy(), busy(), 'done'];
    const removing = stage.membership.handle({ type: 'remove', member: 'node2' });
    await stage.pass(200);
    await removing;
    expect(stage.asked).toHaveLength(3);
    stage.outcomes = Array.from({ length: 200 }, busy);
    const waiting = expect(stage.membership.handle({ type: 'remove', member: 'node2' })).rejects.toMatchObject({
      code: 'busy',
    });
    await stage.pass(5_000);
    await waiting;
    expect(stage.asked.length).toBeLessThan(100);
  });

  it('is planned when the core can make it: a new leader does not know yet who answers', async () => {
    const stage = new Stage([learner]);
    stage.progress.delete(learner.id);
    stage.outcomes = [busy()];
    const joining = stage.membership.handle({
      type: 'add',
      name: 'node4',
      address: 'h:9',
      storeId: 'S9',
      plan: undefined,
    });
    const outcome = expect(joining).rejects.toMatchObject({ code: 'invalid_argument' });
    await stage.pass(0);
    stage.heard(learner.id, 100);
    await stage.pass(100);
    await outcome;
    expect(stage.asked).toHaveLength(1);
  });

  it('that was asked for again is answered when it is certain', async () => {
    const stage = new Stage([learner]);
    stage.index = 30;
    const { name, address, storeId } = learner;
    const again = { type: 'add', name, address, storeId, plan: undefined } as const;
    let isAnswered = false;
    const answer = stage.membership.handle(again).finally(() => (isAnswered = true));
    await stage.pass(500);
    expect(isAnswered).toBe(false);
    stage.committedIndex = 30;
    await stage.pass(100);
    expect(await answer).toMatchObject({ memberId: learner.id, members: { index: 30 } });
    expect(stage.asked).toEqual([]);
    // It never becomes certain: nobody may build on it.
    stage.index = 40;
    const waiting = expect(stage.membership.handle(again)).rejects.toMatchObject({ code: 'busy' });
    await stage.pass(5_000);
    await waiting;
  });

  it('that the core refuses is told as it is', async () => {
    const stage = new Stage();
    stage.outcomes = [new RaftkvError('unsafe_change', 'no quorum would be left')];
    await expect(stage.membership.handle({ type: 'remove', member: 'node2' })).rejects.toMatchObject({
      code: 'unsafe_change',
    });
    expect(stage.asked).toHaveLength(1);
  });

  it('is refused when too many wait', async () => {
    const stage = new Stage();
    stage.onChange = () => new Promise(() => undefined);
    for (let i = 0; i < 64; i += 1) void stage.membership.handle({ type: 'remove', member: 'node2' });
    await expect(stage.membership.handle({ type: 'remove', member: 'node2' })).rejects.toMatchObject({ code: 'busy' });
  });

  it('is not for a follower, which lists nevertheless', async () => {
    const stage = new Stage();
    stage.role = 'follower';
    stage.leaderId = undefined;
    await expect(stage.membership.handle({ type: 'remove', member: 'node2' })).rejects.toMatchObject({
      code: 'no_leader',
    });
    expect((await stage.membership.handle({ type: 'list' })).members.members).toHaveLength(3);
  });

  it('of the leader is a transfer, to a voter by name', async () => {
    const stage = new Stage();
    expect((await stage.membership.handle({ type: 'transfer', to: 'node2' })).memberId).toBe(second);
    expect((await stage.membership.handle({ type: 'transfer', to: undefined })).memberId).toBe(second);
    await expect(stage.membership.handle({ type: 'transfer', to: 'node9' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(stage.transfers).toEqual([second, undefined]);
  });
});

describe('a learner', () => {
  it('is promoted when a round of catching up was short, and not before', async () => {
    const stage = new Stage([learner]);
    stage.membership.start();
    stage.heard(learner.id, 0, 'snapshot');
    await stage.pass(1_000);
    // A round that takes longer than an election timeout: it lags.
    stage.heard(learner.id, 10);
    await stage.pass(400);
    stage.commitIndex = 10_000;
    stage.heard(learner.id, 100);
    await stage.pass(400);
    expect(stage.asked).toEqual([]);
    stage.heard(learner.id, 10_000);
    await stage.pass(200);
    expect(stage.asked[0]).toEqual([{ type: 'promote', id: learner.id, storeId: 'S4' }]);
    expect(stage.events[0]).toEqual({ type: 'promoted', member: 'node4' });
    stage.membership.stop();
  });

  it.each([
    ['is to stay one', { ...learner, plan: '' }],
    ['has a plan that is not known here', { ...learner, plan: 'something of a later version' }],
    ['has never come', { ...learner, storeId: undefined }],
  ])('that %s is left alone', async (_, member) => {
    const stage = new Stage([member]);
    stage.membership.start();
    stage.heard(learner.id, 100);
    await stage.pass(2_000);
    expect(stage.asked).toEqual([]);
    stage.membership.stop();
  });

  it('is promoted where election timeouts are as short as the pauses between two looks, and timers late', async () => {
    const stage = new Stage([learner], 50);
    stage.lateness = 1;
    stage.heard(learner.id, 100);
    stage.membership.start();
    await stage.pass(500);
    expect(stage.events[0]).toEqual({ type: 'promoted', member: 'node4' });
  });

  it('that is silent is not promoted, whatever it held', async () => {
    const stage = new Stage([learner]);
    stage.membership.start();
    stage.progress.set(learner.id, { matchIndex: 100, state: 'replicate', isRecentlyActive: false } as ProgressStatus);
    await stage.pass(2_000);
    expect(stage.asked).toEqual([]);
    stage.membership.stop();
  });

  it('takes the place of another in one step', async () => {
    const stage = new Stage([{ ...learner, plan: `replace ${second}` }]);
    stage.membership.start();
    stage.heard(learner.id, 100);
    await stage.pass(200);
    expect(stage.asked[0]).toEqual([
      { type: 'promote', id: learner.id, storeId: 'S4' },
      { type: 'remove', id: second },
    ]);
    stage.membership.stop();
  });

  it('that the core refuses to promote is tried again after a pause', async () => {
    const stage = new Stage([learner]);
    stage.outcomes = [new RaftkvError('not_caught_up', 'it lags'), 'done'];
    stage.membership.start();
    stage.heard(learner.id, 100);
    await stage.pass(500);
    expect(stage.asked).toHaveLength(1);
    await stage.pass(1_000);
    expect(stage.asked.length).toBeGreaterThan(1);
    expect(stage.events.slice(0, 2).map(({ type }) => type)).toEqual(['not promoted', 'promoted']);
    stage.membership.stop();
  });

  it('that cannot be promoted does not stand in the way of those behind it', async () => {
    const next = { ...learner, id: '000000000000000b', name: 'node5', address: 'h:5', storeId: 'S5' };
    const stage = new Stage([learner, next]);
    stage.onChange = async () => {
      const [change] = stage.asked.at(-1)!;
      if (change?.type === 'promote' && change.id === learner.id) throw new RaftkvError('unsafe_change', 'not yet');
    };
    stage.membership.start();
    for (const { id } of [learner, next]) stage.heard(id, 100);
    await stage.pass(1_000);
    expect(stage.events).toContainEqual({ type: 'promoted', member: 'node5' });
    stage.membership.stop();
  });
});

describe('a tab', () => {
  const tab: Member = {
    id: '000000000000000a',
    name: 'tab1',
    address: 'tab:w1',
    storeId: 'T1',
    plan: 'promote',
    kind: 'tab',
    domain: 'p1',
  };

  it('is let in as what it is, and listed so', async () => {
    const stage = new Stage();
    await stage.membership.handle({
      type: 'add',
      name: 'tab1',
      address: 'tab:w1',
      storeId: 'T1',
      plan: 'promote',
      kind: 'tab',
      domain: 'p1',
    });
    const { name, address, storeId, plan, kind, domain } = tab;
    expect(stage.asked).toEqual([
      [{ type: 'add', as: 'learner', member: { name, address, storeId, plan, kind, domain } }],
    ]);
    const listed = await new Stage([tab]).membership.handle({ type: 'list' });
    expect(listed.members.members.map((member) => member.kind)).toEqual([undefined, undefined, undefined, 'tab']);
    expect(listed.members.members[3]).toMatchObject({ domain: 'p1' });
  });

  it('that would vote against too few of Node is refused when it asks, and when it is promoted', async () => {
    const stage = new Stage([
      tab,
      ...['b', 'c', 'd'].map((digit) => ({
        ...tab,
        id: `000000000000000${digit}`,
        name: `tab-${digit}`,
        address: `tab:${digit}`,
        storeId: digit,
      })),
    ]);
    stage.configuration = {
      ...stage.configuration,
      voters: [...stage.configuration.voters, '000000000000000b', '000000000000000c', '000000000000000d'].toSorted(),
      learners: [tab.id],
    };
    stage.roster.update({ active: stage.configuration, committed: stage.configuration, committedIndex: 20 });
    const refusal = expect.objectContaining({ code: 'unsafe_change', message: expect.stringContaining('4 tabs of 7') });
    await expect(stage.membership.handle({ type: 'promote', member: 'tab1' })).rejects.toEqual(refusal);
    const replacement = stage.membership.handle({ type: 'replace', member: 'node2', by: 'tab1' });
    await expect(replacement).rejects.toMatchObject({ code: 'unsafe_change' });
    const addition = { type: 'add', name: 'tab9', address: 'tab:w9', storeId: 'T9', kind: 'tab' } as const;
    await expect(stage.membership.handle({ ...addition, plan: 'promote' })).rejects.toEqual(refusal);
    expect(stage.asked).toEqual([]);
    await stage.membership.handle({ ...addition, plan: 'stay' });
    expect(stage.asked).toHaveLength(1);
  });

  it('has an address of its own kind', async () => {
    const add = { type: 'add', name: 'tab2', storeId: 'T2', plan: 'stay' } as const;
    const refusal = expect.objectContaining({ code: 'invalid_argument' });
    const { membership } = new Stage();
    await expect(membership.handle({ ...add, kind: 'tab', address: 'h:80' })).rejects.toEqual(refusal);
    await expect(membership.handle({ ...add, address: 'tab:w2' })).rejects.toEqual(refusal);
  });
});
