// Crashes between transactions: a database of every first part of them is opened, also with opening cut off in its turn, and written on.
// Called by the page `crashes.ts`.
import { makeDatabase } from './crash-databases.ts';
import type { RecordedTransaction } from './crash-recorder.ts';
import { reopen } from './crash-recording.ts';
import type { Recording } from './crash-recording.ts';
import { referenceStates } from './crash-run.ts';

/** Opens a database that holds these transactions, and once more for each moment at which opening it could have been cut off. */
async function lookAt(transactions: readonly RecordedTransaction[], findings: string[]): Promise<[string, number]> {
  await makeDatabase('raftkv/crashed', transactions);
  const { text, transactions: opening } = await reopen('crashed');
  for (let done = 1; done <= opening.length; done += 1) {
    await makeDatabase('raftkv/crashed', [...transactions, ...opening.slice(0, done)]);
    const again = await reopen('crashed');
    if (again.text !== text) findings.push(`${done} transactions into opening, it is ${again.text} and not ${text}`);
  }
  return [text, opening.length];
}

/** A storage that was found goes on: what is written now is there with all the rest. */
async function checkGoesOn(transactions: readonly RecordedTransaction[], findings: string[]): Promise<void> {
  await makeDatabase('raftkv/crashed', transactions);
  const before = await reopen('crashed');
  const parsed = JSON.parse(before.text) as { entries: string[]; compactedIndex: number; notes: unknown[] };
  const index = parsed.compactedIndex + parsed.entries.length + 1;
  const hardState = { term: 9, votedFor: 'a9', commitIndex: index };
  await reopen('crashed', async (storage) => {
    const entries = [{ index, term: 9, kind: 'empty' as const, data: new Uint8Array(0) }];
    await Promise.all([storage.append({ hardState, entries }), storage.setNote('b', new Uint8Array([43]))]);
  });
  const expected = {
    ...parsed,
    hardState,
    entries: [...parsed.entries, `${index}.9  0`],
    notes: [parsed.notes[0], '+'],
  };
  const after = await reopen('crashed');
  const same = (text: string): unknown[] => Object.entries(JSON.parse(text) as object).sort();
  const [wanted, found] = [JSON.stringify(same(JSON.stringify(expected))), JSON.stringify(same(after.text))];
  if (wanted !== found) findings.push(`it does not go on: ${found} and not ${wanted}`);
}

export interface PrefixReport {
  readonly findings: readonly string[];
  /** The state after each number of transactions; -1 if it is none. */
  readonly found: readonly number[];
  readonly databases: number;
}

/** A database of every first part of the transactions: it shows one state, with all that was acknowledged and nothing that was not begun. */
export async function checkPrefixes({ transactions, moments }: Recording): Promise<PrefixReport> {
  const states = await referenceStates();
  const findings: string[] = [];
  const found: number[] = [];
  let databases = 0;
  for (const [count, { begun, acknowledged }] of moments.entries()) {
    const here: string[] = [];
    const prefix = transactions.slice(0, count);
    const [text, openings] = await lookAt(prefix, here);
    databases += 1 + openings;
    // A step that changes nothing leaves the state as it was: look for one that is new enough.
    const recent = states.indexOf(text, acknowledged);
    const state = recent === -1 ? states.indexOf(text) : recent;
    found.push(state);
    if (count === 0) {
      if (!text.startsWith('storage_missing')) here.push(`nothing is there, and it opens: ${text}`);
    } else if (state < acknowledged || state > begun) {
      here.push(`state ${state}, allowed ${acknowledged} to ${begun}: ${text}`);
    } else {
      await checkGoesOn(prefix, here);
      databases += 1;
    }
    findings.push(...here.map((each) => `after ${count} transactions: ${each}`));
  }
  return { findings, found, databases };
}
