// Builds what bindings have of the client, and the hooks for React, for production in browsers: errors without their sentences, as behind raftkv's own door, and
// all names as they are, since a binding may be of another version. Called by `production.mjs`, which knows what is shared and what becomes of a source.
import { join } from 'node:path';
import { build } from 'vite';

/** Doors of the client: what is built for each, and the plain one, seen from there, from which the rest is had. */
const doors = {
  '@raftkv/client': { name: 'index', plain: '../index.js' },
  '@raftkv/client/live': { name: 'live', plain: '../live/index.js' },
};

/** `shared`: modules, by the doors that they are had from. `load`: what becomes of a source. */
export async function writeBindings({ packages, shared, load, writeWhole }) {
  const codeOf = (door) =>
    Object.keys(shared)
      .filter((path) => shared[path] === door)
      .map((path) => `export * from ${JSON.stringify(join(packages, path))};`)
      .join('\n');
  const client = Object.entries(doors).map(([door, { name }]) => [name, codeOf(door)]);
  const plainOf = Object.fromEntries(Object.values(doors).map(({ name, plain }) => [`${name}.js`, plain]));
  for (const { fileName, code } of await bundle(Object.fromEntries(client), load)) {
    const plain = plainOf[fileName];
    // What a module names itself goes before what it passes on.
    const rest = plain === undefined ? '' : `export * from ${JSON.stringify(plain)};\n`;
    writeWhole(join(packages, 'client/dist/production', fileName), rest + code);
  }
  // All doors at once: the context is of one module, whichever door asks for it.
  const hooks = ['index', 'outbox'].map((name) => [
    name,
    `export * from ${JSON.stringify(join(packages, `react/src/${name}.ts`))};`,
  ]);
  for (const { fileName, code } of await bundle(Object.fromEntries(hooks), load)) {
    writeWhole(join(packages, 'react/dist/production', fileName), code);
  }
}

/** `entries`: their code, by name. */
async function bundle(entries, load) {
  const pathOf = (name) => join(import.meta.dirname, `${name}-of-bindings.js`);
  const codes = new Map(Object.entries(entries).map(([name, code]) => [pathOf(name), code]));
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'warn',
    plugins: [
      {
        name: 'bindings',
        enforce: 'pre',
        resolveId: (id) => (codes.has(id) ? id : undefined),
        load: (id) => codes.get(id) ?? load(id),
      },
    ],
    build: {
      write: false,
      target: 'es2023',
      minify: false,
      lib: { entry: Object.fromEntries(Object.keys(entries).map((name) => [name, pathOf(name)])), formats: ['es'] },
      rolldownOptions: {
        checks: { pluginTimings: false },
        external: /^(@raftkv|react)($|\/)/,
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
      },
    },
  });
  return output.filter(({ type }) => type === 'chunk');
}
