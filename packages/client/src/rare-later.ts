// Begins calls whose code is loaded with the first of them: transactions, writes with conditions, scans, counts and status. In a page's production build this
// stands in the place of `rare.ts`; calls that need none of this go on meanwhile.
import { loadRareLayouts } from '@raftkv/wire';
import type { RaftkvError } from '@raftkv/wire';
import { checkCallOptions } from './checks.ts';
import type { Codec } from './codec.ts';
import { encodeValue } from './coding.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import type { UserKey } from './entry.ts';
import { loadLater } from './load-later.ts';
import type { BeginRare, Rare } from './rare.ts';
import type { scanPages } from './scan-pages.ts';

let loaded: Rare | undefined;

/**
 * Once it is there, calls begin in the turn that they are made in, as others do. Before that what they are given is taken as it is now, since it is the caller's,
 * and its values are encoded. Rejects, before anything was sent, with `connect_failed` if the code cannot be had, and meanwhile as any other call does; what is
 * begun has what is left of its time.
 */
export function withRare<T, Value, Given>(
  dispatcher: Dispatcher,
  options: CallOptions,
  begin: BeginRare<T, Value, Given>,
  codec?: Codec<Value>,
  given?: Given,
): Promise<T> {
  if (loaded !== undefined) return begin(loaded, options, codec!, given!);
  return new Promise<T>((resolve, reject) => {
    checkCallOptions(options);
    const { clock } = dispatcher.settings;
    const made = given && (kept(codec!, given) as Given);
    const convert = (): Promise<T> => {
      const left = { ...options, timeoutMilliseconds: Math.max(1, call.deadline - clock.now()) };
      return begin(loaded!, left, { ...codec!, encode: (value) => value as Uint8Array }, made!);
    };
    // A call that is never sent: it hears of its time, its signal and of the end of the client.
    const call = dispatcher.open('read', undefined!, { convert, resolve, reject }, options);
    loadLater(clock, loadRare).then(
      () => dispatcher.finish(call, new Uint8Array()),
      (error: RaftkvError) => dispatcher.fail(call, error),
    );
  });
}

/** A copy of what is the caller's, with its values encoded. */
function kept<Value>(codec: Codec<Value>, given: unknown): unknown {
  if (given instanceof Uint8Array) return given.slice();
  if (Array.isArray(given)) return given.map((each) => kept(codec, each));
  if (typeof given !== 'object' || given === null) return given;
  const entries = Object.entries(given).map(([name, each]) => [
    name,
    kept(codec, name === 'value' ? encodeValue(codec, each as Value) : each),
  ]);
  return Object.fromEntries(entries);
}

/** Begins the walk of a scan once its code is there. */
export async function* walkPages<Value, K extends UserKey>(
  dispatcher: Dispatcher,
  ...walk: Parameters<typeof scanPages<Value, K>>
): ReturnType<typeof scanPages<Value, K>> {
  const rare = await withRare(dispatcher, walk[3], async (had) => had);
  yield* rare.scanPages(...walk);
}

/** Loads it before it is needed, since then there may be no network. Rejects if it cannot be had now. */
export async function loadRare(): Promise<Rare> {
  const [rare] = await Promise.all([import('./rare-calls.ts'), loadRareLayouts()]);
  return (loaded = rare);
}
