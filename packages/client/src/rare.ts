// What a page may never need of a client: transactions, the walks of scans, counts and status. In a page's production build `rare-later.ts` stands in the place
// of this module.
import type { CallOutcome } from './call.ts';
import type { Clock } from './clock.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import * as rare from './rare-calls.ts';

export type Rare = typeof rare;

/** `options`: those of the call, with what is left of its time. */
export type BeginRare<T> = (rare: Rare, options: CallOptions) => Promise<T>;

/** Begins a call that needs it: here it is there. Throws what the call trips over. */
export function withRare<T>(
  _dispatcher: Dispatcher,
  { resolve }: Pick<CallOutcome, 'resolve'>,
  options: CallOptions,
  begin: BeginRare<T>,
): void {
  resolve(begin(rare, options) as never);
}

/** Loads it before it is needed: here it is there. */
export async function loadRare(_clock: Clock): Promise<void> {}
