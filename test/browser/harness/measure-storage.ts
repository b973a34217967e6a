// What the tab's storage does in a second: batches with one caller that waits for each, and with many that share transactions, strict and relaxed.
// Called by the web benchmark; a suite runs it small, so that it goes on working.
import type { Tab } from './tabs.ts';

export interface StorageFigures {
  readonly durability: 'strict' | 'relaxed';
  /** Callers that append at the same time, each waiting for its own batch. */
  readonly callers: number;
  readonly batchesPerSecond: number;
  readonly transactionsPerSecond: number;
  /** Of one batch, from the call to the acknowledgement. */
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

/** `tab` has the page `storage` open. Each batch is one entry of `entryBytes`. */
export async function measureStorage(
  tab: Tab,
  {
    batches,
    entryBytes = 256,
    callers = [1, 64],
  }: { batches: number; entryBytes?: number; callers?: readonly number[] },
): Promise<StorageFigures[]> {
  const figures: StorageFigures[] = [];
  for (const durability of ['strict', 'relaxed'] as const) {
    for (const count of callers) {
      const wanted = { durability, callers: count, batches: count === 1 ? batches : batches * 10, entryBytes };
      figures.push(await tab.page.evaluate((options) => storageLab.measureBatches(options), wanted));
    }
  }
  return figures;
}
