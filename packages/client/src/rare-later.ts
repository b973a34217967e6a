// Begins calls whose code is loaded with the first of them: transactions, writes with conditions, scans, counts and status. In a page's production build this
// stands in the place of `rare.ts`; calls that need none of this go on meanwhile.
import { loadRareLayouts } from '@raftkv/wire';
import type { RaftkvError } from '@raftkv/wire';
import type { CallOutcome } from './call.ts';
import type { Clock } from './clock.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import { loadLater } from './load-later.ts';
import type { BeginRare, Rare } from './rare.ts';

let loaded: Rare | undefined;
/** Of all clients: whoever waits goes on in the order in which all began to. */
let loading: Promise<Rare> | undefined;

/**
 * Once it is there, calls begin in the turn that they are made in, as others do. Before that, a call has read what it is given when it comes here, since that is
 * the caller's. Rejects, before anything was sent, with `connect_failed` if the code cannot be had, and meanwhile as any other call does; what is begun has what
 * is left of its time.
 */
export function withRare<T>(
  dispatcher: Dispatcher,
  { resolve, reject }: Pick<CallOutcome, 'resolve' | 'reject'>,
  options: CallOptions,
  begin: BeginRare<T>,
): void {
  if (loaded !== undefined) return resolve(begin(loaded, options) as never);
  const { clock } = dispatcher.settings;
  const convert = (): Promise<T> => {
    const { signal, endpoint, deadline } = call;
    return begin(loaded!, { signal, endpoint, timeoutMilliseconds: Math.max(1, deadline - clock.now()) });
  };
  // A call that is never sent: it hears of its time, its signal and of the end of the client.
  const call = dispatcher.open('read', undefined!, { convert, resolve, reject }, options);
  loadRare(clock).then(
    () => dispatcher.finish(call, {} as never),
    (error: RaftkvError) => dispatcher.fail(call, error),
  );
}

/** Loads it, or waits for it; also before it is needed, since then there may be no network. Rejects with `connect_failed`. */
export function loadRare(clock: Clock): Promise<Rare> {
  if (loading === undefined) {
    const load = async (): Promise<Rare> => (await Promise.all([import('./rare-calls.ts'), loadRareLayouts()]))[0];
    loading = loadLater(clock, load);
    // Heard before all who wait, who hear of it in one go: whoever comes between goes behind them.
    loading.then(
      (rare) => (loaded = rare),
      () => (loading = undefined),
    );
  }
  return loading;
}
