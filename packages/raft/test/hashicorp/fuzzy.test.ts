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

  it('AddMembership: three members become five while a client applies', () => {
    const cluster = new FuzzCluster('abc', seed);
    cluster.applyMany(50);
    cluster.applyAllTheTime(3);
    cluster.addVoter('m3');
    cluster.addVoter('m4');
    cluster.run(50);
    cluster.comeToRest();
    expect(cluster.judged).toHaveLength(5);
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(60);
  });

  it('AddRemoveNodesNotLeader: three become five, and three again, the leader among them', () => {
    const cluster = new FuzzCluster('abc', seed);
    cluster.applyMany(50);
    cluster.applyAllTheTime(3);
    cluster.addVoter('ar3');
    cluster.addVoter('ar4');
    const leader = cluster.leader();
    for (const id of cluster.judged.filter((other) => other !== leader).slice(0, 2)) cluster.removeMember(id);
    cluster.run(20);
    expect(cluster.leader()).toBe(leader);
    cluster.comeToRest();
    expect(cluster.judged).toHaveLength(3);
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(60);
  });

  it('RemoveLeader: five lose their leader by its own word, and go on', () => {
    const cluster = new FuzzCluster('abcde', seed);
    cluster.applyMany(50);
    cluster.applyAllTheTime(3);
    cluster.run(10);
    const removed = cluster.leader();
    cluster.removeMember(removed);
    cluster.run(50);
    expect(cluster.status(removed).role).toBe('follower');
    cluster.comeToRest();
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(60);
  });

  it('RemovePartitionedNode: one that is removed while it hears nothing disturbs nobody when it does again', () => {
    const cluster = new FuzzCluster('abcde', seed);
    cluster.applyMany(50);
    cluster.applyAllTheTime(3);
    const victim = cluster.leaderPlus(3).at(-1)!;
    cluster.partOff([victim]);
    cluster.run(30);
    cluster.removeMember(victim);
    cluster.run(30);
    const { term } = cluster.status(cluster.leader());
    cluster.healAll();
    cluster.run(100);
    expect(cluster.status(cluster.leader()).term).toBe(term);
    cluster.comeToRest();
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(80);
  });

  it('LeadershipTransfer: three times under way, with applies that are still open', () => {
    const cluster = new FuzzCluster('abcde', seed);
    for (let round = 0; round < 3; round++) {
      cluster.applyAllTheTime(1);
      cluster.run(cluster.world.below(40));
      cluster.transferLeadership();
    }
    cluster.applyMany(20);
    cluster.comeToRest();
    expect(cluster.findings()).toEqual([]);
    expect(cluster.acknowledged.length).toBeGreaterThan(20);
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
