// `npm run simulate`: soaks seeds on worker processes, replays one with its trace, or shrinks one that fails.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { writeBundle } from './bundle.mjs';
import { mutants } from './mutants/index.mjs';
import { runSeeds } from './pool.mjs';
import { Tally } from './tally.mjs';

const usage = `npm run simulate -- --seeds N [--from S] [--jobs J] [--minutes M] [--mutant NAME] [--keep-going]
npm run simulate -- --seed S [--mutant NAME] [--adjust JSON] [--quiet]     replays one, with its trace
npm run simulate -- --shrink S [--mutant NAME]                             finds the least that still fails
npm run simulate -- --kill-table [--only NAME --only NAME] [--seeds N] [--minutes M]     puts known bugs back, one at a time; writes the table of the README`;

process.exitCode = await main();

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      shrink: { type: 'string' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      minutes: { type: 'string' },
      mutant: { type: 'string' },
      adjust: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      'kill-table': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
    },
  });
  if (values['kill-table']) return await table(values);
  if (
    values.seeds === undefined &&
    values.seed === undefined &&
    values.shrink === undefined &&
    values.minutes === undefined
  ) {
    console.error(usage);
    return 2;
  }
  const mutant = values.mutant === undefined ? undefined : mutants[values.mutant];
  if (values.mutant !== undefined && mutant === undefined) {
    console.error(`no such mutant: ${values.mutant}; there are ${Object.keys(mutants).join(', ')}`);
    return 2;
  }
  const { file, remove } = await writeBundle(mutant && { name: values.mutant, ...mutant });
  process.on('SIGINT', () => {
    remove();
    process.exit(130);
  });
  try {
    if (values.seed !== undefined) return await replay(file, values);
    if (values.shrink !== undefined)
      return await (await import('./shrink.mjs')).shrink(file, Number(values.shrink), values);
    return await soak(file, values);
  } finally {
    remove();
  }
}

async function table({ only, from, seeds = '500', jobs, minutes = 'Infinity' }) {
  const unknown = only?.find((name) => mutants[name] === undefined);
  if (unknown !== undefined) {
    console.error(`no such mutant: ${unknown}; there are ${Object.keys(mutants).join(', ')}`);
    return 2;
  }
  const { killTable } = await import('./kill-table.mjs');
  const missed = await killTable({
    only,
    from: Number(from),
    maxSeeds: Number(seeds),
    jobs: Number(jobs),
    minutes: Number(minutes),
  });
  return missed === 0 ? 0 : 1;
}

async function replay(bundle, { seed, adjust, quiet }) {
  let failed = false;
  const task = { seed: Number(seed), adjust: adjust === undefined ? undefined : JSON.parse(adjust), verbose: !quiet };
  const tasks = [task];
  await runSeeds({
    bundle,
    jobs: 1,
    next: () => tasks.shift(),
    onResult: ({ verdict, cpuSeconds, lines }) => {
      for (const line of lines) console.log(line);
      const { failure, ...rest } = verdict;
      console.log(JSON.stringify({ ...rest, cpuSeconds }));
      if (failure !== undefined) console.log(`FAILED  ${failure.checker}\n${failure.message}`);
      failed = failure !== undefined;
    },
  });
  return failed ? 1 : 0;
}

async function soak(bundle, values) {
  const from = Number(values.from);
  const end = values.seeds === undefined ? Infinity : from + Number(values.seeds);
  const deadline = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
  const tally = new Tally(values.mutant);
  let seed = from;
  const progress = setInterval(() => console.log(tally.progress()), 10_000);
  try {
    await runSeeds({
      bundle,
      jobs: Number(values.jobs),
      next: () => (seed < end && performance.now() < deadline ? { seed: seed++ } : undefined),
      onResult: (result) => {
        tally.add(result);
        return result.verdict.failure === undefined || values['keep-going'];
      },
    });
  } finally {
    clearInterval(progress);
  }
  console.log(tally.summary());
  return tally.failures.length === 0 ? 0 : 1;
}
