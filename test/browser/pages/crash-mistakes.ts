// Recordings as a storage would leave them that is made wrong, which the enumeration must find out. Called by the page `crashes.ts`.
import type { RecordedRequest, RecordedTransaction } from './crash-recorder.ts';
import type { Recording } from './crash-recording.ts';

export type Mistake = keyof typeof mistakes;

export function withMistake(mistake: Mistake, recording: Recording): Recording {
  return mistakes[mistake](recording);
}

const mistakes = { appendInTwo, pointerFirst };

/** Each append takes two transactions: its chunks of the log, and then the fence that counts them. */
function appendInTwo({ transactions, moments }: Recording): Recording {
  const isChunk = (change: RecordedRequest): boolean => change.type === 'put' && typeof change.key === 'number';
  const parts: RecordedTransaction[] = [];
  const partMoments = [moments[0]!];
  for (const [n, whole] of transactions.entries()) {
    const after = moments[n + 1]!;
    const chunks = whole.changes.filter(isChunk);
    if (chunks.length > 0) {
      parts.push({ ...whole, changes: chunks });
      // Begun; acknowledged with the second half, as it was with the whole.
      partMoments.push({ begun: after.begun, acknowledged: moments[n]!.acknowledged });
    }
    parts.push({ ...whole, changes: whole.changes.filter((change) => !isChunk(change)) });
    partMoments.push(after);
  }
  return { transactions: parts, moments: partMoments };
}

/** The mark points at a snapshot before all of its chunks are there. */
function pointerFirst({ transactions, moments }: Recording): Recording {
  const puts = (transaction: RecordedTransaction, isIt: (key: IDBValidKey) => boolean): boolean =>
    transaction.changes.some((change) => change.type === 'put' && isIt(change.key));
  const swapped = [...transactions];
  for (let n = 1; n < swapped.length; n += 1) {
    const [before, now] = [swapped[n - 1]!, swapped[n]!];
    const isChunkBeforeMark = puts(before, Array.isArray) && puts(now, (key) => key === 'mark');
    if (isChunkBeforeMark) swapped.splice(n - 1, 2, now, before);
  }
  return { transactions: swapped, moments };
}
