// The house rules that a reader of the text can check: a function each, from files to findings. Imports are rules.ts's
// subject and what oxlint can say is oxlint.json's. Called by tidy.test.ts, on the tree and on small files that offend.
import { basename } from 'node:path';
import ts from 'typescript';

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Files longer than the hard limit that are allowed to be, with why. An entry that is no longer needed is a finding too. */
export type LongFileExceptions = Readonly<Record<string, string>>;

const softLimitLines = 220;
export const hardLimitLines = 400;

/** A file begins with two or three sentences: what lives here, what does not, who calls it. */
export function missingHeaders(files: readonly SourceFile[]): string[] {
  return code(files)
    .filter((file) => !/^(#!.*\n)?(\/\/ |\/\*\*?\s)\S/.test(file.text))
    .map((file) => `${file.path}: begins without a comment that says what lives here`);
}

/** One subject a file. */
export function longFiles(files: readonly SourceFile[], exceptions: LongFileExceptions): string[] {
  const long = code(files).filter((file) => lineCount(file) > hardLimitLines);
  const found = long
    .filter((file) => exceptions[file.path] === undefined)
    .map((file) => `${file.path}: ${lineCount(file)} lines, the limit is ${hardLimitLines}`);
  const stale = Object.keys(exceptions)
    .filter((path) => !long.some((file) => file.path === path))
    .map((path) => `${path}: listed as an exception, but no longer over ${hardLimitLines} lines`);
  return [...found, ...stale];
}

/** Files between the two limits: worth a look, not a failure. */
export function longishFiles(files: readonly SourceFile[]): string[] {
  return code(files)
    .filter((file) => lineCount(file) > softLimitLines && lineCount(file) <= hardLimitLines)
    .map((file) => `${file.path}: ${lineCount(file)} lines`);
}

/** Marks of unfinished work and of silenced tools. The patterns are written so that they do not match themselves. */
const marks: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\b(TO[D]O|FIX[M]E|XX[X])\b/, what: 'a mark of unfinished work' },
  { pattern: /@ts-(ignor[e]|nochec[k])\b/, what: 'a silenced compiler' },
  { pattern: /\b(ox|es)lint-disabl[e]/, what: 'a silenced linter' },
];

export function leftoverMarks(files: readonly SourceFile[]): string[] {
  return eachLine(code(files), (line) => marks.find(({ pattern }) => pattern.test(line))?.what);
}

/** Paths of the machine that the text was written on. */
export function machinePaths(files: readonly SourceFile[]): string[] {
  const pattern = /(?<![\w.)\]}-])\/(work|home|root|Users)\/[\w.-]+/;
  return eachLine(files, (line) => (pattern.test(line) ? 'an absolute path of some machine' : undefined));
}

export function vagueNames(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => /^utils?\b/.test(basename(file.path)))
    .map((file) => `${file.path}: name the file by the idea it holds`);
}

/** What the syntax tree shows: default and star exports, `as any`, and tests that are singled out, skipped or promised. */
export function oddSyntax(files: readonly SourceFile[]): string[] {
  return syntaxFindings(code(files), (node) => {
    if (ts.isExportAssignment(node)) return 'a default export';
    if (ts.isExportDeclaration(node) && (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))) {
      return 'a star export';
    }
    if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) return 'a default export';
    if (ts.isExportSpecifier(node) && node.name.text === 'default') return 'a default export';
    if (ts.isAsExpression(node) && node.type.kind === ts.SyntaxKind.AnyKeyword) return 'a cast to any';
    if (ts.isPropertyAccessExpression(node) && isTestFunction(node.expression)) {
      if (['only', 'skip', 'todo', 'skipIf', 'fails'].includes(node.name.text)) return `a test with .${node.name.text}`;
    }
    return undefined;
  });
}

/** The clock, the dice and waiting, in the rooms that must give the same outputs for the same inputs. */
export function impurities(files: readonly SourceFile[]): string[] {
  const pure = code(files).filter((file) => /^packages\/(raft|kv)\/src\//.test(file.path));
  return syntaxFindings(pure, (node) => {
    if (ts.isIdentifier(node) && node.text === 'Date' && !isMemberName(node)) return 'Date';
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'Math.random';
    if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) return 'a promise';
    return undefined;
  });
}

/** Packages (folders that hold a package.json) without a README. */
export function missingReadmes(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  return [...paths]
    .flatMap((path) => /^(packages\/[^/]+)\/package\.json$/.exec(path)?.[1] ?? [])
    .filter((folder) => !paths.has(`${folder}/README.md`))
    .map((folder) => `${folder}: no README.md`);
}

/** What the list `errorCodes` has and the README beside it does not name in backticks. */
export function undocumentedCodes(errorSource: string, readme: string): string[] {
  const codes = errorCodes(errorSource);
  if (codes.length === 0) return ['no list called errorCodes was found'];
  return codes.filter((each) => !readme.includes(`\`${each}\``)).map((each) => `${each}: not documented`);
}

function errorCodes(source: string): string[] {
  const tree = ts.createSourceFile('error.ts', source, ts.ScriptTarget.ES2023);
  const codes: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isStringLiteral(node)) codes.push(node.text);
    ts.forEachChild(node, collect);
  };
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (ts.isIdentifier(name) && name.text === 'errorCodes' && initializer !== undefined) collect(initializer);
    }
  }
  return codes;
}

function isTestFunction(node: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(node)) return isTestFunction(node.expression);
  return ts.isIdentifier(node) && ['describe', 'it', 'test', 'suite', 'bench'].includes(node.text);
}

/** `x.Date` and `{ Date: … }` name a member, not the global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node && parent.expression.getText() !== 'globalThis') ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isPropertySignature(parent) && parent.name === node)
  );
}

function syntaxFindings(files: readonly SourceFile[], judge: (node: ts.Node) => string | undefined): string[] {
  const findings: string[] = [];
  for (const file of files) {
    const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      const what = judge(node);
      if (what !== undefined) {
        const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
        findings.push(`${file.path}:${line + 1}: ${what}`);
      }
      ts.forEachChild(node, visit);
    };
    // The config files at the root are read by tools that ask for a default export.
    if (file.path.includes('/')) visit(tree);
  }
  return findings;
}

function eachLine(files: readonly SourceFile[], judge: (line: string) => string | undefined): string[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((line, at) => {
      const what = judge(line);
      return what === undefined ? [] : [`${file.path}:${at + 1}: ${what}`];
    }),
  );
}

function code(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => /\.(ts|tsx|mts|mjs|js)$/.test(file.path));
}

function lineCount(file: SourceFile): number {
  return file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
}
