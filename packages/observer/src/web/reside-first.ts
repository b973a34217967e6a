// A replica in this page that is at work before all of its code is there. What tabs say to each other is loaded at once only where another tab holds the
// replica; a tab that is alone loads it when it has read its copy, since the next tab may come when nothing can be loaded any more.
import { RaftkvError } from '@raftkv/wire';
import { reside } from './residence.ts';
import type { AnyAssembly, Residence, ResidenceOptions } from './residence.ts';
import type { Sharing, Tenancy } from './tenancy.ts';

/** Answers, or rejects where the code cannot be had now. */
export type LoadSharing = () => Promise<(tenancy: Tenancy) => Sharing>;

/** A lock that is free is had within this; else another tab has it. */
const lockMilliseconds = 20;
/** Before each further attempt, twice as long as before the last one. */
const firstPauseMilliseconds = 500;
const longestPauseMilliseconds = 30_000;

/** `load`: default by `import`. */
export function resideFirst(
  assembly: AnyAssembly,
  options: ResidenceOptions,
  load: LoadSharing = loadTabSharing,
): Residence {
  let tenancy: Tenancy | undefined;
  const residence = reside(assembly, options, (made) => (tenancy = made));
  void loadLater(assembly, residence, tenancy, load);
  return residence;
}

async function loadTabSharing(): ReturnType<LoadSharing> {
  const { TabSharing } = await import('./tab-sharing.ts');
  return (tenancy) => new TabSharing(tenancy);
}

/**
 * Tries until it has it. Meanwhile the tab follows the cluster itself, whoever holds; if nobody feeds it, its status says why. `tenancy` is undefined where there
 * are no locks: it talks with no tab then, and what its client calls later is all there is to load.
 */
async function loadLater(
  assembly: AnyAssembly,
  residence: Residence,
  tenancy: Tenancy | undefined,
  load: LoadSharing,
): Promise<void> {
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void assembly.settings.clock.schedule(resolve, milliseconds));
  await pause(lockMilliseconds);
  if (tenancy?.isHolder !== false) await residence.settled;
  let isShared = tenancy === undefined;
  for (let next = firstPauseMilliseconds; ; next = Math.min(2 * next, longestPauseMilliseconds)) {
    if (assembly.status.phase === 'closed') return;
    try {
      if (!isShared) tenancy!.share((await load())(tenancy!));
      isShared = true;
      await assembly.client.prefetch();
      return;
    } catch (error) {
      // What is only of use later is no news.
      if (!isShared) assembly.feedFailed(RaftkvError.from(error, 'connect_failed'));
    }
    await pause(next);
  }
}
