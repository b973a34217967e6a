// `npm test`: every check of the repository, cheapest first, and one closing line with the counts. It stops at the first
// step that fails. `npm test -- unit` runs the named steps alone, `npm test -- --keep-going` does not stop at a failure.
// What the steps check lives in their own folders; this file only runs and counts. What mostly waits runs beside something else.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readReport } from './reports.mjs';

const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'raftkv-test-'));

/**
 * A suite is a vitest project, or several: its tests are counted. The minutes bound a step that hangs, with room for a slow machine.
 * `isIdle`: it computes and does not care how long it takes. Such steps run one after another beside the others, with what those leave of the cores, so that
 * suites that wait for timeouts do not get later by them. `isAlone`: it measures time or floods, and nothing runs beside it.
 * `again`: its tests have real browsers and processes, on a machine that may stand still for a while. When all that failed, in few files, only ran out of
 * time, these files run a second time, alone, and the last lines name what had failed at first. What was wrong once is wrong.
 */
const steps = [
  { name: 'format', command: ['oxfmt', '--check', '.'], minutes: 2 },
  { name: 'lint', command: ['oxlint', '-c', 'test/architecture/oxlint.json', '--deny-warnings', '.'], minutes: 2 },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'], minutes: 6 },
  { name: 'architecture', suite: true, minutes: 15, isIdle: true },
  { name: 'knip', command: ['knip'], minutes: 15, isIdle: true },
  { name: 'react', suite: true, project: 'react-*', minutes: 15, isIdle: true },
  { name: 'types', command: ['npm', 'run', '--silent', 'typecheck'], minutes: 15, isIdle: true },
  { name: 'pure', suite: true, minutes: 25, isIdle: true },
  { name: 'unit', suite: true, minutes: 25 },
  { name: 'simulator', suite: true, minutes: 25 },
  { name: 'packages', suite: true, minutes: 25, isIdle: true },
  { name: 'pages', suite: true, minutes: 25, isIdle: true, again: true },
  { name: 'browser', suite: true, minutes: 25, again: true },
  { name: 'process', suite: true, minutes: 30, again: true },
  { name: 'alone', suite: true, minutes: 15, isAlone: true, again: true },
];

/** The most failed tests that are named at the end. */
const mostNamed = 40;
/** With more files than that something is wrong, and not slow. */
const mostAgain = 2;

const running = new Set();
const hidden = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) stopGroup(child, signal);
    for (const output of hidden) output.show();
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
  const hasFailed = () => !keepGoing && results.some(({ problem }) => problem !== undefined);
  const run = async (step, output) => {
    if (!hasFailed()) results.push(await runStep(step, { output, isBeside: step.isIdle }));
  };
  /** What runs beside, and is not over or not seen yet. */
  const beside = [];
  for (const step of steps.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    if (step.isIdle) {
      const output = keepOutput();
      const over = Promise.resolve(beside.at(-1)?.over).then(() => run(step, output));
      beside.push({ output, over });
      continue;
    }
    if (step.isAlone) await seen(beside);
    const output = keepOutput();
    output.show();
    await run(step, output);
  }
  await seen(beside);
  return report(results, performance.now() - started);
}

/** What two suites print is not mixed up: what ran beside another is shown when that is over. */
async function seen(beside) {
  for (const { output, over } of beside.splice(0)) {
    output.show();
    await over;
  }
}

/**
 * Runs one step and judges it: `problem` is a sentence when it failed, `late` names what passed only the second time.
 * `how.isBeside`: it takes the cores only while nobody else wants them.
 */
async function runStep(step, how) {
  const { output } = how;
  output.write(`\n=== ${step.name} ===\n`);
  const started = performance.now();
  let result = step.suite ? await runSuite(step, how) : { problem: await execute(step.command, step.minutes, how) };
  const files = step.again && result.counts.failed > 0 ? result.late : [];
  if (files.length > 0 && files.length <= mostAgain) {
    for (const line of result.failures) output.write(`  out of time: ${line}\n`);
    output.write(`=== ${step.name}: ${files.join(', ')} again ===\n`);
    const { problem, failures } = await runSuite(step, how, files);
    const { passed, failed, skipped } = result.counts;
    result =
      problem === undefined
        ? { counts: { passed: passed + failed, failed: 0, skipped }, failures: [], late: result.failures }
        : { ...result, problem: `${problem} the second time`, failures, late: [] };
  } else result = { ...result, late: [] };
  output.write(`=== ${step.name}: ${result.problem ?? 'ok'} in ${duration(performance.now() - started)} ===\n`);
  return { name: step.name, failures: [], ...result };
}

async function runSuite(step, how, files = []) {
  const reportFile = join(reports, `${step.name}${files.length > 0 ? '-again' : ''}.json`);
  const project = step.project ?? step.name;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  let problem = await execute(['vitest', 'run', '--project', project, ...reporters, ...files], step.minutes, how);
  const { counts, failures = [], late = [] } = readSuite(reportFile);
  if (counts.failed > 0) problem = `${counts.failed} failed`;
  if (counts.skipped > 0) problem ??= `${counts.skipped} skipped, and a skipped test proves nothing`;
  if (counts.passed === 0) problem ??= 'no test ran';
  return { problem, counts, failures, late };
}

/** Resolves with what went wrong, or undefined. The child leads a process group of its own, so that nothing outlives it. */
function execute([program, ...words], minutes, { output, isBeside }) {
  return new Promise((resolve) => {
    const stream = output.isShown ? 'inherit' : 'pipe';
    const child = spawn(program, words, {
      cwd: root,
      detached: true,
      stdio: ['ignore', stream, stream],
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` },
    });
    child.stdout?.on('data', (bytes) => output.write(bytes));
    child.stderr?.on('data', (bytes) => output.write(bytes));
    running.add(child);
    if (isBeside && child.pid !== undefined) yieldTo(child.pid);
    let isLate = false;
    const alarm = setTimeout(() => {
      isLate = true;
      stopGroup(child, 'SIGKILL');
    }, minutes * 60_000);
    const finish = (problem) => {
      clearTimeout(alarm);
      running.delete(child);
      resolve(isLate ? `not done after ${minutes} minutes, stopped` : problem);
    };
    child.on('error', (error) => finish(error.message));
    child.on('exit', (code, signal) => finish(code === 0 ? undefined : `exit ${code ?? signal}`));
    // A process that it left behind may hold the pipes: nobody waits for that one.
    child.on('exit', () => setTimeout(() => [child.stdout, child.stderr].forEach((pipe) => pipe?.destroy()), 1000));
  });
}

/** It takes what others leave. Where Linux schedules by sessions, and this child leads one, its own priority counts within that alone. */
function yieldTo(pid) {
  setPriority(pid, constants.priority.PRIORITY_LOW);
  try {
    writeFileSync(`/proc/${pid}/autogroup`, '19');
  } catch {
    // Another system, or one that does not.
  }
}

function stopGroup(child, signal) {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

/** What one step prints: kept until it is its turn to be seen. */
function keepOutput() {
  const kept = [];
  const output = {
    isShown: false,
    write: (words) => (output.isShown ? process.stdout.write(words) : kept.push(words)),
    show: () => {
      output.isShown = true;
      hidden.delete(output);
      for (const words of kept.splice(0)) process.stdout.write(words);
    },
  };
  hidden.add(output);
  return output;
}

function readSuite(file) {
  try {
    return readReport(readFileSync(file, 'utf8'), root);
  } catch {
    return { counts: { passed: 0, failed: 0, skipped: 0 } };
  }
}

function report(results, elapsedMilliseconds) {
  const suites = results.filter((result) => result.counts !== undefined);
  const sum = (key) => suites.reduce((total, { counts }) => total + counts[key], 0);
  const failures = results.filter((result) => result.problem !== undefined);
  console.log('');
  for (const { name, problem } of failures) console.log(`raftkv: ${name}: ${problem}`);
  const failed = results.flatMap((result) => result.failures.map((line) => `${result.name}: ${line}`));
  for (const line of failed.slice(0, mostNamed)) console.log(`  failed in ${line}`);
  if (failed.length > mostNamed) console.log(`  and ${failed.length - mostNamed} more`);
  for (const { name, late } of results)
    for (const line of late) console.log(`  out of time at first, and passed alone, in ${name}: ${line}`);
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
