// Faults of the network between members: parted, deaf in one direction, lossy, slow and jittery, held up, cut, and members that nobody can reach. They
// may overlap; each takes back its own. What carries them out is the arena's network.
import { sleep } from '../../e2e/harness/wait.ts';
import { waysBetween } from '../network/network.ts';
import type { Heal, Way } from '../network/network.ts';
import { named, shuffled } from './fault.ts';
import type { Fault, FaultContext } from './fault.ts';

async function holding(context: FaultContext, what: string, begin: () => Promise<Heal>): Promise<void> {
  context.log(what);
  const heal = await begin();
  await sleep(context.holdMilliseconds);
  await heal();
}

/** Members in random order, the leader first half of the time. */
async function ordered(context: FaultContext): Promise<number[]> {
  const order = shuffled(context.arena.members, context.random);
  if (context.random() < 0.5) return order;
  const leader = await context.arena.cluster.leader(1000).catch(() => order[0]!);
  return order.sort((a, b) => Number(b === leader) - Number(a === leader));
}

const partition: Fault = {
  name: 'partition',
  weight: 3,
  isPossible: () => true,
  async run(context) {
    const order = await ordered(context);
    const few = 1 + Math.floor(context.random() * Math.floor(order.length / 2));
    const [first, second] = [order.slice(0, few), order.slice(few)];
    const what = `part ${named(context, first)} from ${named(context, second)}`;
    await holding(context, what, () => context.arena.network.block(waysBetween(first, second)));
  },
};

/** Two halves that do not see each other, and one member that both see. */
const bridge: Fault = {
  name: 'bridge',
  isPossible: () => true,
  async run(context) {
    const [middle, ...others] = await ordered(context);
    const half = Math.ceil(others.length / 2);
    const [first, second] = [others.slice(0, half), others.slice(half)];
    const what = `only ${named(context, [middle!])} joins ${named(context, first)} and ${named(context, second)}`;
    await holding(context, what, () => context.arena.network.block(waysBetween(first, second)));
  },
};

const oneWay: Fault = {
  name: 'one-way',
  weight: 3,
  isPossible: () => true,
  async run(context) {
    const [victim, ...others] = await ordered(context);
    const some = others.slice(0, 1 + Math.floor(context.random() * others.length));
    const isDeaf = context.random() < 0.5;
    const ways = some.map((other): Way => (isDeaf ? { from: other, to: victim! } : { from: victim!, to: other }));
    const what = `${named(context, [victim!])} ${isDeaf ? 'does not hear' : 'is not heard by'} ${named(context, some)}`;
    await holding(context, what, () => context.arena.network.block(ways));
  },
};

const loss: Fault = {
  name: 'packet-loss',
  isPossible: (arena) => arena.network.hasPackets,
  async run(context) {
    const order = await ordered(context);
    const some = order.slice(0, 1 + Math.floor(context.random() * order.length));
    const percent = [2, 10, 30][Math.floor(context.random() * 3)]!;
    const what = `${percent} % of the packets to ${named(context, some)} are lost`;
    await holding(context, what, () => context.arena.network.lose(some, percent));
  },
};

const isolate: Fault = {
  name: 'isolate',
  isPossible: (arena) => arena.network.hasPackets,
  async run(context) {
    const order = await ordered(context);
    const some = order.slice(0, context.random() < 0.7 ? 1 : 2);
    const what = `cut ${named(context, some)} off from members and clients`;
    await holding(context, what, () => context.arena.network.isolate(some));
  },
};

const slow: Fault = {
  name: 'slow-link',
  weight: 2,
  isPossible: () => true,
  async run(context) {
    const [victim, ...others] = await ordered(context);
    const some = others.slice(0, 1 + Math.floor(context.random() * others.length));
    const delay = Math.floor(context.random() * 80);
    const jitter = Math.floor(context.random() * 150);
    const what = `${delay} to ${delay + jitter} ms between ${named(context, [victim!])} and ${named(context, some)}`;
    await holding(context, what, () => context.arena.network.slow(waysBetween([victim!], some), delay, jitter));
  },
};

const hold: Fault = {
  name: 'held-bytes',
  isPossible: () => true,
  async run(context) {
    const [victim, ...others] = await ordered(context);
    const some = others.slice(0, 1 + Math.floor(context.random() * others.length));
    const end = context.random() < 0.7 ? 'deliver' : 'lose';
    const ways = some.map((other): Way => ({ from: victim!, to: other }));
    const what = `hold what ${named(context, [victim!])} sends to ${named(context, some)}, then ${end} it`;
    await holding(context, what, () => context.arena.network.hold(ways, end));
  },
};

const cut: Fault = {
  name: 'cut-connections',
  isPossible: () => true,
  async run(context) {
    const { arena, random, count } = context;
    const until = performance.now() + context.holdMilliseconds;
    context.log('reset connections between members');
    while (performance.now() < until) {
      const [first, second] = shuffled(arena.members, random);
      await arena.network.cut(first!, second!);
      count('connections reset');
      await sleep(50 + random() * 300);
    }
  },
};

export const networkFaults: readonly Fault[] = [partition, bridge, oneWay, loss, isolate, slow, hold, cut];
