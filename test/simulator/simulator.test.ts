// What `npm test` asks of the simulator: two hundred worlds in which nothing breaks, the same world twice to the last byte, worlds that once broke, and bugs
// put back that it must find. The worlds run in processes of their own; RAFTKV_SIMULATOR_SEEDS and RAFTKV_SIMULATOR_FROM choose others.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { pinnedSeeds } from './pinned-seeds.ts';

const run = promisify(execFile);
const seeds = process.env['RAFTKV_SIMULATOR_SEEDS'] ?? '200';
const from = process.env['RAFTKV_SIMULATOR_FROM'] ?? '1';

/** Resolves with what it printed, and how it ended. */
async function simulate(...words: readonly string[]): Promise<{ readonly output: string; readonly code: number }> {
  const file = join(import.meta.dirname, 'runner/simulate.mjs');
  try {
    const { stdout } = await run(process.execPath, [file, ...words], { maxBuffer: 256 * 1024 * 1024 });
    return { output: stdout, code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { output: `${stdout}${stderr}`, code };
  }
}

it(
  'finds nothing wrong in so many worlds, and says how fast',
  async () => {
    const { output, code } = await simulate('--seeds', seeds, '--from', from, '--jobs', String(availableParallelism()));
    process.stdout.write(
      `${output
        .split('\n')
        .filter((line) => line.startsWith('simulator: '))
        .join('\n')}\n`,
    );
    expect(code, output).toBe(0);
    expect(output).toContain(`${seeds} seeds, 0 failed`);
    const [, steps, states] = /(\d+) steps that the specification allows, (\d+) states/.exec(output)!;
    expect(Number(steps)).toBeGreaterThan(100 * Number(seeds));
    expect(Number(states)).toBeGreaterThan(2 * Number(seeds));
  },
  20 * 60_000,
);

it('makes the same world of the same seed, to the last byte', { timeout: 120_000 }, async () => {
  for (const seed of ['11', '12']) {
    const [one, two] = await Promise.all([simulate('--seed', seed), simulate('--seed', seed)]);
    expect(lines(one.output).length).toBeGreaterThan(40);
    expect(lines(two.output)).toEqual(lines(one.output));
  }
});

it('makes no noise of its own while it replays', { timeout: 120_000 }, async () => {
  const [loud, quiet] = await Promise.all([simulate('--seed', '13'), simulate('--seed', '13', '--quiet')]);
  expect(hashOf(quiet.output)).toBe(hashOf(loud.output));
});

it('stands in the worlds in which something once broke', { timeout: 10 * 60_000 }, async () => {
  const left = [...pinnedSeeds];
  const visit = async (): Promise<void> => {
    for (let world = left.shift(); world !== undefined; world = left.shift()) {
      const { seed, adjust, what } = world;
      const words = adjust === undefined ? [] : ['--adjust', JSON.stringify(adjust)];
      const { output, code } = await simulate('--seed', String(seed), '--quiet', ...words);
      expect(code, `${what}\n${output}`).toBe(0);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, visit));
  expect(left).toEqual([]);
});

it('finds bugs that are put back, and tells how to see them again', { timeout: 10 * 60_000 }, async () => {
  const { output, code } = await simulate('--seeds', '60', '--mutant', 'T6');
  expect(code).toBe(1);
  const [, command] = /replay it: npm run simulate -- (.*)/.exec(output)!;
  const again = await simulate(...command!.split(' '), '--quiet');
  expect(again.code).toBe(1);
  expect(again.output).toContain('FAILED');
});

it('finds a smaller world that still fails, and tells how to see it', { timeout: 10 * 60_000 }, async () => {
  const whole = await simulate('--seeds', '60', '--mutant', 'T8');
  const [, seed] = /shrink it: npm run simulate -- --shrink (\d+) --mutant T8/.exec(whole.output)!;
  const { output } = await simulate('--shrink', seed!, '--mutant', 'T8');
  const [, checker, events] = /fails (.*) after \d+ ms and (\d+) events/.exec(output)!;
  const [, adjust] = /npm run simulate -- --seed \d+ --mutant T8 --adjust '(.*)'/.exec(output)!;
  const again = await simulate('--seed', seed!, '--mutant', 'T8', '--adjust', adjust!, '--quiet');
  expect(again.output).toContain(`FAILED  ${checker}`);
  const [, left] = /"events":(\d+)/.exec(again.output)!;
  expect(Number(left)).toBeLessThan(Number(events));
});

it.each([
  ['doubles, fence', '4', 'specification: AdvanceCommitIndex'],
  ['doubles, incarnation', '9', 'a copy takes no part'],
])(
  'sees harm done in a world with copies and zombies once this is taken out: %s',
  { timeout: 120_000 },
  async (mutant, seed, violation) => {
    const [whole, broken] = await Promise.all([
      simulate('--seed', seed, '--quiet'),
      simulate('--seed', seed, '--mutant', mutant, '--quiet'),
    ]);
    expect(whole.code, whole.output).toBe(0);
    expect(broken.code).toBe(1);
    expect(broken.output).toContain(`Violation: ${violation}`);
  },
);

it('refuses a mutant whose text is not there', { timeout: 60_000 }, async () => {
  const { output, code } = await simulate('--seeds', '1', '--mutant', 'nothing');
  expect(code).toBe(2);
  expect(output).toContain('no such mutant');
});

/** All but the time that it took. */
function lines(output: string): readonly string[] {
  return output.split('\n').map((line) => line.replace(/"cpuSeconds":[\d.]+/, ''));
}

function hashOf(output: string): string | undefined {
  return /"traceHash":"([0-9a-f]+)"/.exec(output)?.[1];
}
