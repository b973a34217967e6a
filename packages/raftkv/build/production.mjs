// Builds what a browser app gets in production: everything behind the browser's door in one file, `dist/production/index.js`, in which names that nobody
// outside can see are short, and errors have their code and their values but not their sentences. The `development` condition gives the plain build.
// Which names and which texts is for `program.mjs` to say; what an app's bundler makes of it is measured by `test/bundle-size.mjs`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { minify } from 'terser';
import { build, defaultClientConditions } from 'vite';
import { analyse, packages } from './program.mjs';

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
  'client/src/live/shape.ts': '@raftkv/client/live',
};

const folder = join(packages, 'raftkv/dist/production');
const entry = join(packages, 'raftkv/src/web/index.ts');
let editsOf = () => [];
const sources = Object.entries((await bundle(false)).modules);
const analysed = analyse({
  entry,
  bundled: sources.flatMap(([path, { renderedLength }]) => (renderedLength > 0 && isOurs(path) ? [path] : [])),
  shared: Object.keys(shared).map((path) => join(packages, path)),
});
const { namesFor } = analysed;
editsOf = analysed.editsOf;

const plain = await bundle(false);
const names = namesFor(plain.code);
const bundled = await bundle({
  compress: true,
  mangle: true,
  codegen: true,
  mangleProps: { include: anyOf(Object.keys(names)), cache: names },
});
// What an app's bundler does not see: uses that can stand where the value is made, and branches that end alike.
const shrunk = await minify(bundled.code, {
  module: true,
  ecma: 2020,
  // That getters only read is seen to by `program.mjs`.
  compress: { passes: 3, pure_getters: true },
  format: { preserve_annotations: true },
  sourceMap: { content: bundled.map, filename: 'index.js', url: 'index.js.map' },
});
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'index.js'), shrunk.code);
writeFileSync(join(folder, 'index.js.map'), shrunk.map);

async function bundle(minifying) {
  const { output } = await build({
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
      modulePreload: false,
      rolldownOptions: {
        input: { index: entry },
        // How long a busy machine takes is no news.
        checks: { pluginTimings: false },
        preserveEntrySignatures: 'strict',
        output: {
          entryFileNames: '[name].js',
          sourcemapPathTransform: asInstalled,
          sourcemapExcludeSources: true,
          banner: '/*! raftkv, MIT; with parts of idb-keyval by Jake Archibald, Apache-2.0 */',
          minify: minifying,
        },
      },
    },
  });
  return output[0];
}

async function resolveId(id, importer) {
  if (importer === undefined) return undefined;
  const resolved = await this.resolve(id, importer, { skipSelf: true });
  const door = resolved && shared[relative(packages, resolved.id)];
  return door === undefined ? resolved : { id: door, external: true };
}

/** The sources with shorter texts; lines stay where they are, for the source map. */
function load(id) {
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

function anyOf(words) {
  return new RegExp(`^(?:${words.join('|')})$`);
}
