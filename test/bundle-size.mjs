// What a page pays for a replica in the tab: `node test/bundle-size.mjs` bundles what an app imports of the built packages, as an app's bundler does for
// production (minified, for browsers, React left to the app), and prints what each room adds to what is loaded at the start, and what is loaded when it is
// needed. `--modules` prints it module by module, `--check` fails over the budget, `--json` prints the figures as data; a suite holds them to it.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, defaultClientConditions } from 'vite';

/**
 * Gzipped; a KB is 1000 bytes. `kilobytes` is what a page loads before it has a replica, `togetherKilobytes` that and all that may be loaded later. Both are
 * ratchets: they stand at what was reached, rounded up, and only go down, the first at least until it meets the limit that is promised.
 */
const budget = { kilobytes: 30, togetherKilobytes: 36, limitKilobytes: 30, aimKilobytes: 25 };

/** What an app of each kind imports. `replica` is everything that the public entries have but `connect`, which is for pages without a replica. */
const pages = {
  replica: `
    export { RaftkvError, bytes, forgetReplica, json, openReplica, schemaCodec, text } from 'raftkv';
    export * from '@raftkv/react';`,
  connect: `export { connect } from 'raftkv';`,
};

const root = dirname(import.meta.dirname);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await measure();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
  else print(figures);
  const isOver = figures.kilobytes > budget.kilobytes || figures.togetherKilobytes > budget.togetherKilobytes;
  if (isOver) console.error(`The bundle is over its budget: ${JSON.stringify(budget)}.`);
  if (process.argv.includes('--check') && isOver) process.exitCode = 1;
}

/** The code of a page with a replica, file by file. */
export async function codeOfPage() {
  return (await bundle(pages.replica)).map(({ code }) => code);
}

async function measure() {
  const chunks = await bundle(pages.replica);
  const connect = await bundle(pages.connect);
  const first = loadedAtStart(chunks);
  const added = first.map((chunk) => shares(chunk));
  const modules = added.flatMap((shared) => shared.modules).toSorted((a, b) => b.bytes - a.bytes);
  return {
    budget,
    kilobytes: sizeOf(first),
    togetherKilobytes: sizeOf(chunks),
    onDemand: chunks
      .filter((chunk) => !first.includes(chunk))
      .map((chunk) => ({
        name: chunk.name.replace(/-[0-9a-f]{8}$/, ''),
        kilobytes: sizeOf([chunk]),
        modules: namesOfModules(chunk),
      })),
    rooms: added
      .flatMap((shared) => shared.rooms)
      .map(({ name, bytes }) => ({ name, kilobytes: kilobytes(bytes) }))
      .toSorted((a, b) => b.kilobytes - a.kilobytes),
    modules,
    connectKilobytes: sizeOf(loadedAtStart(connect)),
  };
}

/** The entry, and whatever must be there before it runs. */
function loadedAtStart(chunks) {
  const found = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const { imports } of found) for (const chunk of chunks) if (imports.includes(chunk.fileName)) found.add(chunk);
  return [...found];
}

function sizeOf(chunks) {
  return kilobytes(chunks.reduce((sum, { code }) => sum + gzipped(code), 0));
}

async function bundle(source) {
  const entry = join(root, 'test/page.js');
  const [made] = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    // By name, since a test that runs this says that it is no production.
    resolve: { conditions: ['production', ...defaultClientConditions.filter((name) => !name.includes('development'))] },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? source : withSourceMap(id)),
      },
    ],
    build: {
      write: false,
      target: 'es2023',
      sourcemap: 'hidden',
      modulePreload: false,
      // As a library, since to an app Vite adds helpers of its own.
      lib: { entry: { page: entry }, formats: ['es'] },
      rolldownOptions: {
        external: /^react($|\/)/,
        // As in an app, whose entry nobody imports: what other chunks need of it they get from it.
        preserveEntrySignatures: 'allow-extension',
        output: { minify: true, comments: false },
      },
    },
  });
  return made.output.filter((file) => file.type === 'chunk');
}

/** So that what is measured has the names of the sources. */
function withSourceMap(id) {
  if (!existsSync(`${id}.map`)) return undefined;
  return { code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
}

function namesOfModules({ code, map }) {
  return [...new Set(piecesOf(code, sourceMapOf(map)).map(({ path }) => path))];
}

function sourceMapOf(map) {
  return new SourceMap(typeof map === 'string' ? JSON.parse(map) : map);
}

/** What each module and each room adds: how much smaller the chunk is, compressed, without the characters that come from there. */
function shares({ code, map }) {
  const pieces = piecesOf(code, sourceMapOf(map));
  const whole = gzipped(code);
  const sharesBy = (nameOf) =>
    [...new Set(pieces.map(nameOf))].map((name) => {
      const rest = pieces.filter((piece) => nameOf(piece) !== name).map(({ text }) => text);
      return { name, bytes: whole - gzipped(rest.join('')), characters: code.length - rest.join('').length };
    });
  return { modules: sharesBy(({ path }) => path), rooms: sharesBy(({ path }) => roomOf(path)) };
}

/** The code cut where the file that it comes from changes. */
function piecesOf(code, sourceMap) {
  const pieces = [];
  for (const [row, line] of code.split('\n').entries()) {
    for (let column = 0; column <= line.length; column += 1) {
      const path = sourceOf(sourceMap, row, column);
      if (pieces.at(-1)?.path !== path) pieces.push({ path, text: '' });
      pieces.at(-1).text += line[column] ?? '\n';
    }
  }
  return pieces;
}

/** The file of the repository that this character comes from; the bundler's own are said to be the page's. */
function sourceOf(sourceMap, row, column) {
  const { originalSource } = sourceMap.findEntry(row, column);
  if (originalSource === undefined) return 'page';
  return originalSource.replace(/^(\.\.\/)+/, '').replace('packages/@raftkv/', 'packages/');
}

/** A package of ours or of others, by its name. */
function roomOf(path) {
  const words = path.split('/');
  const at = words.indexOf('packages') + 1 || words.indexOf('node_modules') + 1;
  return words[at] ?? path;
}

function gzipped(code) {
  return gzipSync(code, { level: 9 }).length;
}

function kilobytes(bytes) {
  return Math.ceil(bytes / 10) / 100;
}

function print({ kilobytes: together, togetherKilobytes, onDemand, rooms, modules, connectKilobytes }) {
  const line = (name, size) => console.log(`  ${name.padEnd(12)}${size.toFixed(2).padStart(6)} KB`);
  console.log(
    'A replica in a tab, with React hooks and without React, minified and gzipped; what each room adds at the start:',
  );
  for (const room of rooms) line(room.name, room.kilobytes);
  if (process.argv.includes('--modules')) {
    console.log('What each module adds, in bytes, and its characters before they are compressed:');
    for (const { name, bytes, characters } of modules) {
      console.log(`  ${String(bytes).padStart(6)} ${String(characters).padStart(7)}  ${name}`);
    }
  }
  console.log('What rooms have in common is counted for none of them:');
  line('at start', together);
  console.log('Loaded when it is needed, or when the replica is at work:');
  for (const chunk of onDemand) line(chunk.name, chunk.kilobytes);
  line('together', togetherKilobytes);
  const { limitKilobytes, aimKilobytes } = budget;
  console.log(
    `  budget ${budget.kilobytes} KB at start, promised ${limitKilobytes} KB, aim ${aimKilobytes} KB; ${budget.togetherKilobytes} KB together`,
  );
  console.log(`A client without a replica (connect alone): ${connectKilobytes.toFixed(2)} KB`);
}
