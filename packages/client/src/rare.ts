// What a page may never need of a client: transactions, the walks of scans, counts and status. In a page's production build `rare-later.ts` stands in the place
// of this module.
import type { Codec } from './codec.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import type { UserKey } from './entry.ts';
import * as rare from './rare-calls.ts';

export type Rare = typeof rare;

/** `given`: what the call is about, if that is the caller's, and the codec that is to encode its values. */
export type BeginRare<T, Value, Given> = (
  rare: Rare,
  options: CallOptions,
  codec: Codec<Value>,
  given: Given,
) => Promise<T>;

/** Begins a call that needs it: here it is there. */
export function withRare<T, Value, Given>(
  _dispatcher: Dispatcher,
  options: CallOptions,
  begin: BeginRare<T, Value, Given>,
  codec?: Codec<Value>,
  given?: Given,
): Promise<T> {
  return begin(rare, options, codec!, given!);
}

/** Begins the walk of a scan: here it is `scanPages`. */
export function walkPages<Value, K extends UserKey>(
  _dispatcher: Dispatcher,
  ...walk: Parameters<typeof rare.scanPages<Value, K>>
): ReturnType<typeof rare.scanPages<Value, K>> {
  return rare.scanPages(...walk);
}

/** Loads it before it is needed: here it is there. */
export async function loadRare(): Promise<void> {}
