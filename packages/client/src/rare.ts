// What a page may never need of a client: transactions, the walks of scans, counts and status. In a page's production build `rare-later.ts` stands in the place
// of this module.
import type { CallOutcome } from './call.ts';
import type { Clock } from './clock.ts';
import type { Codec } from './codec.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import * as rare from './rare-calls.ts';

export type Rare = typeof rare;

/** `given`: what the call is about, if that is the caller's, and the codec that is to encode its values. */
export type BeginRare<T, Value, Given, Options = CallOptions> = (
  rare: Rare,
  options: Options,
  codec: Codec<Value>,
  given: Given,
) => Promise<T>;

/** Begins a call that needs it: here it is there. Throws what the call trips over. */
export function withRare<T, Value, Given, Options extends CallOptions>(
  _dispatcher: Dispatcher,
  { resolve }: Pick<CallOutcome, 'resolve'>,
  options: Options,
  begin: BeginRare<T, Value, Given, Options>,
  codec: Codec<Value>,
  given?: Given,
): void {
  resolve(begin(rare, options, codec, given!) as never);
}

/** Loads it before it is needed: here it is there. */
export async function loadRare(_clock: Clock): Promise<void> {}
