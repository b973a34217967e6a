// The commands of the CLI that look after a cluster, as an operator runs them: status, members, leadership, import. Those that
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

/** Runs a command that must succeed silently on stderr; its standard output. */
async function output(args: readonly string[]): Promise<string> {
  const result = await runCli([...args, '--endpoints', cluster.addresses.join(',')]);
  expect(result, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

/** A command's answer as the one JSON document that `--json` promises. */
async function json<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await output([...args, '--json'])) as T;
}

describe('status, members and leadership', () => {
  it('show each member, its role and how far it is', async () => {
    const text = await output(['status']);
    for (const name of ['node1', 'node2', 'node3']) expect(text).toContain(name);
    expect(text).toContain('leader');
    expect(JSON.stringify(await json(['status']))).toContain('"node2"');
  });

  it('list the members', async () => {
    const text = await output(['member', 'list']);
    for (const name of ['node1', 'node2', 'node3']) expect(text).toContain(name);
  });

  it('hand leadership to a named member', async () => {
    const target = ((await cluster.leader()) + 1) % 3;
    await output(['transfer-leader', cluster.name(target)]);
    await waitFor('the new leader', async () => (await cluster.leader()) === target);
  });
});

describe('import', () => {
  it('reads a file, and picks up where it stopped when run again', async () => {
    const file = path.join(cluster.directory, 'import.ndjson');
    const lines = Array.from({ length: 1000 }, (_, number) =>
      JSON.stringify({ key: `import/${String(number).padStart(4, '0')}`, value: `value ${number}` }),
    );
    writeFileSync(file, `${lines.slice(0, 600).join('\n')}\n`);
    await output(['import', file]);
    const before = await cluster.gateways[0]!.scan('import/');
    expect(before.keyValues).toHaveLength(600);
    writeFileSync(file, `${lines.join('\n')}\n`);
    await output(['import', file]);
    const after = await cluster.gateways[0]!.scan('import/');
    expect(after.keyValues.map((one) => one.value)).toEqual(lines.map((_, number) => `value ${number}`));
    expect(after.keyValues.slice(0, 600).map((one) => one.version)).toEqual(before.keyValues.map(() => 1));
  });
});
