// The places of rare layouts in the tables, empty until `loadRareLayouts` has answered: whoever scans, watches, sends a transaction or asks for a status loads
// them first. In a page's production build this stands in the place of `rare.ts`.
import type { ScanResult, TxnCommand } from '@raftkv/kv';
import type { ScanRequest, StatusMessage, WatchEvents, WatchRequest } from './client.ts';
import type { Layout, Variant } from './layout.ts';
import type { AnyResult } from './plain-result.ts';

// A server that answers what nobody asked is no server: reading then throws, which ends the connection.
export const scan = empty<ScanRequest>(4);
export const scanResult = empty<ScanResult>(4);
export const statusAnswer = empty<StatusMessage>(9);
export const txn = empty<TxnCommand>(5);
export const txnResult = empty<Extract<AnyResult, { readonly type: 'txn' }>>(6);
export const watch = empty<WatchRequest>(5);
export const watchChanges = empty<WatchEvents>(6);

function empty<T>(tag: number): Variant<T> {
  return [tag, {} as Layout<Omit<T, 'type'>>];
}

/** Rejects where the code cannot be had now. */
export async function loadRareLayouts(): Promise<void> {
  const { fillRare } = await import('./fill-rare.ts');
  fillRare([scan, scanResult, statusAnswer, txn, txnResult, watch, watchChanges] as unknown as Variant<never>[]);
}
