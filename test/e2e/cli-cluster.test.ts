// The commands of the CLI that look after a cluster, as an operator runs them: status and import. Those that
// read and write are in cli.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isOneErrorLine, runCli } from './harness/cli.ts';
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
    const killed = runCli(['import', file, '--batch', '1', ...endpoints()], { killOn: killer.signal });
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

  it('begins anew when the file is no longer what was noted, though it has the same name and size', async () => {
    const file = writeRows('edited', 20_000);
    const killer = new AbortController();
    const killed = runCli(['import', file, '--batch', '1', ...endpoints()], { killOn: killer.signal });
    await waitFor('a note', async () => (await cluster.gateways[0]!.scan('raftkv.import/edited')).keyValues[0], {
      intervalMilliseconds: 5,
    });
    killer.abort();
    expect((await killed).code).toBeNull();
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"value ', '"eulav '));
    const again = await runCli(['import', file, '--json', ...endpoints()]);
    expect(again.stderr).toContain('beginning anew');
    expect(JSON.parse(again.stdout)).toEqual({ rows: 20_000, skippedLines: 0, lines: 20_000 });
    const { keyValues } = await cluster.gateways[0]!.scan('edited/');
    expect(keyValues.filter((one) => !one.value.startsWith('eulav'))).toEqual([]);
  });

  it('puts what stands before a line that is no row, names it, and goes on there once it is mended', async () => {
    const file = writeRows('mended', 700);
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, lines.with(600, '{"key":"mended/00600"}').join('\n'));
    const result = await runCli(['import', file, ...endpoints()]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('mended.ndjson:601');
    expect(isOneErrorLine(result.stderr), result.stderr).toBe(true);
    expect((await cluster.gateways[0]!.scan('mended/')).keyValues).toHaveLength(600);
    // Of the same size: what was noted still holds.
    writeFileSync(file, lines.with(600, ' '.repeat(22)).join('\n'));
    const mended = await runCli(['import', file, '--json', ...endpoints()]);
    expect(JSON.parse(mended.stdout)).toEqual({ rows: 99, skippedLines: 600, lines: 700 });
    expect((await cluster.gateways[0]!.scan('mended/')).keyValues).toHaveLength(699);
  });

  it('deletes what a line says is deleted, in the order of the lines', async () => {
    const lines = [
      { key: 'gone/1', value: 'a' },
      { key: 'gone/2', deleted: true },
      { key: 'gone/2', value: 'b' },
      { key: 'gone/1', deleted: true },
      { key: 'gone/never', deleted: true },
      { keyBase64: Buffer.from('gone/\xff', 'latin1').toString('base64'), value: 'c' },
    ];
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const result = await runCli(['import', '-', '--json', ...endpoints()], { input });
    expect(JSON.parse(result.stdout)).toEqual({ rows: 6, skippedLines: 0, lines: 6 });
    const { keyValues } = await cluster.gateways[0]!.scan('gone/');
    expect(keyValues.map(({ key, value }) => [key, value])).toEqual([
      ['gone/2', 'b'],
      ['gone/\ufffd', 'c'],
    ]);
  });

  it('takes rows from a pipe', async () => {
    const input = '{"key":"pipe/1","value":"a\u2028b"}\r\n\n{"key":"pipe/2","value":{"a":[1]}}';
    const result = await runCli(['import', '-', '--json', ...endpoints()], { input });
    expect(JSON.parse(result.stdout)).toEqual({ rows: 2, skippedLines: 0, lines: 3 });
    const { keyValues } = await cluster.gateways[0]!.scan('pipe/');
    expect(keyValues.map((one) => one.value)).toEqual(['a\u2028b', '{"a":[1]}']);
  });
});
