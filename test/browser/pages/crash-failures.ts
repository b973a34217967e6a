// Transactions that fail: each, after each of its requests, in a run of its own. The storage must tell, stop and leave no trace, or try again
// as if nothing had been. Called by the page `crashes.ts`.
import type { Durability } from '@raftkv/storage/web';
import { contentOf, makeDatabase } from './crash-databases.ts';
import type { Doom, Lie } from './crash-recorder.ts';
import { reopen, run } from './crash-recording.ts';
import type { Recording, Run } from './crash-recording.ts';
import { stepCount } from './crash-run.ts';

export interface FailureReport {
  readonly findings: readonly string[];
  readonly runs: number;
  readonly attempts: number;
}

export interface FailureOptions {
  readonly durability: Durability;
  readonly how: Doom['how'];
  readonly lie?: Lie;
}

/** A run for each request of each transaction, in which that transaction fails after it. */
export async function checkFailures(
  { transactions, moments }: Recording,
  { durability, how, lie }: FailureOptions,
): Promise<FailureReport> {
  const findings: string[] = [];
  const counts = { runs: 0, attempts: 0 };
  await makeDatabase('raftkv/crashed', transactions);
  const whole = await contentOf('raftkv/crashed');
  for (const [transaction, { requestCount }] of transactions.entries()) {
    await makeDatabase('raftkv/crashed', transactions.slice(0, transaction));
    const before = { content: await contentOf('raftkv/crashed'), text: (await reopen('crashed')).text };
    for (let afterRequest = 1; afterRequest <= requestCount; afterRequest += 1) {
      const doom: Doom = { transaction, afterRequest, how };
      const failed = await run('failing', durability, { doom, lie });
      counts.runs += 1;
      counts.attempts += failed.recorder.failures;
      const wrong =
        how === 'abortedOnce'
          ? await wrongAfterRetry(failed, whole)
          : await wrongAfterFailure(failed, moments[transaction]!.acknowledged, before);
      findings.push(...wrong.map((each) => `transaction ${transaction} ${how} after request ${afterRequest}: ${each}`));
    }
  }
  return { findings, ...counts };
}

async function wrongAfterFailure(
  { recorder, progress, heard }: Run,
  acknowledged: number,
  before: { readonly content: string | undefined; readonly text: string },
): Promise<string[]> {
  const wrong: string[] = [];
  if (recorder.failures === 0) wrong.push('it did not fail');
  const [refusal] = progress.refusals;
  const isOpened = progress.begun > 0;
  // A member is halted by its storage; whoever could not open it has no member.
  if (isOpened ? heard.length !== 1 : refusal === undefined) wrong.push(`the storage reported ${heard.length} times`);
  for (const { code } of [...progress.refusals, ...heard]) {
    if (code !== 'storage_failed') wrong.push(`reported as ${code}`);
  }
  if (progress.isAlive) wrong.push('it writes on');
  if (progress.acknowledged !== acknowledged) {
    wrong.push(`${progress.acknowledged} steps were acknowledged, not ${acknowledged}`);
  }
  if ((await contentOf('raftkv/failing')) !== before.content) wrong.push('the database is not as before');
  const { text } = await reopen('failing');
  if (text.replaceAll('raftkv/failing', 'raftkv/crashed') !== before.text) wrong.push(`it reopens as ${text}`);
  return wrong;
}

async function wrongAfterRetry({ recorder, progress, heard }: Run, whole: string | undefined): Promise<string[]> {
  const wrong: string[] = [];
  if (recorder.failures !== 1) wrong.push(`it failed ${recorder.failures} times`);
  for (const { message } of [...progress.refusals, ...heard]) wrong.push(`reported: ${message}`);
  if (progress.acknowledged !== stepCount)
    wrong.push(`${progress.acknowledged} of ${stepCount} steps were acknowledged`);
  if ((await contentOf('raftkv/failing')) !== whole) wrong.push('the database is not as without the failure');
  return wrong;
}
