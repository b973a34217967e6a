// What a stranger gets: the tarballs themselves, and a project that installs them with nothing of this repository around it.
// The `source` condition, the workspace links and the hoisted dependencies all hide mistakes here that only show there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../e2e/harness/ports.ts';
import { filesUnder, install, packAll, root, run, type Packed } from './consumer.ts';

const names = [
  'client',
  'kv',
  'observer',
  'raft',
  'react',
  'replica',
  'server',
  'storage',
  'svelte',
  'transport',
  'vue',
  'wire',
].map((name) => `@raftkv/${name}`);
const folder = mkdtempSync(join(tmpdir(), 'raftkv-packed-'));
const stranger = join(folder, 'stranger');
let packed: Packed[] = [];

beforeAll(() => {
  packed = packAll(join(folder, 'tarballs'));
  install(packed, stranger);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const find = (name: string): Packed => {
  const found = packed.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
};

describe('the tarballs', () => {
  it('are those of all workspaces', () => {
    expect(packed.map((each) => each.name).toSorted()).toEqual([...names, 'raftkv'].toSorted());
  });

  it.each([...names, 'raftkv'])('%s has nothing that publint would change', async (name) => {
    const bytes = readFileSync(find(name).tarball);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it.each([...names, 'raftkv'])('%s has types that resolve as its code does', (name) => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    const words = [find(name).tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'];
    // A problem makes it exit with 1, which throws here; old resolutions that know no "exports" are not promised anything.
    expect(run(process.execPath, [attw, ...words], { cwd: folder })).toContain('node16 (from ESM): OK (ESM)');
  });

  it.each([...names, 'raftkv'])('%s holds its README, licence, sources and build, and no scraps', (name) => {
    const { files } = find(name);
    expect(files).toContain('README.md');
    expect(files).toContain('LICENSE');
    expect(files).toContain('src/index.ts');
    expect(files).toContain('dist/index.js');
    expect(files.filter((path) => /tsbuildinfo|\.test\.|^test\/|\.tgz$/.test(path))).toEqual([]);
  });

  it('hold the production build of the browser’s door', () => {
    const { files } = find('raftkv');
    expect(files).toContain('dist/production/index.js');
    const core = files.filter((path) => /^dist\/production\/core-\w+\.js$/.test(path));
    expect(core).toHaveLength(1);
    expect(files).toContain(`${core[0]}.map`);
  });

  it('hold the source that each source map names, so that no build is stale', () => {
    const missing = names.concat('raftkv').flatMap((name) => {
      const home = join(stranger, 'node_modules', name);
      return filesUnder(join(home, 'dist'))
        .filter((path) => path.endsWith('.map'))
        .flatMap((path) => {
          const file = join(home, 'dist', path);
          const { sources } = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] };
          return sources.filter((source) => !existsSync(join(dirname(file), source))).map(() => `${name}/dist/${path}`);
        });
    });
    expect(missing, '`npm run clean && npm run build` removes what is left of deleted sources').toEqual([]);
  });
});

describe('a stranger', () => {
  it('imports every door in plain Node', () => {
    const doors = packed.flatMap(({ name, doors: each }) => each.map((door) => join(name, door)));
    const lines = doors.map((door) => `await import('${door}');`);
    writeFileSync(join(stranger, 'doors.js'), `${lines.join('\n')}\nconsole.log('in by ${lines.length} doors');\n`);
    expect(runNode('doors.js')).toBe(`in by ${lines.length} doors\n`);
  });

  it('gets one copy of each package, so that errors and types are the same everywhere', () => {
    const nested = filesUnder(join(stranger, 'node_modules')).filter((path) =>
      /node_modules\/(@raftkv\/|raftkv$)/.test(path),
    );
    expect(nested).toEqual([]);
  });

  it('type-checks against every universal door without Node types and without skipping library checks', () => {
    expect(typeCheck('universal', (door) => !door.endsWith('/node'), { types: [] })).toBe('');
  });

  it('type-checks against the Node doors with Node types', () => {
    const typeRoots = [join(root, 'node_modules/@types')];
    const options = { types: ['node'], typeRoots, skipLibCheck: true };
    expect(typeCheck('node', (door) => door.endsWith('/node'), options)).toBe('');
  });

  it('sees a wrong use of a type as an error', () => {
    writeFileSync(
      join(stranger, 'wrong.ts'),
      `import { RaftkvError } from '@raftkv/wire';\nnew RaftkvError('no such code', '');\n`,
    );
    expect(() => compile(['wrong.ts'], 'wrong', { types: [] })).toThrow(/TS2345/);
  });

  it('runs the command line', () => {
    const command = join(stranger, 'node_modules/.bin/raftkv');
    expect(run(command, ['--version'], { cwd: stranger }).trim()).toContain(find('raftkv').version);
    expect(run('npx', ['--no-install', 'raftkv', '--help'], { cwd: stranger })).toMatch(/serve/);
  });

  it('serves a member, compiles the README’s example against the types, and runs it', async () => {
    const [port] = await freePorts(1);
    const command = join(stranger, 'node_modules/.bin/raftkv');
    const member = spawn(command, ['serve', '--port', String(port), '--data-dir', join(folder, 'data')], {
      cwd: stranger,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    try {
      await once(member.stdout, 'data');
      const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!;
      writeFileSync(join(stranger, 'example.ts'), example.replace(/'127\.0\.0\.1:808[0-2]'/g, `'127.0.0.1:${port}'`));
      const typeRoots = [join(root, 'node_modules/@types')];
      expect(compile(['example.ts'], 'example', { types: ['node'], typeRoots, noEmit: false })).toBe('');
      expect(runNode('example.js').split('\n')).toEqual([
        "2 { text: 'hello' }",
        'user/1 Ada',
        'user/2 Grace',
        'key_empty true',
        '',
      ]);
      const asked = ['scan', 'user/', '--endpoints', `127.0.0.1:${port}`];
      expect(run(command, asked, { cwd: stranger })).toBe('user/1\t"Ada"\nuser/2\t"Grace"\n');
    } finally {
      member.kill('SIGTERM');
      await once(member, 'exit');
    }
  });
});

function runNode(file: string): string {
  // NODE_OPTIONS may carry this repository's conditions: a stranger has none.
  return run(process.execPath, [file], { cwd: stranger, env: { ...process.env, NODE_OPTIONS: '' } });
}

function typeCheck(title: string, wanted: (door: string) => boolean, options: object): string {
  const doors = packed.flatMap(({ name, doors: each }) => each.map((door) => join(name, door))).filter(wanted);
  expect(doors.length).toBeGreaterThan(2);
  const lines = doors.map((door, at) => `import * as door${at} from '${door}';`);
  const uses = doors.map((_, at) => `door${at}`);
  writeFileSync(
    join(stranger, `${title}.ts`),
    `${lines.join('\n')}\nexport const doors: object[] = [${uses.join(', ')}];\n`,
  );
  return compile([`${title}.ts`], title, options);
}

function compile(files: readonly string[], title: string, options: object): string {
  const compilerOptions = {
    target: 'ES2023',
    lib: ['ES2023', 'DOM'],
    module: 'NodeNext',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    ...options,
  };
  writeFileSync(join(stranger, `tsconfig.${title}.json`), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return run(process.execPath, [tsc, '-p', `tsconfig.${title}.json`], { cwd: stranger });
}
