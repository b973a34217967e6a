// Calls whose code is loaded with the first of them, as a page's production build has them: they do what they do elsewhere, and where it cannot be had they say so.
import { describe, expect, it, vi } from 'vitest';
import { FakeCluster, client } from './fake-cluster.ts';

vi.mock('../src/rare.ts', () => import('../src/rare-later.ts'));

describe('calls that are loaded later', () => {
  it('commit transactions and writes with conditions, from the first one on', async () => {
    const kv = client(new FakeCluster(3));
    const [created, committed] = await Promise.all([
      kv.put('a', 1, { ifAbsent: true }),
      kv
        .txn()
        .if({ key: 'b', exists: false })
        .then({ type: 'put', key: 'b', value: 2 }, { type: 'scan', range: { all: true } })
        .else({ type: 'get', key: 'b' })
        .commit(),
    ]);
    expect(created).toBeGreaterThan(0);
    expect(committed).toMatchObject({ succeeded: true, results: [{ type: 'put' }, { type: 'scan' }] });
    await expect(kv.put('a', 3, { ifAbsent: true })).rejects.toMatchObject({ code: 'condition_failed' });
    const inner = { then: [{ type: 'get', key: 'b' }] } as const;
    const nested = await kv
      .txn()
      .then({ type: 'txn', ...inner })
      .commit();
    expect(nested.results).toMatchObject([{ type: 'txn', results: [{ type: 'get', entry: { value: 2 } }] }]);
  });

  it('tell the status of a node', async () => {
    const kv = client(new FakeCluster(3));
    expect(await kv.status()).toMatchObject({ phase: 'running' });
    expect((await kv.statusOfAll()).every(({ status }) => status?.phase === 'running')).toBe(true);
  });

  it('refuse what makes no sense before anything is loaded', async () => {
    const kv = client(new FakeCluster());
    await expect(kv.status({ timeoutMilliseconds: -1 })).rejects.toMatchObject({ code: 'invalid_argument' });
    await kv.close();
    await expect(kv.txn().commit()).rejects.toMatchObject({ code: 'closed', definite: true });
  });

  it('say that they cannot be had, and that nothing was done', async () => {
    vi.resetModules();
    vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
    vi.doMock('../src/txn-shapes.ts', () => {
      throw new TypeError('Failed to fetch dynamically imported module');
    });
    const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
    const kv = open(new Cluster());
    const failure = { code: 'connect_failed', definite: true };
    await expect(kv.put('a', 1, { ifAbsent: true })).rejects.toMatchObject(failure);
    await expect(kv.status()).rejects.toMatchObject(failure);
    // What needs none of it goes on.
    expect(await kv.put('a', 1)).toBeGreaterThan(0);
    expect(await kv.get('a')).toBe(1);
  });
});
