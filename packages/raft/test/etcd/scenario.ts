// A cluster that is led through a scenario as etcd's interaction scripts lead theirs: a few members work while the others
// wait, messages to some are lost, the disk of one lags. The verbs are named after the scripts'; what a test compares is the
// state that they end in. Members, disks and messages are those of ../cluster.ts.
import { Cluster, diskOf, ofType } from '../cluster.ts';
import { bytesOf, type Disk } from '../member.ts';
import type { ClusterOptions } from '../cluster.ts';
import type { Input, MemberChange } from '../../src/index.ts';
import { stateOf } from '../../src/raft.ts';

export interface ScenarioOptions extends ClusterOptions {
  /** Everybody begins with a snapshot of term 1 that ends here, as the scripts' members do. Default 0: with nothing. */
  readonly index?: number;
  /** Appends in flight to one follower, one entry each. */
  readonly inflight?: number;
}

/** Members by their digits, or by their ids where some are longer. */
export type Ids = string | readonly string[];

/** The election timeout of the scripts, in ticks; their heartbeats come at each. */
export const ELECTION_TICKS = 3;

export class Scenario extends Cluster {
  /** `voters` is one digit each, as in the scripts: new Scenario('123'). */
  constructor(voters: string, { index = 0, inflight = 256, ...options }: ScenarioOptions = {}) {
    const { learners = '', votersOutgoing = '' } = options;
    const configuration = { voters: [...voters], votersOutgoing: [...votersOutgoing], learners: [...learners] };
    const disks: Record<string, Disk> = {};
    for (const id of voters + votersOutgoing + learners) disks[id] = diskEndingAt(index, configuration);
    const raft = { electionTimeoutTicks: ELECTION_TICKS, heartbeatTicks: 1, maxAppendEntries: 1, ...options.raft };
    super(voters, {
      ...options,
      raft: { ...raft, maxInflightMessages: inflight },
      disks: { ...disks, ...options.disks },
    });
  }

  /** `stabilize 1 2`: these take in what is addressed to them, write, apply and answer until nothing is left to do; the others wait. */
  stabilize(ids: Ids = this.ids): void {
    for (let round = 0; round < 1000; round++) {
      this.deliverTo(ids);
      for (const id of ids) this.work(id);
      if (!this.inTransit.some((message) => ids.includes(message.to))) return;
    }
    throw new Error(`${String(ids)} do not come to rest`);
  }

  /** `deliver-msgs 1 2`: what is in transit to these, once; what they write and answer is theirs to do later. */
  deliverTo(ids: Ids): void {
    this.deliver((message) => ids.includes(message.to));
  }

  /** `deliver-msgs drop=(1,2)`. */
  dropTo(ids: Ids): void {
    this.lose((message) => ids.includes(message.to));
  }

  /** `tick-heartbeat 1`: the leader's heartbeats are in transit afterwards. */
  beat(id: string): void {
    this.tick(id);
    if (!this.inTransit.some(ofType('heartbeatRequest'))) throw new Error(`${id} sent no heartbeat`);
  }

  /** `tick-election 1`. */
  tickElection(id: string): void {
    this.tick(id, ELECTION_TICKS);
  }

  /** `set-randomized-election-timeout 1 timeout=5`. */
  setElectionTimeout(id: string, ticks: number): void {
    stateOf(this.member(id).raft).electionDeadlineTicks = ticks;
  }

  /**
   * These have not heard their leader for an election timeout, and do not campaign yet: they would now vote for another one.
   * The scripts mostly run without check-quorum, where votes are given at once.
   */
  outwait(ids: Ids): void {
    for (const id of ids) {
      this.setElectionTimeout(id, 1000);
      this.tickElection(id);
    }
  }

  /** `report-unreachable 1 2`. */
  reportUnreachable(id: string, peer: string): void {
    this.input(id, { type: 'unreachable', peer });
  }

  /** `transfer-leadership from=1 to=4`, and whatever has no verb of its own. */
  input(id: string, input: Input): void {
    this.member(id).step(input);
    this.pump(id);
  }

  /** `propose-conf-change 1`, and what it was answered: "12/2", or the reason why not. */
  changeMembers(id: string, ...changes: MemberChange[]): string {
    this.results(id);
    this.change(id, ...changes);
    const [result] = this.results(id);
    if (result === undefined) throw new Error('no answer');
    return result.refused ?? `${result.index}/${result.term}`;
  }

  /** `status 1`: a line for each follower, "3 replicate match 11 next 15 inflight 3 full". */
  progress(leader: string): string[] {
    const { followers, options } = stateOf(this.member(leader).raft);
    return followers.map(({ id, state, matchIndex, nextIndex, inflights }) => {
      const isFull = inflights.count === options.maxInflightMessages;
      const inflight = inflights.count === 0 ? '' : ` inflight ${inflights.count}${isFull ? ' full' : ''}`;
      return `${id} ${state} match ${matchIndex} next ${nextIndex}${inflight}`;
    });
  }

  /** `raft-state`: "1 leader term 2 commit 11", a line for each of `ids`. */
  state(ids: Ids = this.ids): string[] {
    return [...ids].map((id) => {
      const { role, term, commitIndex } = this.status(id);
      return `${id} ${role} term ${term} commit ${commitIndex}`;
    });
  }
}

function diskEndingAt(
  index: number,
  configuration: { voters: string[]; votersOutgoing: string[]; learners: string[] },
): Disk {
  if (index === 0) return diskOf('', 0);
  const meta = { lastIncludedIndex: index, lastIncludedTerm: 1, configuration };
  const data = bytesOf(JSON.stringify([{ index, term: 1, text: 'start' }]));
  return {
    hardState: { term: 1, votedFor: undefined, commitIndex: index },
    entries: [],
    compactedIndex: index,
    compactedTerm: 1,
    snapshot: { meta, data },
  };
}
