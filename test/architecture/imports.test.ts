// Holds the tree against the arrow table of rules.ts, and holds the rules against a small tree that breaks each of them,
// so that a rule whose pattern matches nothing cannot pass for a kept rule.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { survey } from './cruise.ts';
import { allRules, rooms } from './rules.ts';

const root = join(import.meta.dirname, '../..');

/** All npm packages of a room, wherever in it they may be imported. */
const npmOf = (room: (typeof rooms)[string]): string[] => [...room.npm, ...room.nodeNpm, ...(room.webNpm ?? [])];

describe('the arrows between the packages', () => {
  it('are those of the table', async () => {
    const result = await survey(root, allRules());
    expect(result.moduleCount).toBeGreaterThan(30);
    expect(result.dependencyCount).toBeGreaterThan(30);
    expect(result.violations).toEqual([]);
  });

  it('are declared by each package.json, and no more than them', () => {
    for (const [name, room] of Object.entries(rooms)) {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      const allowed = [...room.values, ...room.types].map((other) => `@raftkv/${other}`);
      const surplus = Object.keys(manifest.dependencies ?? {}).filter(
        (dependency) => ![...allowed, ...npmOf(room)].includes(dependency),
      );
      expect(surplus, `dependencies of ${name} outside the table`).toEqual([]);
    }
  });
});

describe('the table in CONTRIBUTING.md', () => {
  it('says what the rules say', () => {
    const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
    const rows = new Map(
      [...text.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) ?\| .* \|$/gm)].map(([, name, arrows, npm]) => [
        name,
        { arrows, npm },
      ]),
    );
    expect([...rows.keys()].toSorted()).toEqual(Object.keys(rooms).toSorted());
    for (const [name, room] of Object.entries(rooms)) {
      const row = rows.get(name);
      expect(arrowsIn(row?.arrows ?? ''), name).toEqual({
        values: room.values.toSorted(),
        types: room.types.toSorted(),
      });
      const named = [...(row?.npm ?? '').matchAll(/`((?:@[\w-]+\/)?[\w-]+)`/g)].map(([, dependency]) => dependency);
      expect(named, name).toEqual(npmOf(room));
    }
  });

  function arrowsIn(cell: string): { values: string[]; types: string[] } {
    if (cell === 'nothing') return { values: [], types: [] };
    if (cell === 'all but the bindings')
      return {
        values: Object.keys(rooms)
          .filter((name) => !['raftkv', 'react', 'vue', 'svelte'].includes(name))
          .toSorted(),
        types: [],
      };
    const arrows = [...cell.matchAll(/`(\w+)`( \(types\))?/g)];
    const pick = (isType: boolean) =>
      arrows.filter(([, , types]) => (types !== undefined) === isType).flatMap(([, name]) => name ?? []);
    return { values: pick(false).toSorted(), types: pick(true).toSorted() };
  }
});

describe('the rules', () => {
  let tree = '';
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'raftkv-arrows-'));
    plantTree(tree);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it('report each kind of violation, and nothing that is allowed', async () => {
    const { violations } = await survey(tree, allRules());
    expect(violations).toEqual(expectedViolations.toSorted());
  });

  it('are each shown to fail, or made by the same function as one that is', () => {
    const shown = new Set(expectedViolations.map((line) => line.slice(0, line.indexOf(':'))));
    const kinds = (name: string) => name.replace(/^(arrow|types-only|npm)-[a-z]+(-node|-web)?$/, '$1$2');
    const shownKinds = new Set([...shown].map(kinds));
    expect(allRules().filter((rule) => !shownKinds.has(kinds(rule.name ?? '')))).toEqual([]);
  });
});

/** Sources of the planted tree. Files called `fine.ts` break nothing. */
const plantedSources: Readonly<Record<string, string>> = {
  'raft/index.ts': `export const quorum = 1;\nexport interface Entry { index: number }`,
  'raft/fine.ts': `import { quorum } from './index.ts';\nexport const twice = quorum * 2;`,
  'raft/arrow.ts': `import { encode } from '@raftkv/wire';\nexport const bytes = encode;`,
  'raft/arrow-types.ts': `import type { Key } from '@raftkv/kv';\nexport type Named = Key;`,
  'raft/cycle-a.ts': `import type { B } from './cycle-b.ts';\nexport interface A { b: B }`,
  'raft/cycle-b.ts': `import type { A } from './cycle-a.ts';\nexport interface B { a: A }`,
  'raft/built.ts': `import '../dist/index.js';`,
  'kv/index.ts': `export type Key = string;\nexport const first = 'a';`,
  'kv/fine.ts': `import tree from 'sorted-btree';\nexport const store = tree;`,
  'kv/npm.ts': `import ws from 'ws';\nexport const socket = ws;`,
  'wire/index.ts': `import { quorum } from '@raftkv/raft';\nexport const encode = quorum;`,
  'wire/fine.ts': `import type { Key } from '@raftkv/kv';\nexport type { Key } from '@raftkv/kv';\nexport type Keys = Key[];`,
  'wire/value.ts': `import { first } from '@raftkv/kv';\nexport const start = first;`,
  'wire/re-export.ts': `export { first } from '@raftkv/kv';`,
  'storage/index.ts': `export interface Disk { size: number }\nexport const disk = 1;`,
  'storage/value.ts': `import { quorum } from '@raftkv/raft';\nexport const size = quorum;`,
  'storage/reach.ts': `import { encode } from '../../wire/src/index.ts';\nexport const bytes = encode;`,
  'storage/deep.ts': `import { encode } from '@raftkv/wire/src/index.ts';\nexport const bytes = encode;`,
  'storage/core.ts': `import { readFileSync } from 'node:fs';\nexport const read = readFileSync;`,
  'storage/core-bare.ts': `import { readFileSync } from 'fs';\nexport const read = readFileSync;`,
  'storage/core-late.ts': `export const late = () => import('node:fs');`,
  'storage/node/index.ts': `import { readFileSync } from 'node:fs';\nimport { encode } from '@raftkv/wire';\nexport const read = [readFileSync, encode];`,
  'storage/web/index.ts': `import { get } from 'idb-keyval';\nexport const open = get;`,
  'storage/web/surplus.ts': `import ws from 'ws';\nexport const socket = ws;`,
  'storage/kept.ts': `import { get } from 'idb-keyval';\nexport const kept = get;`,
  'storage/to-node.ts': `import { read } from './node/index.ts';\nexport const reader = read;`,
  'storage/to-web.ts': `import { open } from './web/index.ts';\nexport const opener = open;`,
  'transport/index.ts': `import type { Entry } from '@raftkv/raft';\nexport type Sent = Entry;\nexport const pipe = 1;`,
  'transport/socket.ts': `import ws from 'ws';\nexport const socket = ws;`,
  'transport/node/index.ts': `import ws from 'ws';\nexport const socket = ws;`,
  'transport/node/surplus.ts': `import yaml from 'yaml';\nexport const parse = yaml;`,
  'replica/index.ts': `import type { Disk } from '@raftkv/storage';\nimport { quorum } from '@raftkv/raft';\nexport const loop = (disk: Disk) => disk.size + quorum;`,
  'replica/value.ts': `import { disk } from '@raftkv/storage';\nexport const here = disk;`,
  'replica/store.ts': `import type { Key } from '@raftkv/kv';\nexport type Applied = Key;`,
  'client/index.ts': `import { pipe } from '@raftkv/transport';\nexport const connect = pipe;`,
  'client/engine.ts': `import { quorum } from '@raftkv/raft';\nexport const engine = quorum;`,
  'server/index.ts': `import { loop } from '@raftkv/replica';\nimport { first } from '@raftkv/kv';\nexport const answer = [loop, first];`,
  'server/asks.ts': `import { connect } from '@raftkv/client';\nexport const asks = connect;`,
  'raftkv/index.ts': `import { connect } from '@raftkv/client';\nimport { answer } from '@raftkv/server';\nexport const door = [connect, answer];`,
  'raftkv/node/index.ts': `import { read } from '@raftkv/storage/node';\nimport yaml from 'yaml';\nexport const serve = [read, yaml];`,
};

const expectedViolations: readonly string[] = [
  'arrow-raft: packages/raft/src/arrow.ts → packages/wire/src/index.ts',
  'arrow-raft: packages/raft/src/arrow-types.ts → packages/kv/src/index.ts',
  'cycle: packages/raft/src/cycle-a.ts → packages/raft/src/cycle-b.ts',
  'built-file: packages/raft/src/built.ts → packages/raft/dist/index.js',
  'npm-kv: packages/kv/src/npm.ts → node_modules/ws/index.js',
  'types-only-wire: packages/wire/src/value.ts → packages/kv/src/index.ts',
  'types-only-wire: packages/wire/src/re-export.ts → packages/kv/src/index.ts',
  'types-only-storage: packages/storage/src/value.ts → packages/raft/src/index.ts',
  'relative-reach: packages/storage/src/reach.ts → packages/wire/src/index.ts',
  'not-exported: packages/storage/src/deep.ts → @raftkv/wire/src/index.ts',
  'node-module-outside-node: packages/storage/src/core.ts → fs',
  'node-module-outside-node: packages/storage/src/core-bare.ts → fs',
  'node-module-outside-node: packages/storage/src/core-late.ts → fs',
  'node-room-outside-node: packages/storage/src/to-node.ts → packages/storage/src/node/index.ts',
  'npm-storage: packages/storage/src/kept.ts → node_modules/idb-keyval/index.js',
  'npm-storage-web: packages/storage/src/web/surplus.ts → node_modules/ws/index.js',
  'web-room-outside-web: packages/storage/src/to-web.ts → packages/storage/src/web/index.ts',
  'npm-transport: packages/transport/src/socket.ts → node_modules/ws/index.js',
  'npm-transport-node: packages/transport/src/node/surplus.ts → node_modules/yaml/index.js',
  'types-only-replica: packages/replica/src/value.ts → packages/storage/src/index.ts',
  'arrow-replica: packages/replica/src/store.ts → packages/kv/src/index.ts',
  'arrow-client: packages/client/src/engine.ts → packages/raft/src/index.ts',
  'arrow-server: packages/server/src/asks.ts → packages/client/src/index.ts',
  'relative-reach: packages/kv/test/reach.test.ts → packages/raft/src/index.ts',
  'relative-reach: test/reach.test.ts → packages/raft/src/index.ts',
];

function plantTree(tree: string): void {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), `${text}\n`);
  };
  write('package.json', JSON.stringify({ name: 'planted', private: true, type: 'module', workspaces: ['packages/*'] }));
  for (const [path, text] of Object.entries(plantedSources)) {
    write(`packages/${path.replace('/', '/src/')}`, text);
  }
  write('packages/raft/dist/index.js', `export const quorum = 1;`);
  write('packages/raft/test/fine.test.ts', `import { quorum } from '../src/index.ts';\nexport const it = quorum;`);
  write(
    'packages/kv/test/reach.test.ts',
    `import { quorum } from '../../raft/src/index.ts';\nexport const it = quorum;`,
  );
  write('test/reach.test.ts', `import { quorum } from '../packages/raft/src/index.ts';\nexport const it = quorum;`);
  write('test/fine.test.ts', `import { door } from 'raftkv';\nexport const it = door;`);
  for (const name of Object.keys(rooms)) {
    const fullName = name === 'raftkv' ? name : `@raftkv/${name}`;
    const exports = { '.': { source: './src/index.ts' }, './node': { source: './src/node/index.ts' } };
    write(`packages/${name}/package.json`, JSON.stringify({ name: fullName, type: 'module', exports }));
    mkdirSync(join(tree, 'node_modules/@raftkv'), { recursive: true });
    symlinkSync(join(tree, 'packages', name), join(tree, 'node_modules', fullName));
  }
  for (const name of ['ws', 'yaml', 'sorted-btree', 'idb-keyval']) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    write(`node_modules/${name}/index.js`, `module.exports = {};`);
  }
}
