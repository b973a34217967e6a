// The kill table: puts back one known bug after the other, runs seeds until a check fails, and writes what was caught by what, and how soon, into the README.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBundle } from './bundle.mjs';
import { mutants } from './mutants/index.mjs';
import { runSeeds } from './pool.mjs';

const readme = join(import.meta.dirname, '../README.md');
const [opening, closing] = ['<!-- kill table: begin -->', '<!-- kill table: end -->'];

/** `only`: names of mutants; then the table is printed and not written. Answers how many were not caught. */
export async function killTable({ only, from, maxSeeds, jobs }) {
  const names = only ?? Object.keys(mutants);
  const rows = [];
  for (const name of names) {
    const row = await hunt(name, { from, maxSeeds, jobs });
    rows.push(row);
    console.log(`${name}: ${words(row)}`);
  }
  const table = format(rows, { from, maxSeeds });
  if (only === undefined) write(table);
  else console.log(table);
  return rows.filter(({ failure }) => failure === undefined).length;
}

async function hunt(name, { from, maxSeeds, jobs }) {
  const mutant = mutants[name];
  const { file, remove } = await writeBundle({ name, ...mutant });
  const row = { name, what: mutant.what, seeds: 0, cpuSeconds: 0, simulatedMilliseconds: 0 };
  let seed = from;
  try {
    await runSeeds({
      bundle: file,
      jobs,
      next: () => (seed < from + maxSeeds ? { seed: seed++ } : undefined),
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
  return row;
}

function words({ failure, seeds, cpuSeconds }) {
  const cost = `${seeds} seeds and ${cpuSeconds.toFixed(1)} CPU seconds`;
  if (failure === undefined) return `NOT CAUGHT by ${cost}`;
  return `caught by "${failure.checker}" after ${cost}, seed ${failure.seed}: ${failure.message.split('\n')[0]}`;
}

function format(rows, { from, maxSeeds }) {
  const caught = rows.filter(({ failure }) => failure !== undefined);
  const cpuSeconds = rows.reduce((sum, row) => sum + row.cpuSeconds, 0);
  const hours = rows.reduce((sum, row) => sum + row.simulatedMilliseconds, 0) / 3_600_000;
  const lines = rows.map(({ name, what, failure, seeds, cpuSeconds: cost }) => {
    const [by, seed] = failure === undefined ? ['**not caught**', '-'] : [failure.checker, failure.seed];
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
  execFileSync('npx', ['oxfmt', readme], { stdio: 'inherit' });
}
