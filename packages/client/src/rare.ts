// What a page may never need of a client: the shapes of transactions, and with them the layouts of those and of a node's status. In a page's production build
// `rare-later.ts` stands in the place of this module.
import { txnCommand, txnResult } from './txn-shapes.ts';
import type { Settings } from './options.ts';
import type { RequestOptions } from './requests.ts';

export interface Rare {
  readonly txnCommand: typeof txnCommand;
  readonly txnResult: typeof txnResult;
}

/** Begins a call that needs it: here it is there. */
export function withRare<T>(
  _settings: Settings,
  _options: RequestOptions,
  begin: (rare: Rare) => Promise<T>,
): Promise<T> {
  return begin({ txnCommand, txnResult });
}

/** Loads it before it is needed: here it is there. */
export async function loadRare(): Promise<void> {}
