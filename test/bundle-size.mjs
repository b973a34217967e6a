// What a page pays for a replica in the tab: `node test/bundle-size.mjs` bundles what an app imports, as an app's bundler does (minified, for browsers, React
// left to the app), and prints what each room adds. `--check` fails over the budget, `--json` prints the figures as data; a suite holds them to it.
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, defaultClientConditions, minifySync } from 'vite';

/**
 * Of everything together, gzipped; a KB is 1000 bytes. The budget is a ratchet: it stands at what was reached, rounded up, and only goes down until it meets
 * the limit that is promised.
 */
const budget = { kilobytes: 41, limitKilobytes: 30, aimKilobytes: 25 };

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
  const rooms = {};
  const modules = chunks.flatMap((chunk) => Object.entries(chunk.modules));
  for (const [path, { code }] of modules) {
    if (code) rooms[roomOf(path)] = (rooms[roomOf(path)] ?? '') + code;
  }
  return {
    budget,
    // Chunks that are only loaded when they are needed count like the others: a page that uses everything pays for all.
    kilobytes: kilobytesOf(chunks.map((chunk) => chunk.code)),
    chunks: chunks.map(({ name, isEntry, code }) => ({ name, isEntry, kilobytes: kilobytesOf([code]) })),
    rooms: Object.entries(rooms)
      .map(([name, code]) => ({ name, kilobytes: kilobytesOf([minifySync('room.js', code, { module: false }).code]) }))
      .toSorted((a, b) => b.kilobytes - a.kilobytes),
    modules: modules.map(([path]) => relative(root, path)),
    connectKilobytes: kilobytesOf(connect.map((chunk) => chunk.code)),
  };
}

async function bundle(source) {
  const entry = join(root, 'test/page.js');
  const made = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? source : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: { input: { page: entry }, external: /^react($|\/)/, preserveEntrySignatures: 'strict' },
    },
  });
  return made.output.filter((file) => file.type === 'chunk');
}

/** A package of ours or of others, by its name. */
function roomOf(path) {
  const words = relative(root, path).split('/');
  const isOurs = words[0] === 'packages';
  return isOurs ? words[1] : words.slice(1, words[1].startsWith('@') ? 3 : 2).join('/');
}

function kilobytesOf(codes) {
  const bytes = codes.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0);
  return Math.ceil(bytes / 10) / 100;
}

function print({ kilobytes, chunks, rooms, connectKilobytes }) {
  const line = (name, size) => console.log(`  ${name.padEnd(12)}${size.toFixed(2).padStart(6)} KB`);
  console.log('A replica in a tab, with React hooks and without React, minified and gzipped:');
  for (const room of rooms) line(room.name, room.kilobytes);
  console.log('Each room alone; compressed together they come to less:');
  if (chunks.length > 1) for (const chunk of chunks) line(chunk.name, chunk.kilobytes);
  line('together', kilobytes);
  const { limitKilobytes, aimKilobytes } = budget;
  console.log(`  budget ${budget.kilobytes} KB, promised ${limitKilobytes} KB, aim ${aimKilobytes} KB`);
  console.log(`A client without a replica (connect alone): ${connectKilobytes.toFixed(2)} KB`);
}
