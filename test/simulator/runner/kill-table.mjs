// The kill table: puts back one known bug after the other, runs seeds until a check fails, and writes what was caught by what, and how soon, into the README.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBundle } from './bundle.mjs';
import { mutants } from './mutants/index.mjs';
import { runSeeds } from './pool.mjs';

const readme = join(import.meta.dirname, '../README.md');
/** Rounds of a run, in seeds for each mutant that is not caught yet: those that are soon caught come first, and a run that is stopped has most of the table. */
const rounds = [15, 60, Infinity];
const [opening, closing] = ['<!-- kill table: begin -->', '<!-- kill table: end -->'];

/**
 * `only`: names of mutants; then the table is printed and not written. `minutes`: then it stops, and says what was not done. Answers how many were not
 * caught.
 */
export async function killTable({ only, from, maxSeeds, jobs, minutes }) {
  const names = only ?? Object.keys(mutants);
  const deadline = performance.now() + minutes * 60_000;
  const rows = names.map((name) => {
    const { what } = mutants[name];
    return { name, what, seeds: 0, cpuSeconds: 0, simulatedMilliseconds: 0, isStopped: true };
  });
  for (const upTo of rounds.map((most) => Math.min(most, maxSeeds))) {
    for (const row of rows) {
      if (row.failure !== undefined || row.seeds >= upTo) continue;
      await hunt(row, { from, upTo, jobs, deadline });
      row.isStopped = row.failure === undefined && row.seeds < maxSeeds;
      console.log(`${row.name}: ${words(row)}`);
    }
  }
  const table = format(rows, { from, maxSeeds });
  if (only === undefined) write(table);
  else console.log(table);
  return rows.filter(({ failure }) => failure === undefined).length;
}

async function hunt(row, { from, upTo, jobs, deadline }) {
  const { name } = row;
  if (performance.now() > deadline) return;
  const { file, remove } = await writeBundle({ name, ...mutants[name] });
  let seed = from + row.seeds;
  try {
    await runSeeds({
      bundle: file,
      jobs,
      next: () => (seed < from + upTo && performance.now() < deadline ? { seed: seed++ } : undefined),
      onResult: ({ verdict, cpuSeconds }) => {
        row.seeds += 1;
        row.cpuSeconds += cpuSeconds;
        row.simulatedMilliseconds += verdict.simulatedMilliseconds ?? 0;
        if (row.seeds % 50 === 0) console.log(`${name}: ${row.seeds} seeds, ${row.cpuSeconds.toFixed(0)} CPU seconds`);
        if (verdict.failure === undefined) return true;
        row.failure ??= { ...verdict.failure, seed: verdict.seed };
        return false;
      },
    });
  } finally {
    remove();
  }
}

function words({ failure, seeds, cpuSeconds, isStopped }) {
  const cost = `${seeds} seeds and ${cpuSeconds.toFixed(1)} CPU seconds`;
  if (failure === undefined) return `${isStopped ? 'stopped after' : 'NOT CAUGHT by'} ${cost}`;
  return `caught by "${failure.checker}" after ${cost}, seed ${failure.seed}: ${failure.message.split('\n')[0]}`;
}

function format(rows, { from, maxSeeds }) {
  const caught = rows.filter(({ failure }) => failure !== undefined);
  const cpuSeconds = rows.reduce((sum, row) => sum + row.cpuSeconds, 0);
  const hours = rows.reduce((sum, row) => sum + row.simulatedMilliseconds, 0) / 3_600_000;
  const lines = rows.map(({ name, what, failure, seeds, cpuSeconds: cost, isStopped }) => {
    const missed = isStopped ? 'not yet (the run was stopped)' : '**not caught**';
    const [by, seed] = failure === undefined ? [missed, '-'] : [failure.checker, failure.seed];
    return `| ${name} | ${what} | ${by} | ${seed} | ${seeds} | ${cost.toFixed(1)} |`;
  });
  const sum = `${caught.length} of ${rows.length} are caught within ${maxSeeds} seeds from seed ${from} on, with ${cpuSeconds.toFixed(0)} CPU seconds for ${hours.toFixed(2)} simulated hours in all.`;
  return [
    '| trap | what is broken | caught by | seed | after seeds | CPU seconds |',
    '|---|---|---|--:|--:|--:|',
    ...lines,
    '',
    sum,
  ].join('\n');
}

function write(table) {
  const text = readFileSync(readme, 'utf8');
  const [start, end] = [text.indexOf(opening), text.indexOf(closing)];
  if (start < 0 || end < start) throw new Error(`${readme} has no place for the table`);
  writeFileSync(readme, `${text.slice(0, start + opening.length)}\n\n${table}\n\n${text.slice(end)}`);
}
