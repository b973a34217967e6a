// `npm run chaos:web`: reads the options, runs, prints what happens and the closing summary, and answers with the exit code: 0 all holds, 1 something does not,
// 2 usage. The run itself is `run.ts`.
import { distribution, percentile } from '../chaos/deaths.ts';
import { readOptions, usage } from './options.ts';
import type { ChaosWebOptions } from './options.ts';
import { runChaosWeb } from './run.ts';
import type { Outcome } from './run.ts';

export async function main(words: readonly string[]): Promise<number> {
  let options: ChaosWebOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { on, seed, seconds, tabs, firefox } = options;
  console.log(
    `chaos among ${tabs} tabs (${on})${firefox ? ', one of them in Firefox' : ''}: seed ${seed}, ${seconds} s`,
  );
  const outcome = await runChaosWeb(options, console.log);
  console.log(summary(options, outcome));
  for (const finding of outcome.findings) console.log(`FAILED: ${finding}`);
  if (outcome.artefacts !== undefined) console.log(`histories are in ${outcome.artefacts}`);
  if (outcome.findings.length > 0) {
    console.log(`again: npm run chaos:web -- ${words.join(' ')} --seed ${seed}`);
    return 1;
  }
  console.log(
    'all holds: linearizable, nothing lost, one leader a term, members equal, and the store went on each time',
  );
  return 0;
}

function summary({ seed }: ChaosWebOptions, outcome: Outcome): string {
  const { record, faults, healed, pauses, deaths, revisions, elections, restarts } = outcome;
  const work = [...record.outcomes].map(([kind, { answered, refused, unknown }]) => {
    const took = record.acts.flatMap((act) =>
      act.kind === kind && act.ret !== null ? [(act.ret - act.call) / 1e6] : [],
    );
    return `  ${kind}: ${answered} answered, ${refused} refused, ${unknown} unknown; took ${distribution(took)}`;
  });
  const count = [...faults.values()].reduce((sum, one) => sum + one, 0);
  const kinds = [...faults].toSorted(([a], [b]) => a.localeCompare(b)).map(([name, times]) => `${name} ${times}`);
  const gaps = (name: string, samples: readonly number[]): string[] =>
    samples.length === 0
      ? []
      : [
          `${name}, ${samples.length} times: p50 ${Math.round(percentile(samples, 50))}, p99 ${Math.round(percentile(samples, 99))} ms`,
        ];
  return [
    '',
    `seed ${seed}: ${record.acts.length} operations, ${revisions - 1} revisions, ${elections} elections, ${restarts} members began anew after a gap`,
    ...work,
    `${count} faults: ${kinds.join(', ')}`,
    ...(healed.length === 0 ? [] : [`healed after ${distribution(healed)}`]),
    ...(pauses.length === 0 ? [] : [`nobody was answered, in rounds that left a majority: ${distribution(pauses)}`]),
    ...gaps('no writes after the tab that led was closed', deaths.closed),
    ...gaps('no writes after the process of the tab that led was killed', deaths.crashed),
    ...gaps('another was elected then', deaths.elected),
  ].join('\n');
}
