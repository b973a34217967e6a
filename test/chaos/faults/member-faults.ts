// Changes of who is a member and who leads, asked for by an operator while other faults go on: members join, leave and take the place of another, and
// leadership is handed over. Each must be done in the end, however often it has to be asked for; who was removed must stop by itself.
import { sleep, waitFor, within } from '../../e2e/harness/wait.ts';
import type { Arena } from '../arena.ts';
import { connectFrom } from '../work/clients.ts';
import { named } from './fault.ts';
import type { Fault, FaultContext } from './fault.ts';

type Operator = ReturnType<typeof connectFrom>;

const fewestMembers = 3;
/** Other faults of the round last a few seconds; what is not done so long after is not done. */
const doneMilliseconds = 120_000;
const leaveMilliseconds = 60_000;

const isPossible = (arena: Arena): boolean => arena.network.hasOneAddressEach;

async function asOperator(context: FaultContext, act: (kv: Operator) => Promise<void>): Promise<void> {
  const { arena, random } = context;
  const kv = connectFrom(arena.cluster.addresses, Math.floor(random() * arena.cluster.size));
  try {
    await act(kv);
  } finally {
    await kv.close();
  }
}

/** Starts it, and starts it again whenever it gives up, until it votes. */
async function joinUntilDone(
  context: FaultContext,
  kv: Operator,
  place: number,
  words: readonly string[],
): Promise<void> {
  const { arena } = context;
  const name = arena.cluster.name(place);
  arena.join(place, words);
  const isDone = async (): Promise<boolean> => {
    if (!arena.cluster.isRunning(place)) arena.rejoin(place);
    const { members, isChanging } = await kv.members.list();
    return !isChanging && members.some((member) => member.name === name && member.role === 'voter');
  };
  try {
    await waitFor(`${name} votes`, isDone, { timeoutMilliseconds: doneMilliseconds, intervalMilliseconds: 200 });
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${arena.cluster.process(place).logTail()}`, { cause: error });
  }
  arena.trust(place);
}

/** Removed by now: it must hear of it and stop. */
async function awaitEnd(context: FaultContext, place: number): Promise<void> {
  const { arena, count } = context;
  const server = arena.cluster.process(place);
  await within(leaveMilliseconds, `${server.name}, which was removed, stops\n${server.logTail()}`, server.exited);
  count('members that stopped when they were removed');
}

const grow: Fault = {
  name: 'join',
  isPossible,
  run: (context) =>
    asOperator(context, async (kv) => {
      const { arena, claims } = context;
      const place = claims.takePlace(arena);
      if (place === undefined) return;
      context.log(`${named(context, [place])} joins`);
      await joinUntilDone(context, kv, place, []);
      context.log(`${named(context, [place])} has joined: ${arena.members.length} members`);
      claims.release([place]);
    }),
};

const shrink: Fault = {
  name: 'remove',
  isPossible,
  run: (context) =>
    asOperator(context, async (kv) => {
      const { arena, claims } = context;
      if (arena.members.length <= fewestMembers) return;
      const [place] = await claims.take(context, 1);
      if (place === undefined) return;
      const name = arena.cluster.name(place);
      context.log(`remove ${name}`);
      arena.doom(place);
      arena.leave(place);
      const isGone = async (): Promise<boolean> => {
        const { members, isChanging } = await kv.members.list();
        if (members.every((member) => member.name !== name)) return !isChanging;
        await kv.members.remove(name);
        return false;
      };
      await waitFor(`${name} is removed`, isGone, { timeoutMilliseconds: doneMilliseconds, intervalMilliseconds: 200 });
      await awaitEnd(context, place);
      context.log(`${name} is removed: ${arena.members.length} members`);
      claims.release([place]);
    }),
};

const replace: Fault = {
  name: 'replace',
  weight: 2,
  isPossible,
  run: (context) =>
    asOperator(context, async (kv) => {
      const { arena, claims } = context;
      const place = claims.takePlace(arena);
      if (place === undefined) return;
      const [old] = await claims.take(context, 1);
      if (old === undefined) return claims.release([place]);
      context.log(`${named(context, [place])} takes the place of ${named(context, [old])}`);
      arena.doom(old);
      arena.leave(old);
      await joinUntilDone(context, kv, place, ['--replace', arena.cluster.name(old)]);
      await awaitEnd(context, old);
      context.log(`${named(context, [place])} has taken the place of ${named(context, [old])}`);
      claims.release([place, old]);
    }),
};

const transfer: Fault = {
  name: 'transfer',
  weight: 2,
  isPossible: () => true,
  run: (context) =>
    asOperator(context, async (kv) => {
      const { arena, random, count, log } = context;
      const until = performance.now() + context.holdMilliseconds;
      while (performance.now() < until) {
        const to = arena.members[Math.floor(random() * arena.members.length)]!;
        const name = random() < 0.5 ? undefined : arena.cluster.name(to);
        // Whoever is asked to lead may be down or cut off: then it is refused, and that is right.
        const answer = await kv.transferLeader(name).catch((error: unknown) => error as Error);
        if (answer instanceof Error) count('transfers refused');
        else count('transfers of leadership');
        log(`transfer to ${name ?? 'the best'}: ${answer instanceof Error ? answer.message : `${answer.name} leads`}`);
        await sleep(200 + random() * 600);
      }
    }),
};

export const memberFaults: readonly Fault[] = [grow, shrink, replace, transfer];
