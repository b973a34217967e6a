// The two stories of the laboratory, step by step. Each is the same with the rule kept and with it broken; only the storage of one member differs.
import type { LabMember } from './lab-member.ts';
import type { Laboratory } from './laboratory.ts';

export type StoryName = 'durability' | 'fence';

export interface StoryText {
  readonly title: string;
  /** The rule, as it holds in raftkv. */
  readonly rule: string;
  readonly whenBroken: string;
}

export const stories: Readonly<Record<StoryName, StoryText>> = {
  durability: {
    title: 'Acknowledge before durability',
    rule: 'A member says that it has an entry only when its disk says so.',
    whenBroken: 'The leader’s storage says “written” at once, and writes 2.5 seconds later.',
  },
  fence: {
    title: 'Skip the fence',
    rule: 'Every write checks, in its own transaction, that nobody else has taken the storage over.',
    whenBroken: 'The old tab takes no notice of it that a clone has its storage, and goes on voting and acknowledging.',
  },
};

const patienceMilliseconds = 20_000;
const pollMilliseconds = 40;
/** Enough for the checker to have something to say, whichever way it goes. */
const lastOperations = 60;

export async function tell(lab: Laboratory, story: StoryName, isBroken: boolean): Promise<void> {
  if (story === 'durability') await loseAcknowledged(lab, isBroken);
  else await cloneLeader(lab, isBroken);
}

async function loseAcknowledged(lab: Laboratory, isBroken: boolean): Promise<void> {
  lab.step('Three members found a cluster and elect a leader.');
  // Whichever leads: all have the same storage, and only the leader’s will fail.
  const members = await lab.openAll(() => (isBroken ? 'durability' : undefined));
  const leader = await leaderOf(members);
  const [witness, laggard] = members.filter((member) => member !== leader) as [LabMember, LabMember];
  const work = lab.work(leader);
  await operations(lab, 20);

  lab.step(`${laggard.label} is cut off. ${leader.label} and ${witness.label} are a majority, and acknowledge writes.`);
  lab.move(laggard, 1);
  await pause(1_000);
  await operations(lab, 40);

  lab.step(`Power fails at ${leader.label}. What its disk had not written is gone.`);
  work.stop();
  leader.kill();
  lab.move(witness, 2);
  await pause(400);

  lab.step(
    `${leader.label} is back with what is on its disk, and so is ${laggard.label}; now ${witness.label} is cut off.`,
  );
  const revived = await lab.open(leader.options.name, { side: 1, steal: true });
  const next = await leaderOf([revived, laggard]);

  lab.step(`${next.label} leads. Clients ask what the registers hold.`);
  lab.work(revived);
  await operations(lab, lastOperations);
}

async function cloneLeader(lab: Laboratory, isBroken: boolean): Promise<void> {
  lab.step('Three members found a cluster and elect a leader.');
  const members = await lab.openAll(() => (isBroken ? 'fence' : undefined));
  const leader = await leaderOf(members);
  const [friend, other] = members.filter((member) => member !== leader) as [LabMember, LabMember];
  lab.work(leader);
  await operations(lab, 20);

  lab.step(`${leader.label}’s tab is taken for dead: a clone opens its storage, and meets ${other.label} alone.`);
  lab.move(other, 1);
  const clone = await lab.open(leader.options.name, { label: `${leader.label}′`, side: 1, steal: true });

  lab.step(`${clone.label} and ${other.label} are a majority and elect a leader, of a later term.`);
  const next = await leaderOf([clone, other]);

  lab.step(
    isBroken
      ? `${leader.label} still leads ${friend.label}, and ${next.label} leads too: both sides acknowledge.`
      : `${leader.label}’s next write hits the fence and ends it. Only ${next.label} leads.`,
  );
  lab.work(clone);
  await operations(lab, lastOperations);
}

/** Of those, the one that leads with a majority of them behind it. */
async function leaderOf(members: readonly LabMember[]): Promise<LabMember> {
  let found: LabMember | undefined;
  await until('no leader was elected', () => {
    found = members.find((member) => member.isLeader && member.member!.node.isLeader);
    return found !== undefined;
  });
  return found!;
}

/** So many more than now. A violation ends the wait: there is nothing left to find out. */
async function operations(lab: Laboratory, more: number): Promise<void> {
  const goal = lab.count.operations + more;
  await until('the workload came to a stop', () => lab.count.operations >= goal || lab.count.violations > 0);
}

async function until(failure: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`After ${patienceMilliseconds / 1_000} seconds ${failure}.`);
    await pause(pollMilliseconds);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
