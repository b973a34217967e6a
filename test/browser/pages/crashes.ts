// The page of `storage-crashes.test.ts`: records the transactions of a small run over IndexedDB, then opens the storage on every database that
// a crash may leave of them, and fails each of them at each of its requests. What is not as promised is told as text.
import type { Durability } from '@raftkv/storage/web';
import { checkFailures } from './crash-failures.ts';
import type { FailureOptions, FailureReport } from './crash-failures.ts';
import { withMistake } from './crash-mistakes.ts';
import type { Mistake } from './crash-mistakes.ts';
import { checkPrefixes } from './crash-prefixes.ts';
import type { PrefixReport } from './crash-prefixes.ts';
import { prepare, run } from './crash-recording.ts';
import type { Recording } from './crash-recording.ts';
import { stepCount } from './crash-run.ts';

prepare();

/** What a test looks at of a recording. */
interface Overview {
  readonly steps: number;
  readonly acknowledged: number;
  readonly troubles: readonly string[];
  readonly moments: Recording['moments'];
  /** Of each transaction: mode, durability, requests, and the records that it changed. */
  readonly transactions: readonly (readonly [IDBTransactionMode, IDBTransactionDurability, number, string])[];
}

const recordings = new Map<Durability, Recording>();

const crashLab = {
  record: async (durability: Durability): Promise<Overview> => {
    const { recording, progress, heard } = await run('recorded', durability);
    recordings.set(durability, recording);
    return {
      steps: stepCount,
      acknowledged: progress.acknowledged,
      troubles: [...progress.refusals, ...heard].map(({ message }) => message),
      moments: recording.moments,
      transactions: recording.transactions.map((each) => [
        each.mode,
        each.durability,
        each.requestCount,
        each.changes.map((change) => (change.type === 'put' ? JSON.stringify(change.key) : change.type)).join(' '),
      ]),
    };
  },
  checkPrefixes: (durability: Durability): Promise<PrefixReport> => checkPrefixes(recordings.get(durability)!),
  checkFailures: (options: FailureOptions): Promise<FailureReport> =>
    checkFailures(recordings.get(options.durability)!, options),
  /** A storage that acknowledges what it has only sent off. */
  checkHasty: async (): Promise<PrefixReport> =>
    checkPrefixes((await run('recorded', 'strict', { lie: 'completeWhenSent' })).recording),
  /** A storage that takes what was aborted for complete; a few transactions of it. */
  checkDeaf: async (): Promise<FailureReport> => {
    const { transactions, moments } = recordings.get('strict')!;
    const few = { transactions: transactions.slice(0, 5), moments };
    return checkFailures(few, { durability: 'strict', how: 'refused', lie: 'completeWhenAborted' });
  },
  checkMistake: (mistake: Mistake): Promise<PrefixReport> =>
    checkPrefixes(withMistake(mistake, recordings.get('strict')!)),
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var crashLab: CrashLab;
}
export type CrashLab = typeof crashLab;

globalThis.crashLab = crashLab;
