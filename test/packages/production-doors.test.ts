// Doors that have a production build for browsers: it has the same names as the plain one, one class of errors, and errors without their sentences.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import { afterAll, expect, it } from 'vitest';

const packages = join(import.meta.dirname, '../../packages');
const folder = mkdtempSync(join(tmpdir(), 'raftkv-doors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string): unknown {
  const words = ['--input-type=module', '--eval', `console.log(JSON.stringify(await (async () => {${script}})()))`];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: packages, encoding: 'utf8' }));
}

it.each([
  ['client/dist/index.js', 'client/dist/production/index.js'],
  ['client/dist/live/index.js', 'client/dist/production/live.js'],
  ['react/dist/index.js', 'react/dist/production/index.js'],
  ['react/dist/outbox.js', 'react/dist/production/outbox.js'],
])('%s has the same names in production', (plain, production) => {
  const names = run(`
    const [plain, production] = await Promise.all([import('./${plain}'), import('./${production}')]);
    return [plain, production].map((door) => Object.keys(door).sort());
  `) as string[][];
  expect(names[1]).toEqual(names[0]);
  expect(names[0]!.length).toBeGreaterThan(0);
});

it('an error of a schema says its code and what the schema says, and is of the one class', () => {
  const told = run(`
    const { RaftkvError } = await import('./client/dist/index.js');
    const { json, schemaCodec } = await import('./client/dist/production/index.js');
    const tell = (act) => {
      try {
        act();
      } catch (error) {
        return [error instanceof RaftkvError, error.code, error.message];
      }
    };
    const refuse = (issues) => schemaCodec({ '~standard': { validate: () => ({ issues }) } });
    return [
      tell(() => json.encode(undefined)),
      tell(() => refuse([{ message: 'too long' }]).encode('a')),
      tell(() => refuse([]).encode('a')),
    ];
  `);
  expect(told).toEqual([
    [true, 'invalid_argument', 'invalid argument: undefined'],
    [true, 'invalid_argument', 'too long'],
    [true, 'invalid_argument', 'invalid argument'],
  ]);
});

it('hooks of all doors for React find what is provided, in the bundle of an app', async () => {
  const entry = join(import.meta.dirname, 'page.js');
  const page = `
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    import { LiveValue } from '@raftkv/client/live';
    import { RaftkvProvider, useKv } from '@raftkv/react';
    import { useOutbox } from '@raftkv/react/outbox';
    const kv = { name: 'provided', outbox: { status: new LiveValue({ waiting: 3 }) }, writes: new LiveValue([]) };
    const Page = () => \`\${useKv().name} \${useOutbox().status.waiting}\`;
    export const rendered = renderToString(createElement(RaftkvProvider, { kv }, createElement(Page)));`;
  const [made] = (await build({
    root: join(packages, '..'),
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['production', ...defaultClientConditions.filter((name) => !name.includes('development'))] },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? page : undefined),
      },
    ],
    build: { write: false, target: 'es2023', lib: { entry: { page: entry }, formats: ['es'] } },
  })) as unknown as [{ readonly output: readonly [{ readonly code: string }] }];
  const file = join(folder, 'page.mjs');
  writeFileSync(file, made.output[0].code);
  const { rendered } = (await import(/* @vite-ignore */ file)) as { rendered: string };
  expect(rendered).toBe('provided 3');
}, 60_000);
