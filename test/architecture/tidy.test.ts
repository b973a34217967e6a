// Holds every file of the repository against the house rules of tidy.ts, and each rule against a small file that breaks it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  impurities,
  hardLimitLines,
  leftoverMarks,
  longFiles,
  longishFiles,
  machinePaths,
  missingHeaders,
  missingReadmes,
  oddSyntax,
  undocumentedCodes,
  vagueNames,
  type LongFileExceptions,
  type SourceFile,
} from './tidy.ts';

const root = join(import.meta.dirname, '../..');

/** Path → why it may be longer than the hard limit. Shrinks; a new entry needs a good reason. */
const longFileExceptions: LongFileExceptions = {};

describe('every file of the repository', () => {
  const files = repositoryFiles();

  it('is found', () => {
    const paths = files.map((file) => file.path);
    expect(paths).toContain('packages/raft/src/raft.ts');
    expect(paths).toContain('packages/raftkv/bin/raftkv.js');
    expect(paths.filter((path) => /(^|\/)(node_modules|dist)\//.test(path))).toEqual([]);
  });

  it('begins with a comment that says what lives in it', () => {
    expect(missingHeaders(files)).toEqual([]);
  });

  it('keeps to one subject, and so to a length', () => {
    const longish = longishFiles(files);
    if (longish.length > 0) console.info(`over the soft limit, worth a look:\n  ${longish.join('\n  ')}`);
    expect(longFiles(files, longFileExceptions)).toEqual([]);
  });

  it('carries no mark of unfinished work and silences no tool', () => {
    expect(leftoverMarks(files)).toEqual([]);
  });

  it('names no path of the machine it was written on', () => {
    expect(machinePaths(files)).toEqual([]);
  });

  it('is named by its idea', () => {
    expect(vagueNames(files)).toEqual([]);
  });

  it('exports by name, casts nothing to any, and skips or singles out no test', () => {
    expect(oddSyntax(files)).toEqual([]);
  });

  it('in the core and the state machine knows no clock, no dice and no promise', () => {
    expect(impurities(files)).toEqual([]);
  });

  it('has a package with a README around it', () => {
    expect(missingReadmes(files)).toEqual([]);
  });
});

describe('the table of error codes', () => {
  it('documents every code', () => {
    const read = (path: string) => readFileSync(join(root, 'packages/wire', path), 'utf8');
    const readme = existsSync(join(root, 'packages/wire/README.md')) ? read('README.md') : '';
    expect(undocumentedCodes(read('src/error.ts'), readme)).toEqual([]);
  });
});

describe('the house rules', () => {
  const one = (text: string, path = 'packages/raft/src/planted.ts'): SourceFile[] => [{ path, text }];
  const fine = one('// What lives here.\nexport const planted = 1;\n');
  const lines = (count: number) => `// What lives here.\n${'export {};\n'.repeat(count - 1)}`;

  it('see a missing header', () => {
    expect(missingHeaders(fine)).toEqual([]);
    expect(missingHeaders(one('#!/usr/bin/env node\n// What lives here.\n'))).toEqual([]);
    expect(missingHeaders(one('export const planted = 1;\n'))).toHaveLength(1);
    expect(missingHeaders(one('#!/usr/bin/env node\nimport "./x.js";\n'))).toHaveLength(1);
  });

  it('see a long file, unless it is listed, and an exception that is no longer needed', () => {
    const path = 'packages/raft/src/planted.ts';
    expect(longFiles(one(lines(hardLimitLines)), {})).toEqual([]);
    expect(longFiles(one(lines(hardLimitLines + 1)), {})).toHaveLength(1);
    expect(longFiles(one(lines(hardLimitLines + 1)), { [path]: 'a table' })).toEqual([]);
    expect(longFiles(one(lines(hardLimitLines)), { [path]: 'a table' })).toHaveLength(1);
    expect(longishFiles(one(lines(hardLimitLines)))).toHaveLength(1);
  });

  it.each(['TO', 'FIX', 'XX', '@ts-ig', '@ts-no', 'oxlint-dis', 'eslint-dis'])(
    'see the mark that begins %s',
    (start) => {
      const rest = { TO: 'DO', FIX: 'ME', XX: 'X', '@ts-ig': 'nore', '@ts-no': 'check' }[start] ?? 'able-next-line';
      expect(leftoverMarks(fine)).toEqual([]);
      expect(leftoverMarks(one(`// ${start}${rest} this\n`))).toHaveLength(1);
    },
  );

  it('see a path of a machine, and leave a path of a URL alone', () => {
    expect(machinePaths(one('see http://localhost/work/list and ./work/list and data/home/x\n', 'a.md'))).toEqual([]);
    for (const folder of ['work', 'home', 'root', 'Users']) {
      expect(machinePaths(one(`see \`/${folder}/someone/file\`\n`, 'a.md')), folder).toHaveLength(1);
    }
  });

  it('see a drawer without a label', () => {
    expect(
      vagueNames([...one('', 'a/utils.ts'), ...one('', 'a/util.ts'), ...one('', 'a/utility-room.ts')]),
    ).toHaveLength(2);
  });

  it.each([
    ['export default 1;', 'a default export'],
    ['export default function f() {}', 'a default export'],
    ['const a = 1;\nexport { a as default };', 'a default export'],
    ["export * from './a.ts';", 'a star export'],
    ["export * as a from './a.ts';", 'a star export'],
    ['const a = b as any;', 'a cast to any'],
    ["it.only('a', f);", 'a test with .only'],
    ["describe.skip('a', f);", 'a test with .skip'],
    ["test.todo('a');", 'a test with .todo'],
    ["it.skip.each([1])('a', f);", 'a test with .skip'],
    ["it.skipIf(true)('a', f);", 'a test with .skipIf'],
  ])('see %s', (text, what) => {
    expect(oddSyntax(one(text)).map((finding) => finding.replace(/^.*: /, ''))).toEqual([what]);
  });

  it('leave like-looking syntax alone', () => {
    const text = "export { a } from './a.ts';\nswitch (a) {\n  default:\n    b.only();\n}\nconst c = 'as any';\n";
    expect(oddSyntax(one(text))).toEqual([]);
  });

  it('see the clock, the dice and promises, only where they are banned', () => {
    for (const text of [
      'async function f() {}',
      'Date.now();',
      'new Date();',
      'globalThis.Date.now();',
      'Math.random();',
    ]) {
      expect(impurities(one(text)), text).toHaveLength(1);
      expect(impurities(one(text, 'packages/kv/src/a.ts')), text).toHaveLength(1);
      expect(impurities(one(text, 'packages/replica/src/a.ts')), text).toEqual([]);
    }
    expect(impurities(one('// no Date here\nMath.floor(1);\n'))).toEqual([]);
  });

  it('see a package without a README', () => {
    expect(missingReadmes(one('{}', 'packages/raft/package.json'))).toEqual(['packages/raft: no README.md']);
    expect(missingReadmes([...one('{}', 'packages/raft/package.json'), ...one('', 'packages/raft/README.md')])).toEqual(
      [],
    );
  });

  it('see a code that is not documented', () => {
    const source = "const errorCodes = ['busy', 'closed'] as const;";
    expect(undocumentedCodes(source, '| `busy` | | `closed` |')).toEqual([]);
    expect(undocumentedCodes(source, '| `busy` |')).toEqual(['closed: not documented']);
    expect(undocumentedCodes('', '')).toHaveLength(1);
  });
});

/** Tracked files and new ones that git does not ignore, of the kinds that hold text. */
function repositoryFiles(): SourceFile[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  return [...new Set(listing.toString('utf8').split('\0'))]
    .filter((path) => /\.(ts|tsx|mts|mjs|js|json|md|yaml|yml|html|css|txt)$|^\.ci\/run$/.test(path))
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
