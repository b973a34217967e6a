// hashicorp/raft's fuzzy scenarios (hashicorp/raft, fuzzy), retold under virtual time and a seed each: their clusters, their
// faults, their end checks (fuzz-cluster.ts). Ten ticks are an election timeout. Members are one letter each.
import { describe, expect, it } from 'vitest';
import { FuzzCluster } from './fuzz-cluster.ts';
import { ofType } from '../cluster.ts';

const seeds = [1, 2, 3];

describe.each(seeds)('with seed %i', (seed) => {
  it('NoIssueSanity: five members, no faults, everything that is proposed is acknowledged', () => {
    const cluster = new FuzzCluster('abcde', seed);
    cluster.leader();
    cluster.applyMany(300);
    cluster.comeToRest();
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged).toHaveLength(300);
  });

  it('LeaderPartitions: the leader and some others are parted off again and again, and not always healed', () => {
    const cluster = new FuzzCluster('abcde', seed);
    const { world } = cluster;
    cluster.applyAllTheTime(5);
    for (let round = 0; round < 10; round++) {
      const group = cluster.partOff(cluster.leaderPlus(world.below(4)));
      cluster.run(40);
      const fate = world.below(10);
      if (fate >= 1 && fate < 4) cluster.healAll();
      else if (fate >= 4) cluster.healGroup(group);
      cluster.run(50);
    }
    cluster.comeToRest();
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(60);
  });

  it('SlowSendVote: two of five get every request for a vote one or two election timeouts late', () => {
    const cluster = new FuzzCluster('abcde', seed);
    const isSlow = ofType('voteRequest', 'preVoteRequest');
    cluster.slowDown((message) => (isSlow(message) && 'ab'.includes(message.to) ? 10 + cluster.world.below(11) : 0));
    electAgainAndAgain(cluster);
  });

  it('SlowRecvVote: the votes of three of five are one or two election timeouts late', () => {
    const cluster = new FuzzCluster('abcde', seed);
    const isSlow = ofType('voteResponse', 'preVoteResponse');
    cluster.slowDown((message) => (isSlow(message) && 'bde'.includes(message.from) ? 10 + cluster.world.below(11) : 0));
    electAgainAndAgain(cluster);
  });
});

/** Applies through four elections: each leader but the last is parted off for a while. */
function electAgainAndAgain(cluster: FuzzCluster): void {
  for (let round = 0; round < 4; round++) {
    if (round > 0) {
      const group = cluster.partOff([cluster.leader()]);
      cluster.run(30);
      cluster.leader();
      cluster.healGroup(group);
    }
    cluster.leader();
    cluster.applyMany(60);
  }
  cluster.comeToRest();
  expect(cluster.findings()).toEqual([]);
  expect(cluster.acknowledged.length).toBeGreaterThan(150);
}
