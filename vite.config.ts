// The test projects. `unit` runs in-process suites from the sources of every package (the `source`
// export condition), `process` runs suites that start real servers and disks from the built packages.
import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['source'] };
const ssr = { resolve: { conditions: ['source'], externalConditions: ['source'] } };

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['packages/*/test/**/*.test.ts', 'test/{architecture,conformance,linearizability}/**/*.test.ts'],
          exclude: ['**/*.process.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'process',
          environment: 'node',
          include: ['test/e2e/**/*.test.ts', 'packages/*/test/**/*.process.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
