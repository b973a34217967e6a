// What the files of the production build are called. Names of properties are agreed within one build, so no page may get files of two: not from a cache or a host that has
// some of an older version, nor in a tab that was open while a newer one was put there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

interface File {
  readonly name: string;
  readonly text: string;
}

interface ChunkNames {
  readonly door: string;
  readonly unstamped: string;
  stamped(files: readonly File[], how: { main: string; exported: readonly string[]; banner: string }): File[];
}

const root = join(import.meta.dirname, '../..');
const builder = join(root, 'packages/raftkv/build/production.mjs');
const built = join(root, 'packages/raftkv/dist/production');
const { door, stamped, unstamped } = (await import(
  join(root, 'packages/raftkv/build/chunk-names.mjs')
)) as unknown as ChunkNames;

const folder = mkdtempSync(join(tmpdir(), 'raftkv-production-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filesIn = (path: string): File[] =>
  readdirSync(path)
    .toSorted()
    .map((name) => ({ name, text: readFileSync(join(path, name), 'utf8') }));

const core = `core-${unstamped}.js`;
const some: readonly File[] = [
  { name: core, text: `export const one = 1;\nexport const load = () => import('./calls-${unstamped}.js');\n` },
  { name: `calls-${unstamped}.js`, text: `import { one } from './${core}';\nexport const two = one + one;\n` },
];
const how = { main: core, exported: ['load', 'one'], banner: '// some' };

describe('the production build', () => {
  it('has the same names and bytes when it is made anew from the same sources', () => {
    const again = join(folder, 'again');
    execFileSync(process.execPath, [builder, '--into', again]);
    expect(filesIn(again).map(({ name }) => name)).toEqual(filesIn(built).map(({ name }) => name));
    for (const { name, text } of filesIn(again))
      expect(text === readFileSync(join(built, name), 'utf8'), name).toBe(true);
  });

  it('has one stamp in all names but that of the door, and it is that of what stands in the files', () => {
    const files = filesIn(built);
    const stamps = new Set(files.flatMap(({ name }) => /-(\w+)\.js/.exec(name)?.[1] ?? []));
    expect(stamps.size).toBe(1);
    const [stamp] = stamps;
    const before = files
      .filter(({ name }) => name !== door)
      .map(({ name, text }) => ({
        name: name.replaceAll(stamp!, unstamped),
        text: text.replaceAll(stamp!, unstamped),
      }));
    expect(before.length).toBeGreaterThan(2);
    expect(stamped(before, how).map(({ name }) => name)).toEqual([
      ...before.map(({ name }) => name.replace(unstamped, stamp!)),
      door,
    ]);
    // Whatever is imported from beside has it too.
    const imported = files.flatMap(({ name, text }) =>
      name.endsWith('.js')
        ? [...text.matchAll(/(?:from|import\()\s*["'](\.[^"']*)["']/g)].map((found) => found[1]!)
        : [],
    );
    expect(imported.length).toBeGreaterThan(2);
    expect(imported.filter((path) => !path.includes(stamp!))).toEqual([]);
  });
});

describe('the stamp', () => {
  it('is another one as soon as any byte of any file is, and then no name but that of the door remains', () => {
    const names = new Set(stamped(some, how).map(({ name }) => name));
    for (const changed of some) {
      const others = some.map((file) => (file === changed ? { ...file, text: file.text.replace('one', 'uno') } : file));
      expect(stamped(others, how).filter(({ name }) => names.has(name))).toMatchObject([{ name: door }]);
    }
    expect(
      stamped(some.toReversed(), how)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([...names].toSorted());
  });

  it('keeps apart what a host has of two builds: who has begun with one finds nothing of another', async () => {
    const host = join(folder, 'host');
    const put = (files: readonly File[]): void => {
      rmSync(host, { recursive: true, force: true });
      mkdirSync(host);
      writeFileSync(join(host, 'package.json'), '{"type":"module"}');
      for (const { name, text } of stamped(files, how)) writeFileSync(join(host, name), text);
    };
    type Door = { readonly one: number; load(): Promise<{ readonly two: number }> };
    put(some);
    const old = (await import(/* @vite-ignore */ `${join(host, door)}?old`)) as Door;
    put(some.map((file) => ({ ...file, text: file.text.replace('= 1', '= 2') })));
    await expect(old.load()).rejects.toThrow(/Cannot find module/);
    const young = (await import(/* @vite-ignore */ `${join(host, door)}?young`)) as Door;
    expect([old.one, young.one, (await young.load()).two]).toEqual([1, 2, 4]);
  });
});
