// The page is an app like any other: it is built on what the packages offer to all, and on nothing else.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../demo/src');
const allowed = ['raftkv', '@raftkv/react', 'react', 'react-dom/client'];

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)].map(
    ([, named, dynamic]) => (named ?? dynamic)!,
  );
}

describe('the page', () => {
  it('imports public entries alone, and no way out of its folder', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
    expect(files.length).toBeGreaterThan(20);
    const found = files.flatMap((name) => importsOf(join(folder, name)).map((target) => ({ name, target })));
    expect(found.some(({ target }) => target === 'raftkv')).toBe(true);
    const odd = found.filter(({ name, target }) =>
      target.startsWith('.') ? !join(folder, name, '..', target).startsWith(folder) : !allowed.includes(target),
    );
    expect(odd).toEqual([]);
  });
});
