// The places of rare layouts in the tables, empty until `loadRareLayouts` has answered: whoever sends a transaction or asks for a status loads them first. In a
// page's production build this stands in the place of `rare.ts`.
import type { TxnCommand } from '@raftkv/kv';
import type { NodeStatus } from './client.ts';
import type { Layout, Variant } from './layout.ts';
import type { AnyResult } from './plain-result.ts';

// A server that answers what nobody asked is no server: reading then throws, which ends the connection.
export const status = { size: 1 } as Layout<NodeStatus>;
export const txn = [5, { size: 3 }] as unknown as Variant<TxnCommand>;
export const txnResult = [6, { size: 3 }] as unknown as Variant<Extract<AnyResult, { readonly type: 'txn' }>>;

/** Rejects where the code cannot be had now. */
export async function loadRareLayouts(): Promise<void> {
  const loaded = await import('./rare-layouts.ts');
  Object.assign(status, loaded.status);
  Object.assign(txn[1], loaded.txn[1]);
  Object.assign(txnResult[1], loaded.txnResult[1]);
}
