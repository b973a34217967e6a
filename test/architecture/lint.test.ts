// Shows that oxlint.json bites where it should: an override whose glob matches nothing is silent, so each room's bans are
// tried on planted files under a tree laid out as this one. The lint of the repository itself is `npm run lint`.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = import.meta.dirname;
const oxlint = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin/oxlint');

const offences = `// Planted.
export const offences = [Date.now(), Math.random(), setTimeout, Promise, crypto, console, process, Buffer, globalThis];
`;
const bannedNames = [
  'Buffer',
  'Date',
  'Math.random',
  'Promise',
  'console',
  'crypto',
  'globalThis',
  'process',
  'setTimeout',
];

describe('the lint settings', () => {
  let tree = '';
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'raftkv-lint-'));
    mkdirSync(join(tree, 'test/architecture'), { recursive: true });
    cpSync(join(here, 'oxlint.json'), join(tree, 'test/architecture/oxlint.json'));
    execFileSync('git', ['init', '-q', tree]);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(['raft', 'kv'])('ban clocks, dice, timers and globals in %s', (name) => {
    const found = lint(`packages/${name}/src/planted.ts`, offences).filter((line) => line.includes('no-restricted'));
    expect(found.map((line) => /'([\w.]+)'/.exec(line)?.[1]).toSorted()).toEqual(bannedNames);
  });

  it('leave them to the other rooms', () => {
    expect(lint('packages/replica/src/planted.ts', offences)).toEqual([]);
    expect(lint('packages/raft/test/planted.test.ts', offences)).toEqual([]);
  });

  it('ban default exports and any everywhere', () => {
    const found = lint(
      'packages/client/src/planted.ts',
      '// Planted.\nexport default function f(a: any) {\n  return a;\n}\n',
    );
    expect(found.some((line) => line.includes('no-default-export'))).toBe(true);
    expect(found.some((line) => line.includes('no-explicit-any'))).toBe(true);
  });

  it('ban a focused test', () => {
    const text = "// Planted.\nimport { expect, it } from 'vitest';\nit.only('a', () => expect(1).toBe(1));\n";
    expect(lint('packages/client/test/planted.test.ts', text).some((line) => line.includes('no-focused-tests'))).toBe(
      true,
    );
  });

  function lint(path: string, text: string): string[] {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    const options = ['-c', 'test/architecture/oxlint.json', '-f', 'unix', path];
    const run = spawnSync(process.execPath, [oxlint, ...options], { cwd: tree, encoding: 'utf8' });
    return run.stdout.split('\n').filter((line) => line.includes(path));
  }
});
