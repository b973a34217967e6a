// What a page may never need of the layouts, for the tables that it stands in. In a page's production build `rare-later.ts` stands in the place of this module.
export { scan, scanResult, statusAnswer, txn, txnResult, watch, watchChanges } from './rare-layouts.ts';

/** Loads what is behind them: here it is there. */
export async function loadRareLayouts(): Promise<void> {}
