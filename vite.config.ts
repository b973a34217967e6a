// The test projects, cheapest first. `architecture` reads the tree; `unit` and `pure` run in-process suites from the sources of every
// package (the `source` export condition: no build needed), `pure` those that know no time; `packages` installs the packed tarballs;
// `browser` and `pages` drive real browsers over bundles of the sources, `pages` what waits for nobody; `process` starts real servers and disks from the built packages,
// and so does `alone`.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Process suites that measure how long something takes, or flood: nothing runs beside them. */
const alone = ['test/e2e/{flood,rolling-restart,stalled-loop}.test.ts'];

/** Suites of what knows no clock, timer, socket or disk: all files of a worker in one process, since none leaves anything behind for the next one. */
const pure = [
  'packages/{raft,kv,wire}/test/**/*.test.ts',
  'test/{checkers,chaos-web,demo,linearizability,simulator}/**/*.test.ts',
];
/** Browser suites of what computes in a page and waits for nobody. */
const pages =
  'test/browser/{copy,simulator,storage-conformance,storage-crashes,storage-damage,storage-firefox,storage-model}.test.ts';
const simulator = 'test/simulator/{simulator,hour-of-writes}.test.ts';

// Workspace packages are links to folders outside node_modules, so vitest transforms them as sources; with the first
// condition of their exports maps being `source`, a test never sees a stale build.
const sources = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
};

const testingLibrary = join(
  import.meta.dirname,
  'node_modules/@testing-library/react/dist/@testing-library/react.esm.js',
);
const react18 = join(import.meta.dirname, 'test/react-18/node_modules');

/** One suite on both majors of React. */
function reactProject(name: string, alias: { find: RegExp; replacement: string }[]) {
  return {
    ...sources,
    // Of the testing library the build that imports: in one that requires, the aliases would not hold.
    resolve: {
      ...sources.resolve,
      alias: [{ find: /^@testing-library\/react$/, replacement: testingLibrary }, ...alias],
    },
    test: {
      name,
      environment: 'happy-dom',
      env: { REACT_MAJOR: name.slice('react-'.length) },
      include: ['packages/react/test/**/*.test.ts'],
      server: { deps: { inline: [testingLibrary] } },
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  };
}

function browserProject(
  name: string,
  { maxWorkers, include, exclude = [] }: { maxWorkers: number; include: string[]; exclude?: string[] },
) {
  return {
    ...sources,
    test: {
      name,
      environment: 'node' as const,
      include,
      exclude: ['**/node_modules/**', ...exclude],
      maxWorkers,
      // What the driver of a browser and the bundler need is loaded, and pages are bundled, once for all files of a worker.
      isolate: false,
      expect: { poll: { timeout: 120_000 } },
      testTimeout: 300_000,
      hookTimeout: 300_000,
    },
  };
}

function processProject(
  name: string,
  files: { include: string[]; exclude: string[]; fileParallelism?: boolean; maxWorkers?: number },
) {
  return {
    ...sources,
    test: {
      name,
      environment: 'node' as const,
      ...files,
      expect: { poll: { timeout: 120_000 } },
      testTimeout: 300_000,
      hookTimeout: 300_000,
    },
  };
}

export default defineConfig({
  test: {
    // Two cores: one worker each of what computes. More only makes timers late, and late timers make tests of timeouts lie.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...sources,
        test: {
          name: 'architecture',
          environment: 'node',
          include: ['test/architecture/**/*.test.ts'],
          // Beside other suites it gets the time that they leave.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        ...sources,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [
            '**/*.process.test.ts',
            'test/{architecture,browser,e2e,packages}/**',
            ...pure,
            simulator,
            'packages/react/**',
            '**/node_modules/**',
          ],
          // They wait for timers and sockets most of the time: two at a time would leave the cores idle two thirds of it.
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // What is waited for comes at once on an idle machine; a busy one may take its time.
          expect: { poll: { timeout: 60_000 } },
        },
      },
      {
        ...sources,
        test: {
          name: 'pure',
          environment: 'node',
          include: pure,
          exclude: [simulator, '**/node_modules/**'],
          isolate: false,
          // Beside other suites it gets the time that they leave.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: 60_000 } },
        },
      },
      {
        ...sources,
        test: {
          name: 'simulator',
          environment: 'node',
          include: [simulator],
        },
      },
      reactProject('react-19', []),
      reactProject('react-18', [
        { find: /^react(-dom)?$/, replacement: `${react18}/react$1` },
        { find: /^react(-dom)?\/(.*)$/, replacement: `${react18}/react$1/$2` },
      ]),
      {
        test: {
          name: 'packages',
          environment: 'node',
          include: ['test/packages/**/*.test.ts'],
          // Beside other suites it gets the time that they leave, and folders full of packages go when all is done.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      // Tabs mostly wait: for timeouts, for each other, for disks. With two files at a time the cores would be idle for half of it; with many they starve each other.
      browserProject('browser', { maxWorkers: 3, include: ['test/browser/**/*.test.ts'], exclude: [pages] }),
      browserProject('pages', { maxWorkers: 2, include: [pages] }),
      // Not among the tests: `npm run bench:web`.
      {
        ...sources,
        test: {
          name: 'bench-web',
          environment: 'node',
          include: ['test/bench/web/*.bench.ts'],
          fileParallelism: false,
          hookTimeout: 120_000,
        },
      },
      processProject('process', {
        include: ['test/e2e/**/*.test.ts', 'packages/*/test/**/*.process.test.ts', 'test/**/*.process.test.ts'],
        exclude: ['**/node_modules/**', ...alone],
        maxWorkers: 3,
      }),
      processProject('alone', { include: alone, exclude: ['**/node_modules/**'], fileParallelism: false }),
    ],
  },
});
