// Faults of processes and of what is below them: killed, stopped in order, paused, without power, with a disk that fails or stalls, with a clock that
// is set. Whoever is killed comes back with what it kept. Networks are network-faults.ts.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { attachFault } from '../../e2e/harness/faults.ts';
import { sleep, waitFor, within } from '../../e2e/harness/wait.ts';
import { named, someCount } from './fault.ts';
import type { Fault, FaultContext } from './fault.ts';

const syncs = 'fdatasync,fsync';

/** Takes members, does something to them, and lets them run again. */
async function withMembers(
  context: FaultContext,
  count: number,
  what: string,
  act: (members: readonly number[]) => Promise<void>,
): Promise<void> {
  const members = await context.claims.take(context, count);
  if (members.length === 0) return;
  context.log(`${what} ${named(context, members)}`);
  try {
    await act(members);
    for (const member of members) if (!context.arena.cluster.isRunning(member)) context.arena.launch(member);
  } finally {
    context.claims.release(members);
  }
}

const kill: Fault = {
  name: 'kill',
  weight: 2,
  isPossible: () => true,
  run: (context) =>
    withMembers(context, someCount(context.arena.members.length, context.random), 'kill -9', async (members) => {
      await context.arena.kill(members);
      await sleep(context.random() < 0.3 ? 0 : context.holdMilliseconds);
    }),
};

const restart: Fault = {
  name: 'restart',
  isPossible: () => true,
  run: (context) =>
    withMembers(context, 1, 'stop in order', async ([member]) => {
      const exit = await context.arena.stop(member!);
      if (exit.code !== 0) throw new Error(`stopped in order it ended with ${exit.code ?? exit.signal}`);
    }),
};

const pause: Fault = {
  name: 'pause',
  weight: 2,
  isPossible: () => true,
  run: (context) =>
    withMembers(context, someCount(context.arena.members.length, context.random), 'pause', async (members) => {
      for (const member of members) context.arena.cluster.pause(member);
      await sleep(context.holdMilliseconds);
      for (const member of members) context.arena.cluster.resume(member);
    }),
};

const powerCut: Fault = {
  name: 'power-cut',
  weight: 2,
  isPossible: (arena) => arena.disks.length > 0,
  run: (context) =>
    withMembers(
      context,
      someCount(context.arena.members.length, context.random),
      'cut the power of',
      async (members) => {
        const { arena, random, count, log } = context;
        // Mostly the disks are slow when it happens, so that more is written and not synced.
        const detach = random() < 0.7 && arena.canTrace ? await stall(context, members, 150_000) : [];
        await sleep(random() * 150);
        const loss = await arena.cutPower(members);
        for (const end of detach) end();
        count('members without power', members.length);
        if (loss.bytes + loss.names > 0) count('power cuts that took unsynced data');
        count('unsynced bytes taken', loss.bytes);
        log(`the power cut took ${loss.bytes} bytes and ${loss.names} names`);
        await sleep(random() < 0.3 ? 0 : context.holdMilliseconds);
      },
    ),
};

const syncFails: Fault = {
  name: 'sync-fails',
  isPossible: (arena) => arena.canTrace,
  run: (context) =>
    withMembers(context, 1, 'syncs fail on', async ([member]) => {
      const { arena, log, count } = context;
      const server = arena.doom(member!);
      const trace = path.join(arena.cluster.directory, `trace${member}`);
      const detach = attachFault(server.pid, trace, { calls: syncs, inject: 'error=EIO' });
      try {
        await within(60_000 + context.holdMilliseconds, 'a sync', server.exited);
        if (server.exit?.code !== 1 || !server.stderr.includes('[storage_failed]'))
          throw new Error(`after a failed sync it ended with ${server.exit?.code}\n${server.logTail()}`);
        count('members that stopped at a failed sync');
      } catch (error) {
        if (server.exit !== undefined) throw error;
        log(`no sync on ${named(context, [member!])} meanwhile: killed`);
        await arena.kill([member!]);
      } finally {
        detach();
      }
    }),
};

const syncStalls: Fault = {
  name: 'sync-stalls',
  isPossible: (arena) => arena.canTrace,
  run: (context) =>
    withMembers(context, 1 + Math.floor(context.random() * 2), 'syncs stall on', async (members) => {
      const detach = await stall(context, members, 20_000 + Math.floor(context.random() * 500_000));
      await sleep(context.holdMilliseconds);
      for (const end of detach) end();
    }),
};

/** From when this resolves every sync takes so long before it begins, until the answers are called. */
async function stall(
  context: FaultContext,
  members: readonly number[],
  microseconds: number,
): Promise<readonly (() => void)[]> {
  const { cluster } = context.arena;
  const pids = members.map((member) => cluster.process(member).pid);
  const detach = members.map((member, at) => {
    const trace = path.join(cluster.directory, `trace${member}`);
    return attachFault(pids[at]!, trace, { calls: syncs, inject: `delay_enter=${microseconds}` });
  });
  await waitFor('the tracers are attached', () => pids.every(isTraced), { intervalMilliseconds: 5 });
  return detach;
}

/** In all its threads: syncs run in those of the pool. */
function isTraced(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every(
    (thread) => !readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8').includes('TracerPid:\t0\n'),
  );
}

const clockJump: Fault = {
  name: 'clock-jump',
  weight: 2,
  isPossible: (arena) => arena.clocks.length > 0,
  async run(context) {
    const { arena, random, log, count } = context;
    const reach = [1, 60, 86_400, 400 * 86_400][Math.floor(random() * 4)]!;
    for (const member of arena.members) {
      if (random() < 0.4) continue;
      const offset = Math.round((random() * 2 - 1) * reach * 100) / 100;
      arena.clocks[member]!.jump(offset);
      count('clocks set');
      log(`the clock of ${arena.cluster.name(member)} jumps to ${offset} s`);
    }
    await sleep(context.holdMilliseconds);
    if (random() < 0.5) for (const clock of arena.clocks) clock.jump(0);
  },
};

export const processFaults: readonly Fault[] = [kill, restart, pause, powerCut, syncFails, syncStalls, clockJump];
