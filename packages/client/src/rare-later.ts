// Begins calls whose code is loaded with the first of them: transactions, writes with conditions, and status. In a page's production build this stands in the
// place of `rare.ts`; calls that need none of this go on meanwhile.
import { RaftkvError, loadRareLayouts } from '@raftkv/wire';
import { checkCallOptions } from './checks.ts';
import { loadLater } from './load-later.ts';
import type { Settings } from './options.ts';
import type { Rare } from './rare.ts';
import type { RequestOptions } from './requests.ts';

let loaded: Rare | undefined;

/**
 * Once it is there, calls begin in the turn that they are made in, as others do. Rejects, before anything was sent, with `connect_failed` if the code cannot be
 * had, and with `timeout` if that takes as long as the call may.
 */
export function withRare<T>(
  settings: Settings,
  options: RequestOptions,
  begin: (rare: Rare) => Promise<T>,
): Promise<T> {
  if (loaded !== undefined) return begin(loaded);
  const { timeoutMilliseconds = settings.requestTimeoutMilliseconds } = options;
  return new Promise<Rare>((resolve, reject) => {
    checkCallOptions(options);
    const cancel = settings.clock.schedule(
      () => reject(new RaftkvError('timeout', `the code of this call was not loaded in ${timeoutMilliseconds} ms`)),
      timeoutMilliseconds,
    );
    loadLater(settings.clock, attempt).then(resolve, reject).finally(cancel);
  }).then(begin);
}

/** Loads it before it is needed, since then there may be no network. Rejects if it cannot be had now. */
export function loadRare(): Promise<unknown> {
  return attempt();
}

async function attempt(): Promise<Rare> {
  const [rare] = await Promise.all([import('./txn-shapes.ts'), loadRareLayouts()]);
  return (loaded = rare);
}
