// The README's examples, taken from the README itself, against three real members: they run as they stand but for the ports, each in a process of
// its own, and print what a reader would expect.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The fenced blocks of TypeScript, in their order. */
function examples(): string[] {
  return [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, block]) => block!,
  );
}

describe('the README', () => {
  let cluster: Cluster;
  let directory: string;

  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3 });
    // Inside the checkout, so that `raftkv` is found as an installed package is.
    directory = mkdtempSync(join(root, 'test/e2e/.readme-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    await cluster?.destroy();
  });

  async function run(example: string): Promise<string[]> {
    const source = example.replace(/'127\.0\.0\.1:808[0-2]'/g, (quoted) => {
      const position = Number(quoted.at(-2));
      return `'${cluster.addresses[position]}'`;
    });
    const file = join(directory, 'example.mjs');
    writeFileSync(
      file,
      ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
        .outputText,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 120_000 });
    return stdout.trim().split('\n');
  }

  it('has an example of a client that runs', async () => {
    expect(await run(examples()[0]!)).toEqual(["2 { text: 'hello' }", 'user/1 Ada', 'user/2 Grace', 'key_empty true']);
  });

  it('has an example of a replica that runs: shown at once, then committed', async () => {
    // The third is one for browsers: `test/browser/readme-room.test.ts`.
    expect(examples()).toHaveLength(3);
    const lines = await run(examples()[1]!);
    expect(lines).toContain("[ 'todo/1 water the plants …' ] 1");
    expect(lines).toContain("[ 'todo/1 water the plants' ] 0");
    expect(lines.at(-1)).toBe('water the plants water the plants');
  });
});
