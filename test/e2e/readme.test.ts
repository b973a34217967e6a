// The README's example, taken from the README itself, against three real members: it runs as it stands but for the ports, in a process of
// its own, and prints what a reader would expect.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first fenced block of TypeScript. */
function example(): string {
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  if (block === null) throw new Error('README.md has no example');
  return block[1]!;
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

  it('has an example that runs', async () => {
    const source = example().replace(/'127\.0\.0\.1:808[0-2]'/g, (quoted) => {
      const position = Number(quoted.at(-2));
      return `'${cluster.addresses[position]}'`;
    });
    const file = join(directory, 'example.mjs');
    writeFileSync(
      file,
      ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
        .outputText,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    expect(stdout.trim().split('\n')).toEqual(["2 { text: 'hello' }", 'user/1 Ada', 'user/2 Grace', 'key_empty true']);
  });
});
