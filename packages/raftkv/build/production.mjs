// Builds what a browser app gets in production: everything behind the browser's door, `dist/production/index.js`, in a core beside it, and what is imported when it is
// needed in files of its own. Names that nobody outside can see are short there, the same in each file, and errors have their code and their values but no sentences.
// The `development` condition gives the plain build. Which names and which texts is for `program.mjs` to say; `test/bundle-size.mjs` measures what becomes of it.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { minify } from 'terser';
import { build, defaultClientConditions } from 'vite';
import { writeBindings } from './bindings.mjs';
import { isMade, stamped, unstamped } from './chunk-names.mjs';
import { findNames, placeholder } from './find-names.mjs';
import { findOrder } from './find-order.mjs';
import { analyse, packages } from './program.mjs';
import { order } from './statement-order.mjs';

/**
 * Modules that bindings and apps share with the file, by the doors that they are had from: errors are of one class, and a binding brings nothing
 * along that is here already.
 */
const shared = {
  'wire/src/error.ts': '@raftkv/wire',
  'wire/src/compression.ts': '@raftkv/wire',
  'client/src/codec.ts': '@raftkv/client',
  'client/src/schema.ts': '@raftkv/client',
  'client/src/live/live-value.ts': '@raftkv/client/live',
  'client/src/live/nothing.ts': '@raftkv/client/live',
  'client/src/live/pending-status.ts': '@raftkv/client/live',
  'client/src/live/read-state.ts': '@raftkv/client/live',
  'client/src/live/shape.ts': '@raftkv/client/live',
  'client/src/live/tell-all.ts': '@raftkv/client/live',
};

/** Modules that load the code behind them when it is needed, in the place of those that have it. */
const later = {
  'client/src/make-watch.ts': 'client/src/make-watch-later.ts',
  'client/src/rare.ts': 'client/src/rare-later.ts',
  'wire/src/rare.ts': 'wire/src/rare-later.ts',
};

/** What is loaded later for calls, and for names of replicas: the modules that those in `later` import, and what only these need. */
const calls = [
  'raftkv/src/web/tab-name.ts',
  'client/src/rare-calls.ts',
  'client/src/rare-entry.ts',
  'client/src/scan-pages.ts',
  'client/src/txn-shapes.ts',
  'client/src/watch.ts',
  'wire/src/compare.ts',
  'wire/src/fill-rare.ts',
  'wire/src/float.ts',
  'wire/src/flow.ts',
  'wire/src/nesting.ts',
  'wire/src/rare-layouts.ts',
  'wire/src/scan-layouts.ts',
  'wire/src/status.ts',
  'wire/src/watch-layouts.ts',
];

/** Says whether what only Node needs is wanted. */
const forNode = join(packages, 'wire/src/build.ts');
/** `--into` another one, where what is made is compared. */
const folder = wordAfter('--into') ?? join(packages, 'raftkv/dist/production');
const main = `core-${unstamped}.js`;
const banner = '/*! raftkv, MIT; with parts of idb-keyval by Jake Archibald, Apache-2.0 */';
const entry = join(packages, 'raftkv/src/web/index.ts');
let editsOf = () => [];
const sources = (await bundle()).flatMap(({ modules }) => Object.entries(modules));
const analysed = analyse({
  entry,
  bundled: sources.flatMap(([path, { renderedLength }]) => (renderedLength > 0 && isOurs(path) ? [path] : [])),
  shared: Object.keys(shared).map((path) => join(packages, path)),
});
const { exported, namesFor } = analysed;
editsOf = analysed.editsOf;

const plain = await bundle();
const namesFile = join(import.meta.dirname, 'names.json');
const chosen = namesFor(plain.map(({ code }) => code).join(''), JSON.parse(readFileSync(namesFile, 'utf8')));
const orderFile = join(import.meta.dirname, 'order.json');
if (process.argv[2] === '--find-order') await improveOrder();
if (wordAfter('--into') === undefined) await writeBindings({ packages, shared, load, writeWhole });
if (process.argv[2] === '--find-names') await improveNames();
else await write(chosen.names);

/** All files, with these names, the same in each. */
async function write(names) {
  const files = [];
  for (const { fileName, code, map } of plain) {
    const program = await parsed(code);
    if (fileName === main) order(program, code, readOrder());
    // A file that only passes on what others export is of no source.
    const sourceMap = map !== null && { content: map, filename: fileName, url: `${fileName}.map` };
    const shrunk = await shrink(program, names, { format: { preserve_annotations: true }, sourceMap });
    files.push({ name: fileName, text: shrunk.code });
    if (sourceMap) files.push({ name: `${fileName}.map`, text: shrunk.map });
  }
  const made = stamped(files, { main, exported, banner });
  for (const { name, text } of made) writeWhole(join(folder, name), text);
  const kept = new Set(made.map(({ name }) => name));
  for (const name of readdirSync(folder)) if (isMade(name) && !kept.has(name)) rmSync(join(folder, name));
}

/** Suites that run side by side may build, and read, at the same time. */
function writeWhole(path, text) {
  const unfinished = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}

function shrink(program, names, output) {
  const short = Object.entries(names).map(([name, to]) => [`$${name}`, to]);
  return minify(program, {
    module: true,
    ecma: 2020,
    // That getters only read is seen to by `program.mjs`.
    compress: { passes: 3, pure_getters: true },
    mangle: { properties: { regex: anyOf(Object.keys(names)), builtins: true } },
    nameCache: { props: { props: Object.fromEntries(short) } },
    ...output,
  });
}

async function parsed(code) {
  const asTree = { module: true, compress: false, mangle: false, format: { ast: true, code: false } };
  return (await minify(code, asTree)).ast;
}

function readOrder() {
  return JSON.parse(readFileSync(orderFile, 'utf8'));
}

async function improveOrder() {
  const { code } = plain.find(({ fileName }) => fileName === main);
  const { ast } = await shrink(await parsed(code), chosen.names, { format: { ast: true, code: false } });
  const found = findOrder(ast, code, readOrder(), Number(process.argv[3] ?? 5_000));
  writeFileSync(orderFile, `${JSON.stringify(found, undefined, 2)}\n`);
}

/** What is tried has placeholders for the names, from the files to what an app's bundler makes of them. The names found are for the next build. */
async function improveNames() {
  const { codeOfPage } = await import('../../../test/bundle-size.mjs');
  await write(Object.fromEntries(Object.keys(chosen.names).map((name, i) => [name, placeholder(i)])));
  const codes = await codeOfPage();
  await write(chosen.names);
  const found = findNames({ ...chosen, codes, trials: Number(process.argv[3] ?? 20_000) });
  writeFileSync(namesFile, `${JSON.stringify(found, undefined, 2)}\n`);
}

async function bundle() {
  const [{ output }] = await build({
    root: join(packages, 'raftkv'),
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    plugins: [{ name: 'production', enforce: 'pre', resolveId, load }],
    build: {
      write: false,
      outDir: folder,
      target: 'es2023',
      minify: false,
      sourcemap: true,
      // To an app Vite would add helpers of its own.
      lib: { entry: { core: entry }, formats: ['es'] },
      rolldownOptions: {
        // How long a busy machine takes is no news.
        checks: { pluginTimings: false },
        // What the other files need of the first, they get from it.
        preserveEntrySignatures: 'allow-extension',
        output: {
          entryFileNames: main,
          chunkFileNames: `[name]-${unstamped}.js`,
          // What is not asked for in the first moment is one file, which costs less than three.
          codeSplitting: {
            includeDependenciesRecursively: false,
            groups: [{ name: 'calls', test: (id) => calls.includes(relative(packages, id)) }],
          },
          sourcemapPathTransform: asInstalled,
          sourcemapExcludeSources: true,
          banner,
        },
      },
    },
  });
  return output.filter(({ type }) => type === 'chunk');
}

async function resolveId(id, importer) {
  if (importer === undefined) return undefined;
  const resolved = await this.resolve(id, importer, { skipSelf: true });
  const path = resolved && relative(packages, resolved.id);
  if (later[path] !== undefined) return join(packages, later[path]);
  return shared[path] === undefined ? resolved : { id: shared[path], external: true };
}

/** The sources with shorter texts; lines stay where they are, for the source map. */
function load(id) {
  if (id === forNode) return { code: 'export const mayRunInNode = false;', moduleType: 'ts' };
  const edits = editsOf(id) ?? [];
  if (edits.length === 0) return undefined;
  let code = readFileSync(id, 'utf8');
  for (const { start, end, text } of edits.toSorted((a, b) => b.start - a.start)) {
    code = code.slice(0, start) + text + code.slice(end);
  }
  return { code, moduleType: 'ts' };
}

/** Where a source is for whoever has installed the packages, seen from the file. */
function asInstalled(source, map) {
  const [room, ...rest] = relative(packages, resolve(dirname(map), source)).split('/');
  if (room === 'raftkv') return ['../..', ...rest].join('/');
  return ['../../..', ...(room === '..' ? rest.slice(1) : [`@raftkv/${room}`, ...rest])].join('/');
}

function isOurs(path) {
  return path.startsWith(packages) && path.endsWith('.ts');
}

function wordAfter(option) {
  const at = process.argv.indexOf(option);
  return at === -1 ? undefined : process.argv[at + 1];
}

function anyOf(words) {
  return new RegExp(`^(?:${words.join('|')})$`);
}
