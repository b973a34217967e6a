// Which names may be the same in the production build: those that can never meet on one object, as far as the type checker can tell; what is in doubt may not.
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface MeetingsOf {
  look(node: ts.Node): void;
  partners(mayMangle: (name: string) => boolean): ReadonlyMap<string, ReadonlySet<string>>;
  readonly doubtful: ReadonlySet<string>;
}
const folder = join(import.meta.dirname, '../../build');
const { Meetings } = (await import(join(folder, 'meetings.mjs'))) as {
  readonly Meetings: new (checker: ts.TypeChecker, nameOf: (symbol: ts.Symbol) => string) => MeetingsOf;
};
const { ShortNames } = (await import(join(folder, 'short-names.mjs'))) as {
  readonly ShortNames: new (checker: ts.TypeChecker) => {
    choose(options: object): { readonly names: Readonly<Record<string, string>> };
  };
};

function lookAt(source: string) {
  const options: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ES2022, noEmit: true };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, target) =>
    name === 'tried.ts' ? ts.createSourceFile(name, source, target, true) : getSourceFile.call(host, name, target);
  const program = ts.createProgram(['tried.ts'], options, host);
  const file = program.getSourceFile('tried.ts')!;
  // A program that does not fit its own types proves nothing.
  expect(ts.getPreEmitDiagnostics(program, file).map(({ messageText }) => messageText)).toEqual([]);
  const checker = program.getTypeChecker();
  const meetings = new Meetings(checker, (symbol) => symbol.name);
  const walk = (node: ts.Node): void => {
    meetings.look(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
  return { checker, meetings };
}

/** Whether `alpha` and `beta` meet in this program. */
function meet(source: string): boolean {
  const partners = lookAt(source).meetings.partners((name) => name === 'alpha' || name === 'beta');
  const isMutual = partners.get('alpha')?.has('beta') === true;
  expect(partners.get('beta')?.has('alpha') === true).toBe(isMutual);
  return isMutual;
}

describe('two names never meet', () => {
  it.each([
    ['of two classes that have nothing to do with each other', 'class A { alpha = 1 } class B { beta = 2 }'],
    ['of two literals', 'const a = { alpha: 1 }, b = { beta: 2 }; export const sum = a.alpha + b.beta;'],
    [
      'of the variants of a union, which are told apart by what both have',
      `type Either = { kind: 1; alpha: number } | { kind: 2; beta: number };
       export const valueOf = (each: Either) => (each.kind === 1 ? each.alpha : each.beta);`,
    ],
    [
      'where something is spread that the other does not fit',
      `interface Given { needed: string }
       class A { alpha = 1 }
       export const spread = (given: Given) => ({ beta: 2, ...given });`,
    ],
    [
      'where one asks for something that the other has not',
      `interface Asked { needed: string; beta?: number }
       class A { alpha = 1 }
       export const ask = ({ beta }: Asked) => beta;`,
    ],
  ])('%s', (_case, source) => {
    expect(meet(source)).toBe(false);
  });
});

describe('two names meet', () => {
  it.each([
    ['in a class', 'class A { alpha = 1; beta = 2 }'],
    ['in a class and the one that it extends', 'class A { alpha = 1 } class B extends A { beta = 2 }'],
    ['in a literal', 'export const both = { alpha: 1, beta: 2 };'],
    ['in what was spread', 'const a = { alpha: 1 }; export const both = { ...a, beta: 2 };'],
    [
      'in what was spread, which may have more than its type says',
      `interface Given { needed: string }
       class A { needed = ''; alpha = 1 }
       const given: Given = new A();
       export const both = { beta: 2, ...given };`,
    ],
    [
      'in what was assigned, which may have more than its type says',
      `interface Given { needed: string }
       class A { needed = ''; alpha = 1 }
       const given: Given = new A();
       export const both = Object.assign({ beta: 2 }, given);`,
    ],
    ['in an intersection', 'export function read(both: { alpha: 1 } & { beta: 2 }) { return both.alpha + both.beta; }'],
    [
      'where one need not be there, and may be looked for in whatever fits',
      `interface Asked { needed: string; beta?: number }
       class A { needed = ''; alpha = 1 }
       const ask = ({ beta }: Asked) => beta;
       export const answer = ask(new A());`,
    ],
    [
      'where it is claimed that one is the other',
      `interface A { alpha: number } interface B { beta?: number }
       export const claim = (a: A) => (a as A & B).beta;`,
    ],
    [
      'where it is claimed without any reason',
      `interface A { alpha: number } interface B { beta: number }
       export const claim = (a: A) => (a as unknown as B).beta;`,
    ],
    ['in what a function answers', 'export function both() { const alpha = 1; return [{ alpha, beta: 2 }]; }'],
  ])('%s', (_case, source) => {
    expect(meet(source)).toBe(true);
  });

  it('with all others where nothing is certain of what they are asked of', () => {
    const { meetings } = lookAt(
      'interface Asked { alpha?: number; beta?: number } export const ask = (asked: Asked) => asked.alpha;',
    );
    expect([...meetings.doubtful]).toEqual(['alpha', 'beta']);
  });
});

it('gives one name to those that never meet, and never one to those that do', () => {
  const { checker, meetings } = lookAt(
    'class A { alpha = 1; beta = 2 } class B { gamma = 1; delta = 2 } class C { delta = 1; alpha = 2 }',
  );
  const names = ['alpha', 'beta', 'gamma', 'delta'];
  const wished = { code: '', names, meetings, known: { alpha: 'x', beta: 'x', gamma: 'x', delta: 'x' } };
  const chosen = new ShortNames(checker).choose({ ...wished, taken: new Set(['t']) }).names;
  expect(chosen.alpha).toBe('x');
  expect(chosen.gamma).toBe('x');
  for (const [name, other] of [
    ['alpha', 'beta'],
    ['gamma', 'delta'],
    ['alpha', 'delta'],
  ] as const) {
    expect(chosen[name]).not.toBe(chosen[other]);
  }
  expect(Object.values(chosen)).not.toContain('t');
});
