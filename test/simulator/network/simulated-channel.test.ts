// The sockets of the simulated world pass the suite that every kind of channel passes: what production code may rely on, it may rely on there.
// Virtual time is driven by turns of the real event loop here.
import { afterEach, describe, expect, it } from 'vitest';
import { describeChannel } from '@raftkv/transport/conformance';
import { defaultChannelLimits } from '@raftkv/transport';
import type { Channel, ChannelLimits } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import { HostClock, Process } from '../world/process.ts';
import { Random } from '../world/random.ts';
import { Scheduler } from '../world/scheduler.ts';
import { ChannelNetwork } from './channels.ts';
import { Links } from './links.ts';

interface SmallWorld {
  readonly scheduler: Scheduler;
  readonly network: ChannelNetwork;
  readonly left: Process;
  readonly right: Process;
  stop(): void;
}

const worlds: SmallWorld[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.stop();
});

function makeWorld(limits: ChannelLimits = defaultChannelLimits): SmallWorld {
  const scheduler = new Scheduler();
  const random = new Random(1);
  const links = new Links(scheduler, random, 2, { minLatency: 1, meanLatency: 1, slowShare: 0 });
  const network = new ChannelNetwork(scheduler, links, random, limits);
  const [left, right] = [0, 1].map(
    (host) =>
      new Process(scheduler, { host, name: `p${host}`, clock: new HostClock(scheduler, 1, 0), random, lateness: 0 }),
  ) as [Process, Process];
  // One event a turn, so that microtasks run dry in between, as the simulation has it.
  let timer: NodeJS.Immediate;
  const turn = (): void => {
    scheduler.step();
    timer = setImmediate(turn);
  };
  timer = setImmediate(turn);
  const world = { scheduler, network, left, right, stop: () => clearImmediate(timer) };
  worlds.push(world);
  return world;
}

async function connect(world: SmallWorld): Promise<{ readonly near: Channel; readonly far: Channel }> {
  const far = new Promise<Channel>((resolve) => world.network.listen(world.right, 'peer', resolve));
  const near = await world.network.dial(world.left, 1, 'peer', new AbortController().signal);
  return { near, far: await far };
}

describeChannel(
  'a socket of the simulated world',
  async (limits) => {
    const world = makeWorld(limits);
    const { near, far } = await connect(world);
    return {
      left: near,
      right: far,
      stallRight: () => (world.right.pausedUntil = Infinity),
      resumeRight: () => (world.right.pausedUntil = 0),
      cut: () => {
        for (const pipe of world.network.pipes) world.network.breakPipe(pipe);
      },
      dispose: async () => world.stop(),
    };
  },
  { describe, expect, it },
);

it('tells of an end that came before it was started, once and after the start', async () => {
  const world = makeWorld();
  const { near } = await connect(world);
  for (const pipe of world.network.pipes) world.network.breakPipe(pipe);
  await expect.poll(() => near.isOpen).toBe(false);
  const ends: (RaftkvError | undefined)[] = [];
  near.start({ onFrame: () => undefined, onClose: (error) => ends.push(error) });
  expect(ends).toEqual([]);
  await expect.poll(() => ends.map((error) => error?.code)).toEqual(['connection_lost']);
});
