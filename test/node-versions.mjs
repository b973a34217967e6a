// `npm run test:node-versions`: the newer Node releases that the packages promise to run on, taken from the npm package `node`
// into a folder that is removed again. Under each: the built doors, the command line, then the unit suites. Versions may be
// named (`npm run test:node-versions -- 24`); the oldest one promised is what everybody develops on, and `npm test` runs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];
const folder = mkdtempSync(join(tmpdir(), 'raftkv-node-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const failures = [];
for (const version of versions) {
  try {
    const bin = fetchNode(version);
    console.log(`\n=== node ${execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim()} ===`);
    const doors = builtDoors();
    runUnder(bin, ['--input-type=module', '--eval', doors.map((door) => `await import('${door}');`).join('\n')]);
    console.log(`in by ${doors.length} doors`);
    runUnder(bin, ['packages/raftkv/bin/raftkv.js', '--version']);
    runUnder(bin, [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      'unit',
      '--project',
      'pure',
      '--reporter=dot',
    ]);
  } catch (error) {
    failures.push(`node ${version}: ${error.message.split('\n')[0]}`);
  }
}
console.log(failures.length === 0 ? `\nraftkv: ran on node ${versions.join(', ')}` : `\n${failures.join('\n')}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** The folder that holds the `node` of this version. Its package fetches the binary from the registry in a script of its own. */
function fetchNode(version) {
  const prefix = join(folder, version);
  const words = ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--no-save', `node@${version}`];
  execFileSync('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
  return join(prefix, 'node_modules/node/bin');
}

/** Runs in the repository with this Node first on the path, for the processes that the suites start in turn. */
function runUnder(bin, words) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  execFileSync(join(bin, 'node'), words, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 1_500_000,
    env,
  });
}

function builtDoors() {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
      return Object.keys(manifest.exports)
        .filter((door) => door !== './package.json')
        .map((door) => join(manifest.name, door));
    });
}
