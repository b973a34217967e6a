// Bundles the simulator with everything that it runs, once, from the sources of the packages, into one file for Node and browsers alike. A mutant is put in
// here, into the text of the source, and nowhere else: no switch ships.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { build, defaultClientConditions } from 'vite';

const root = dirname(dirname(dirname(import.meta.dirname)));

/** The text of the bundle. `mutant`: see mutants/. */
async function bundleText(mutant) {
  const used = new Set();
  const made = await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    plugins: mutant === undefined ? [] : [mutation(mutant, used)],
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: {
        input: { simulator: join(root, 'test/simulator/run-seed.ts') },
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: '[name].js', codeSplitting: false },
      },
    },
  });
  for (const { file } of mutant?.edits ?? [])
    if (!used.has(file)) throw new Error(`${mutant.name}: ${file} is not part of the bundle`);
  const [chunk] = made.output;
  return chunk.code;
}

/** A file of the bundle in a folder of its own; `remove` takes both away. */
export async function writeBundle(mutant) {
  const folder = mkdtempSync(join(tmpdir(), 'raftkv-simulator-'));
  const file = join(folder, 'simulator.mjs');
  writeFileSync(file, await bundleText(mutant));
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Replaces what each edit finds, which must be there exactly once. */
function mutation(mutant, used) {
  return {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      const file = relative(root, id.split('?')[0]);
      let text = code;
      for (const edit of mutant.edits) {
        if (edit.file !== file) continue;
        const count = text.split(edit.find).length - 1;
        if (count !== 1)
          throw new Error(`${mutant.name}: its text is ${count} times in ${file}, not once: ${edit.find}`);
        text = text.replace(edit.find, () => edit.replace);
        used.add(file);
      }
      return text === code ? undefined : { code: text, map: null };
    },
  };
}
