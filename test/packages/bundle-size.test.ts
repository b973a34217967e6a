// The budget of what a page pays for a replica in the tab. How it is measured stands in `test/bundle-size.mjs`, which the build runs too.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

interface Figures {
  readonly budget: { readonly kilobytes: number; readonly togetherKilobytes: number };
  readonly kilobytes: number;
  readonly togetherKilobytes: number;
  readonly onDemand: readonly {
    readonly name: string;
    readonly kilobytes: number;
    readonly modules: readonly string[];
  }[];
  readonly rooms: readonly { readonly name: string; readonly kilobytes: number }[];
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
  readonly connectKilobytes: number;
}

const root = join(import.meta.dirname, '../..');
let figures: Figures;

beforeAll(() => {
  const script = join(root, 'test/bundle-size.mjs');
  figures = JSON.parse(execFileSync(process.execPath, [script, '--json'], { encoding: 'utf8' })) as Figures;
});

test('a replica with hooks stays within its budget, at the start and with all that may be loaded later', () => {
  const { kilobytes, togetherKilobytes, budget } = figures;
  expect(kilobytes).toBeLessThanOrEqual(budget.kilobytes);
  expect(togetherKilobytes).toBeLessThanOrEqual(budget.togetherKilobytes);
});

test('the budget is a ratchet: who makes the bundle smaller lowers it', () => {
  expect(figures.budget.kilobytes - figures.kilobytes).toBeLessThan(1);
  expect(figures.budget.togetherKilobytes - figures.togetherKilobytes).toBeLessThan(1);
});

test('only what a tab that is alone, watches nothing, scans nothing and asks for nothing rare does not run is loaded later', () => {
  const later = figures.onDemand.flatMap(({ modules }) => modules).filter((name) => name !== 'page');
  expect(later.toSorted()).toEqual([
    // Writes with conditions, the status of nodes, and what else is loaded with them.
    'packages/client/src/rare-calls.ts',
    'packages/client/src/rare-entry.ts',
    // Scans and counts: apps that read by live queries have none.
    'packages/client/src/scan-pages.ts',
    'packages/client/src/txn-shapes.ts',
    // Nor have they watches.
    'packages/client/src/watch.ts',
    'packages/observer/src/feed-tail.ts',
    'packages/observer/src/tab-feed.ts',
    'packages/observer/src/tab-feeder.ts',
    'packages/observer/src/tab-pipe.ts',
    'packages/observer/src/web/tab-sharing.ts',
    'packages/observer/src/web/tab-talk.ts',
    'packages/raftkv/src/web/tab-name.ts',
    'packages/wire/src/compare.ts',
    'packages/wire/src/fill-rare.ts',
    'packages/wire/src/float.ts',
    'packages/wire/src/flow.ts',
    'packages/wire/src/nesting.ts',
    'packages/wire/src/rare-layouts.ts',
    'packages/wire/src/scan-layouts.ts',
    'packages/wire/src/status.ts',
    'packages/wire/src/watch-layouts.ts',
  ]);
});

test('every room that a tab needs is counted, and nothing of React, of Node or of the engine', () => {
  const rooms = figures.rooms.map(({ name }) => name);
  expect(rooms).toEqual(
    expect.arrayContaining(['client', 'observer', 'wire', 'storage', 'transport', 'react', 'raftkv', 'kv']),
  );
  for (const name of ['raft', 'replica', 'server', 'fflate', 'sorted-btree']) expect(rooms).not.toContain(name);
  expect(figures.modules.filter(({ name }) => /\/node\/|node_modules\/react\//.test(name))).toEqual([]);
  expect(figures.modules.map(({ name }) => name)).toContain('packages/client/src/connection.ts');
  const added = figures.rooms.reduce((sum, { kilobytes }) => sum + kilobytes, 0);
  expect(added).toBeLessThan(figures.kilobytes);
  expect(added).toBeGreaterThan(figures.kilobytes / 2);
  const later = figures.onDemand.reduce((sum, { kilobytes }) => sum + kilobytes, 0);
  expect(figures.kilobytes + later).toBeCloseTo(figures.togetherKilobytes, 1);
});
