// Which files of a folder the production build takes for its own, and removes when they are of another build: those alone that it may have made.
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface ChunkNames {
  readonly unstamped: string;
  isMade(name: string): boolean;
  stamped(
    files: readonly { readonly name: string; readonly text: string }[],
    how: { main: string; exported: readonly string[]; banner: string },
  ): { readonly name: string }[];
}
const { isMade, stamped, unstamped } = (await import(
  join(import.meta.dirname, '../../build/chunk-names.mjs')
)) as unknown as ChunkNames;

it('are the door and what has a stamp', () => {
  const main = `core-${unstamped}.js`;
  const files = [main, `${main}.map`, `tab-sharing-${unstamped}.js`].map((name) => ({ name, text: 'export {};' }));
  const made = stamped(files, { main, exported: [], banner: '' }).map(({ name }) => name);
  expect(made.filter((name) => !isMade(name))).toEqual([]);
  expect(['index.js', 'index.js.map', main, 'calls-cbe8aec5.js'].every(isMade)).toBe(true);
});

it.each([
  'app.js',
  'app.js.map',
  'vendor-1.js',
  'core-cbe8aec5.mjs',
  'core-cbe8aec51.js',
  'main-DEADBEEF.js',
  'style.css',
  'not-index.js',
])('are not %s', (name) => {
  expect(isMade(name)).toBe(false);
});
