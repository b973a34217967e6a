// One seed, one world, whatever the runtime: the simulator makes the same trace in Node and in a tab.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';

const stage = setStage(['simulator']);
const seeds = [11, 12, 14, 15, 16];

async function hashInNode(seed: number): Promise<string | undefined> {
  const file = join(import.meta.dirname, '../simulator/runner/simulate.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [file, '--seed', String(seed), '--quiet']);
  return /"traceHash":"([0-9a-f]+)"/.exec(stdout)?.[1];
}

it('makes the same world of a seed in Node and in Chromium', { timeout: 300_000 }, async () => {
  const tab = await stage.openTab('simulator');
  for (const seed of seeds) {
    const { traceHash, failure } = await tab.page.evaluate((chosen) => globalThis.simulatorLab.run(chosen), seed);
    expect(failure).toBeUndefined();
    expect(traceHash).toBe(await hashInNode(seed));
  }
});
