// The commands of the CLI that look after a cluster, as an operator runs them: status and import. Those that
// read and write are in cli.test.ts.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './harness/cli.ts';
import { Cluster } from './harness/cluster.ts';
import { waitFor } from './harness/wait.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(cluster.logTails());
});
afterAll(() => cluster?.destroy());

const endpoints = (): string[] => ['--endpoints', cluster.addresses.join(',')];

/** A file of rows `<name>/00000`, `<name>/00001` and so on. */
function writeRows(name: string, count: number): string {
  const file = path.join(cluster.directory, `${name}.ndjson`);
  const rows = Array.from({ length: count }, (_, number) =>
    JSON.stringify({ key: `${name}/${String(number).padStart(5, '0')}`, value: `value ${number}` }),
  );
  writeFileSync(file, `${rows.join('\n')}\n`);
  return file;
}

/** Runs a command that must succeed silently on stderr; its standard output. */
async function output(args: readonly string[]): Promise<string> {
  const result = await runCli([...args, ...endpoints()]);
  expect(result, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

/** A command's answer as the one JSON document that `--json` promises. */
async function json<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await output([...args, '--json'])) as T;
}

describe('status', () => {
  it('shows each member, its role and how far it is', async () => {
    const text = await output(['status']);
    for (const name of ['node1', 'node2', 'node3']) expect(text).toContain(name);
    expect(text).toContain('leader');
    expect(JSON.stringify(await json(['status']))).toContain('"node2"');
  });
});

describe('import', () => {
  it('puts every line of a file, and can be repeated', async () => {
    const file = writeRows('small', 1200);
    const first = await runCli(['import', file, '--json', ...endpoints()]);
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toEqual({ rows: 1200, skippedLines: 0, lines: 1200 });
    const again = await runCli(['import', file, ...endpoints()]);
    expect(again.code).toBe(0);
    const { keyValues } = await cluster.gateways[0]!.scan('small/');
    expect(keyValues.map((one) => one.value)).toEqual(Array.from({ length: 1200 }, (_, number) => `value ${number}`));
    expect(new Set(keyValues.map((one) => one.version))).toEqual(new Set([2]));
  });

  it('goes on where it was killed', async () => {
    const rows = 20_000;
    const file = writeRows('large', rows);
    const killer = new AbortController();
    const killed = runCli(['import', file, '--batch', '10', ...endpoints()], { killOn: killer.signal });
    await waitFor(
      'it has noted some lines',
      async () => (await cluster.gateways[0]!.scan('raftkv.import/')).keyValues[0],
      {
        intervalMilliseconds: 5,
      },
    );
    killer.abort();
    expect((await killed).code).toBeNull();
    const resumed = await runCli(['import', file, '--json', ...endpoints()]);
    expect(resumed.code).toBe(0);
    const counts = JSON.parse(resumed.stdout) as { rows: number; skippedLines: number; lines: number };
    expect(counts.skippedLines).toBeGreaterThan(0);
    expect(counts.rows).toBe(rows - counts.skippedLines);
    const { keyValues } = await cluster.gateways[0]!.scan('large/');
    expect(keyValues).toHaveLength(rows);
    // What was noted as done was not written a second time.
    expect(keyValues.slice(0, counts.skippedLines).every((one) => one.version === 1)).toBe(true);
    expect((await cluster.gateways[0]!.scan('raftkv.import/')).keyValues).toEqual([]);
  });

  it('names the line that is no row', async () => {
    const file = path.join(cluster.directory, 'bad.ndjson');
    writeFileSync(file, '{"key":"bad/1","value":"x"}\n{"kee":"bad/2"}\n');
    const result = await runCli(['import', file, ...endpoints()]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('bad.ndjson:2');
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});
