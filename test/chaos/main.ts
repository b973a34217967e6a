// `npm run chaos`: reads the options, runs, prints what happens and the closing summary, and answers with the exit code: 0 all holds, 1 something
// does not, 2 usage. The run itself is run.ts.
import { distribution, electionTimeoutMilliseconds, histogram, percentile } from './deaths.ts';
import { readOptions, usage } from './options.ts';
import type { ChaosOptions } from './options.ts';
import { runChaos } from './run.ts';
import type { Outcome } from './run.ts';

/** Unavailability after a leader's death that is allowed, at the 99th percentile. */
const mostGapMilliseconds = 3 * electionTimeoutMilliseconds;

export async function main(words: readonly string[]): Promise<number> {
  let options: ChaosOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  console.log(`chaos: seed ${options.seed}, ${Math.round(options.seconds)} s, ${options.deaths} deaths of leaders`);
  const outcome = await runChaos(options, { log: console.log, progress: (line) => console.log(`--- ${line}`) });
  const isLate = options.deaths > 0 && percentile(outcome.deaths.gaps, 99) >= mostGapMilliseconds;
  console.log(summary(options, outcome));
  if (isLate) console.log(`FAILED: the 99th percentile must stay below ${mostGapMilliseconds} ms`);
  for (const finding of outcome.findings) console.log(`FAILED: ${finding}`);
  if (outcome.artefacts !== undefined) console.log(`histories and logs are in ${outcome.artefacts}`);
  if (isLate || outcome.findings.length > 0) {
    console.log(`again: npm run chaos -- ${words.join(' ')} --seed ${options.seed}`);
    return 1;
  }
  console.log('all holds: linearizable, nothing lost, watches whole and in order, members equal');
  return 0;
}

function summary(options: ChaosOptions, outcome: Outcome): string {
  const { counts, record } = outcome;
  const { gaps, lateness } = outcome.deaths;
  const rows = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([what, count]) => `  ${what}: ${count}`);
  const work = [...record.outcomes].map(([kind, { answered, refused, unknown }]) => {
    const took = record.acts.flatMap((act) =>
      act.kind === kind && act.ret !== null ? [(act.ret - act.call) / 1e6] : [],
    );
    return `  ${kind}: ${answered} answered, ${refused} refused, ${unknown} unknown; took ${distribution(took)}`;
  });
  const lines = [
    '',
    `seed ${options.seed}: ${record.acts.length} operations, ${outcome.revisions - 1} revisions, ${outcome.watches} watches`,
    ...work,
    'faults',
    ...rows,
  ];
  if (gaps.length > 0) {
    lines.push(
      `no writes after the death of a leader, ${gaps.length} times (election timeout ${electionTimeoutMilliseconds} ms):`,
    );
    lines.push(histogram(gaps), `  ${distribution(gaps)}`, `timers here were late by ${distribution(lateness)}`);
  }
  return lines.join('\n');
}
