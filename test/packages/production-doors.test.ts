// Doors that have a production build for browsers: it has the same names as the plain one, one class of errors, and errors without their sentences.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const packages = join(import.meta.dirname, '../../packages');

function run(script: string): unknown {
  const words = ['--input-type=module', '--eval', `console.log(JSON.stringify(await (async () => {${script}})()))`];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: packages, encoding: 'utf8' }));
}

it.each([
  ['client/dist/index.js', 'client/dist/production/index.js'],
  ['client/dist/live/index.js', 'client/dist/production/live.js'],
  ['react/dist/index.js', 'react/dist/production/index.js'],
])('%s has the same names in production', (plain, production) => {
  const names = run(`
    const [plain, production] = await Promise.all([import('./${plain}'), import('./${production}')]);
    return [plain, production].map((door) => Object.keys(door).sort());
  `) as string[][];
  expect(names[1]).toEqual(names[0]);
  expect(names[0]!.length).toBeGreaterThan(5);
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
