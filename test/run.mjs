// `npm test`: every check of the repository, cheapest first, and one closing line with the counts. It stops at the first
// step that fails. `npm test -- unit` runs the named steps alone, `npm test -- --keep-going` does not stop at a failure.
// What the steps check lives in their own folders; this file only runs and counts.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'raftkv-test-'));

/** A suite is a vitest project, or several: its tests are counted. The minutes bound a step that hangs, with room for a slow machine. */
const steps = [
  { name: 'format', command: ['oxfmt', '--check', '.'], minutes: 2 },
  { name: 'lint', command: ['oxlint', '-c', 'test/architecture/oxlint.json', '--deny-warnings', '.'], minutes: 2 },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'], minutes: 6 },
  { name: 'types', command: ['npm', 'run', '--silent', 'typecheck'], minutes: 6 },
  { name: 'architecture', suite: true, minutes: 5 },
  { name: 'knip', command: ['knip'], minutes: 3 },
  { name: 'unit', suite: true, minutes: 25 },
  { name: 'simulator', suite: true, minutes: 15 },
  { name: 'react', suite: true, project: 'react-*', minutes: 10 },
  { name: 'packages', suite: true, minutes: 10 },
  { name: 'browser', suite: true, minutes: 20 },
  { name: 'process', suite: true, minutes: 35 },
];

let running;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopGroup(running, signal);
    rmSync(reports, { recursive: true, force: true });
    process.exit(130);
  });
}
process.exitCode = await main(process.argv.slice(2));
rmSync(reports, { recursive: true, force: true });

async function main(words) {
  const keepGoing = words.includes('--keep-going');
  const wanted = words.filter((word) => word !== '--keep-going');
  const unknown = wanted.filter((word) => !steps.some((step) => step.name === word));
  if (unknown.length > 0) {
    console.error(`no such step: ${unknown.join(', ')}; the steps are ${steps.map((step) => step.name).join(', ')}`);
    return 2;
  }
  const started = performance.now();
  const results = [];
  for (const step of steps) {
    if (wanted.length > 0 && !wanted.includes(step.name)) continue;
    const result = await runStep(step);
    results.push(result);
    if (result.problem !== undefined && !keepGoing) break;
  }
  return report(results, performance.now() - started);
}

/** Runs one step and judges it: `problem` is a sentence when it failed. */
async function runStep(step) {
  console.log(`\n=== ${step.name} ===`);
  const started = performance.now();
  const reportFile = join(reports, `${step.name}.json`);
  const command = step.suite
    ? [
        'vitest',
        'run',
        '--project',
        step.project ?? step.name,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
      ]
    : step.command;
  let problem = await execute(command, step.minutes);
  const counts = step.suite ? readCounts(reportFile) : undefined;
  if (counts !== undefined) {
    if (counts.failed > 0) problem = `${counts.failed} failed`;
    if (counts.skipped > 0) problem ??= `${counts.skipped} skipped, and a skipped test proves nothing`;
    if (counts.passed === 0) problem ??= 'no test ran';
  }
  console.log(`=== ${step.name}: ${problem ?? 'ok'} in ${duration(performance.now() - started)} ===`);
  return { name: step.name, problem, counts };
}

/** Resolves with what went wrong, or undefined. The child leads a process group of its own, so that nothing outlives it. */
function execute([program, ...words], minutes) {
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` },
    });
    running = child;
    let isLate = false;
    const alarm = setTimeout(() => {
      isLate = true;
      stopGroup(child, 'SIGKILL');
    }, minutes * 60_000);
    const finish = (problem) => {
      clearTimeout(alarm);
      running = undefined;
      resolve(isLate ? `not done after ${minutes} minutes, stopped` : problem);
    };
    child.on('error', (error) => finish(error.message));
    child.on('exit', (code, signal) => finish(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
}

function stopGroup(child, signal) {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

function readCounts(file) {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: read.numPassedTests,
      failed: read.numFailedTests,
      skipped: read.numPendingTests + read.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

function report(results, elapsedMilliseconds) {
  const suites = results.filter((result) => result.counts !== undefined);
  const sum = (key) => suites.reduce((total, { counts }) => total + counts[key], 0);
  const failures = results.filter((result) => result.problem !== undefined);
  console.log('');
  for (const { name, problem } of failures) console.log(`raftkv: ${name}: ${problem}`);
  if (suites.length > 0) {
    const each = suites.map(({ name, counts }) => `${name} ${counts.passed}`).join(', ');
    const counts = `${sum('failed')} failed, ${sum('skipped')} skipped`;
    console.log(`raftkv: ${sum('passed')} tests passed, ${counts} in ${duration(elapsedMilliseconds)} (${each})`);
    console.log(`${sum('passed')} passed, ${counts}`);
  }
  if (failures.length === 0) console.log(`raftkv: all ${results.length} steps passed`);
  return failures.length === 0 ? 0 : 1;
}

function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${(milliseconds / 1000).toFixed(1)}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
