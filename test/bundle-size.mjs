// What a page pays for a replica in the tab: `node test/bundle-size.mjs` bundles what an app imports of the built packages, as an app's bundler does for
// production (minified, for browsers, React left to the app), and prints what each room adds. `--modules` prints it module by module, `--check` fails over
// the budget, `--json` prints the figures as data; a suite holds them to it.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, defaultClientConditions } from 'vite';

/**
 * Of everything together, gzipped; a KB is 1000 bytes. The budget is a ratchet: it stands at what was reached, rounded up, and only goes down until it meets
 * the limit that is promised.
 */
const budget = { kilobytes: 35.15, limitKilobytes: 30, aimKilobytes: 25 };

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
  const isOver = figures.kilobytes > budget.kilobytes;
  if (isOver) console.error(`The bundle is over its budget of ${budget.kilobytes} KB.`);
  if (process.argv.includes('--check') && isOver) process.exitCode = 1;
}

async function measure() {
  const chunks = await bundle(pages.replica);
  const connect = await bundle(pages.connect);
  const added = chunks.map((chunk) => shares(chunk));
  const modules = added.flatMap((shared) => shared.modules).toSorted((a, b) => b.bytes - a.bytes);
  return {
    budget,
    // Chunks that are only loaded when they are needed count like the others: a page that uses everything pays for all.
    kilobytes: kilobytes(chunks.reduce((sum, { code }) => sum + gzipped(code), 0)),
    chunks: chunks.map(({ name, isEntry, code }) => ({ name, isEntry, kilobytes: kilobytes(gzipped(code)) })),
    rooms: added
      .flatMap((shared) => shared.rooms)
      .map(({ name, bytes }) => ({ name, kilobytes: kilobytes(bytes) }))
      .toSorted((a, b) => b.kilobytes - a.kilobytes),
    modules,
    connectKilobytes: kilobytes(connect.reduce((sum, { code }) => sum + gzipped(code), 0)),
  };
}

async function bundle(source) {
  const entry = join(root, 'test/page.js');
  const made = await build({
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
      rolldownOptions: { input: { page: entry }, external: /^react($|\/)/, preserveEntrySignatures: 'strict' },
    },
  });
  return made.output.filter((file) => file.type === 'chunk');
}

/** So that what is measured has the names of the sources. */
function withSourceMap(id) {
  if (!existsSync(`${id}.map`)) return undefined;
  return { code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
}

/** What each module and each room adds: how much smaller the chunk is, compressed, without the characters that come from there. */
function shares({ code, map }) {
  const pieces = piecesOf(code, new SourceMap(typeof map === 'string' ? JSON.parse(map) : map));
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

function print({ kilobytes: together, chunks, rooms, modules, connectKilobytes }) {
  const line = (name, size) => console.log(`  ${name.padEnd(12)}${size.toFixed(2).padStart(6)} KB`);
  console.log('A replica in a tab, with React hooks and without React, minified and gzipped; what each room adds:');
  for (const room of rooms) line(room.name, room.kilobytes);
  if (process.argv.includes('--modules')) {
    console.log('What each module adds, in bytes, and its characters before they are compressed:');
    for (const { name, bytes, characters } of modules) {
      console.log(`  ${String(bytes).padStart(6)} ${String(characters).padStart(7)}  ${name}`);
    }
  }
  console.log('What rooms have in common is counted for none of them:');
  if (chunks.length > 1) for (const chunk of chunks) line(chunk.name, chunk.kilobytes);
  line('together', together);
  const { limitKilobytes, aimKilobytes } = budget;
  console.log(`  budget ${budget.kilobytes} KB, promised ${limitKilobytes} KB, aim ${aimKilobytes} KB`);
  console.log(`A client without a replica (connect alone): ${connectKilobytes.toFixed(2)} KB`);
}
