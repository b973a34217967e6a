// Begins calls whose code is loaded with the first of them: transactions, writes with conditions, scans, counts and status. In a page's production build this
// stands in the place of `rare.ts`; calls that need none of this go on meanwhile.
import { loadRareLayouts } from '@raftkv/wire';
import type { RaftkvError } from '@raftkv/wire';
import type { CallOutcome } from './call.ts';
import type { Clock } from './clock.ts';
import type { Codec } from './codec.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import { kept } from './kept.ts';
import { loadLater } from './load-later.ts';
import type { BeginRare, Rare } from './rare.ts';

let loaded: Rare | undefined;
/** Of all clients: whoever waits goes on in the order in which all began to. */
let loading: Promise<Rare> | undefined;
/** Calls that wait. While there are any, others wait behind them. */
let waiting = 0;

/**
 * Once it is there, calls begin in the turn that they are made in, as others do. Before that what they are given is taken as it is now, since it is the caller's,
 * and its values are encoded; throws what cannot be. Rejects, before anything was sent, with `connect_failed` if the code cannot be had, and meanwhile as any
 * other call does; what is begun has what is left of its time.
 */
export function withRare<T, Value, Given, Options extends CallOptions>(
  dispatcher: Dispatcher,
  { resolve, reject }: Pick<CallOutcome, 'resolve' | 'reject'>,
  options: Options,
  begin: BeginRare<T, Value, Given, Options>,
  codec: Codec<Value>,
  given?: Given,
): void {
  if (loaded !== undefined && waiting === 0) return resolve(begin(loaded, options, codec, given!) as never);
  const { clock } = dispatcher.settings;
  const made = kept(given!, codec as Codec<never>);
  const taken = { ...options };
  const convert = (): Promise<T> => {
    const left = { ...taken, timeoutMilliseconds: Math.max(1, call.deadline - clock.now()) };
    return begin(loaded!, left, { ...codec, encode: (value) => value as Uint8Array }, made);
  };
  // A call that is never sent: it hears of its time, its signal and of the end of the client.
  const call = dispatcher.open('read', undefined!, { convert, resolve, reject }, taken);
  waiting += 1;
  loadRare(clock).then(
    () => {
      waiting -= 1;
      dispatcher.finish(call, new Uint8Array());
    },
    (error: RaftkvError) => {
      waiting -= 1;
      dispatcher.fail(call, error);
    },
  );
}

/** Loads it, or waits for it; also before it is needed, since then there may be no network. Rejects with `connect_failed`. */
export function loadRare(clock: Clock): Promise<Rare> {
  const load = async (): Promise<Rare> => {
    const [rare] = await Promise.all([import('./rare-calls.ts'), loadRareLayouts()]);
    return (loaded = rare);
  };
  return (loading ??= loadLater(clock, load).catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));
}
