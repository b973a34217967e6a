// Calls whose code is loaded with the first of them, as a page's production build has them: they do what they do elsewhere, and where it cannot be had they say so.
import { describe, expect, it, vi } from 'vitest';
import type { Clock, Codec, ConnectOptions } from '../src/index.ts';
import { classy } from './classy.ts';
import { FakeCluster, client } from './fake-cluster.ts';

vi.mock('../src/rare.ts', () => import('../src/rare-later.ts'));

const patient = { timeout: 60_000 };

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

  it('scan and count, from the first one on', async () => {
    const cluster = new FakeCluster(3);
    const writer = client(cluster);
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) await writer.put(key, key);
    const kv = client(cluster);
    const walked: string[] = [];
    const [all, count] = await Promise.all([kv.scan({ all: true, pageSize: 3 }).all(), kv.count({ gt: 'a' })]);
    for await (const { key } of kv.scan({ all: true, reverse: true, limit: 2, keysOnly: true })) walked.push(key);
    expect([all.map(({ key }) => key), count, walked]).toEqual([keys, 3, ['d', 'c']]);
    expect(() => kv.scan({ all: true, limit: -1 })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
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

  describe('while their code is under way', () => {
    async function opened(options: Partial<ConnectOptions> = {}) {
      vi.resetModules();
      let load = (): void => {};
      const gate = new Promise<void>((resolve) => (load = resolve));
      vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
      vi.doMock('../src/txn-shapes.ts', async (original) => {
        await gate;
        return original();
      });
      const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
      const { bytes: plain } = await import('../src/index.ts');
      const cluster = new Cluster();
      const kv = open(cluster, { codec: plain as Codec<unknown>, ...options });
      return { kv, load };
    }

    it('take what they are given as it is when they are made', async () => {
      const { kv, load } = await opened();
      const value = Uint8Array.of(1);
      const key = Uint8Array.of(97);
      const put = kv.put(key, value, { ifAbsent: true });
      const nested = kv
        .txn()
        .if({ key: 'b', exists: false })
        .then({ type: 'txn', then: [{ type: 'put', key: 'b', value }] }, { type: 'put', key: 'c', value })
        .commit();
      value[0] = 2;
      key[0] = 98;
      load();
      await Promise.all([put, nested]);
      expect(await Promise.all(['a', 'b', 'c'].map((each) => kv.get(each)))).toEqual(Array(3).fill(Uint8Array.of(1)));
    });

    it('take their options as they are when they are made', async () => {
      const { kv, load } = await opened();
      const bytes = Uint8Array.of(1);
      for (const key of ['a', 'b', 'c']) await kv.put(key, bytes);
      const before = kv.revision;
      await kv.delete('c');
      const absent = { ifAbsent: true };
      const put = kv.put('a', bytes, absent);
      absent.ifAbsent = false;
      const asked = { all: true as const, revision: before, limit: 2, reverse: true, keysOnly: true, pageSize: 1 };
      const scan = kv.scan(asked).all();
      const count = kv.count(asked);
      Object.assign(asked, { revision: 1, limit: 1, reverse: false, keysOnly: false, pageSize: -1 });
      const refused = expect(put).rejects.toMatchObject({ code: 'condition_failed' });
      load();
      await refused;
      expect((await scan).map(({ key, value }) => [key, value])).toEqual([
        ['c', undefined],
        ['b', undefined],
      ]);
      expect(await count).toBe(3);
    });

    it('take of what they are given what is read elsewhere, and copy bytes of any kind', async () => {
      const { kv, load } = await opened();
      const buffer = Buffer.from([98]);
      const stray = { type: 'delete', key: 'c', value: 'no bytes' } as const;
      const commit = kv
        .txn()
        .if({ key: buffer, exists: false })
        .then({ type: 'put', key: 'a', value: Uint8Array.of(3) }, { type: 'put', key: buffer, value: buffer })
        .then(stray)
        .commit();
      buffer[0] = 99;
      load();
      expect(await commit).toMatchObject({
        succeeded: true,
        results: [{ type: 'put' }, { type: 'put' }, { deleted: 0 }],
      });
      expect(await Promise.all(['a', 'b', 'c'].map((key) => kv.get(key)))).toEqual([
        Uint8Array.of(3),
        Uint8Array.of(98),
        undefined,
      ]);
    });

    it('take what classes have accessors for, as it is when they are made, and nothing that nobody asks for', async () => {
      const { kv, load } = await opened();
      const bytes = Uint8Array.of(1);
      for (const key of ['a', 'b', 'c']) await kv.put(key, bytes);
      const before = kv.revision;
      await kv.delete('c');
      const asked = { all: true, revision: before, limit: 2, reverse: true, keysOnly: true, pageSize: 1 } as const;
      const read = classy(asked);
      const condition = classy({ key: 'b', exists: true } as const);
      const operation = classy({ type: 'put', key: 'd', value: bytes } as const);
      const range = classy({ gte: 'a', lt: 'c' });
      const walk = classy({ type: 'scan', range: range.given, limit: 1 } as const);
      const inner = classy({ type: 'txn', if: [condition.given], then: [operation.given, walk.given] } as const);
      const absent = classy({ ifAbsent: true });
      const calls = [
        kv.scan(read.given).all(),
        kv.count(read.given),
        kv.txn().if(condition.given).then(inner.given).commit(),
        kv.put('a', bytes, absent.given),
      ] as const;
      for (const each of [read, condition, operation, range, walk, inner, absent]) each.forget();
      const settled = Promise.allSettled(calls);
      load();
      const [scanned, counted, committed, refused] = await settled;
      const keys = ['c', 'b'].map((key) => expect.objectContaining({ key, value: undefined }));
      expect([scanned, counted]).toEqual([
        { status: 'fulfilled', value: keys },
        { status: 'fulfilled', value: 3 },
      ]);
      const results = [{ type: 'put' }, { type: 'scan', entries: [{ key: 'a' }], more: true }];
      expect(committed).toMatchObject({ value: { succeeded: true, results: [{ type: 'txn', results }] } });
      expect(refused).toMatchObject({ reason: { code: 'condition_failed' } });
    });

    it('hear of signals and endpoints that classes have accessors for', async () => {
      const { kv, load } = await opened();
      const abort = new AbortController();
      const { given, forget } = classy({ signal: abort.signal, timeoutMilliseconds: 60_000 });
      const endpoint = classy({ endpoint: 'nowhere:1' });
      const elsewhere = kv.status(endpoint.given);
      const calls = [
        kv.scan(Object.assign(given, { all: true as const })).all(),
        kv.count(given as never),
        kv.txn().commit(given),
        kv.delete('a', Object.assign(classy({ signal: abort.signal }).given, { ifRevision: 1 })),
        kv.statusOfAll(given).then(([first]) => Promise.reject(first?.error)),
      ];
      forget();
      endpoint.forget();
      abort.abort('enough');
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'cancelled', cause: 'enough' });
      load();
      await expect(elsewhere).rejects.toMatchObject({ code: 'invalid_argument' });
    });

    it('refuse what cannot be read, and what is made after the end, at once', async () => {
      const { kv } = await opened();
      const unreadable = {
        type: 'get',
        get key(): string {
          throw new TypeError('no key');
        },
      } as const;
      await expect(kv.txn().then(unreadable).commit()).rejects.toMatchObject({ code: 'invalid_argument' });
      await kv.close();
      const closed = { code: 'closed', definite: true };
      await expect(kv.txn().commit()).rejects.toMatchObject(closed);
      await expect(kv.count({ all: true })).rejects.toMatchObject(closed);
      await expect(kv.scan({ all: true }).all()).rejects.toMatchObject(closed);
    });

    it('hear at once of what cannot be written', async () => {
      const { kv } = await opened();
      const refused = kv.put('a', 'no bytes', { ifAbsent: true });
      await expect(refused).rejects.toMatchObject({ code: 'invalid_argument', definite: true });
    });

    it('are cancelled at once', async () => {
      const { kv } = await opened();
      const abort = new AbortController();
      const calls = [
        kv.put('a', Uint8Array.of(1), { ifAbsent: true, signal: abort.signal }),
        kv.status({ signal: abort.signal }),
      ];
      abort.abort('enough');
      const cancelled = { code: 'cancelled', definite: true, cause: 'enough' };
      for (const call of calls) await expect(call).rejects.toMatchObject(cancelled);
      await expect(kv.status({ signal: abort.signal })).rejects.toMatchObject(cancelled);
    });

    it('go on with what is left of their time', async () => {
      let now = 0;
      const timers = new Map<() => void, number>();
      const clock: Clock = {
        now: () => now,
        schedule: (callback, milliseconds) => {
          timers.set(callback, now + milliseconds);
          return () => timers.delete(callback);
        },
        defer: queueMicrotask,
      };
      const pass = (milliseconds: number): void => {
        now += milliseconds;
        for (const [callback, at] of timers) if (at <= now && timers.delete(callback)) callback();
      };
      const dial = (): Promise<never> => new Promise(() => {});
      const { kv, load } = await opened({ clock, dial, connectTimeoutMilliseconds: 10_000 });
      const call = kv.put('a', Uint8Array.of(1), { ifAbsent: true, timeoutMilliseconds: 1_000 });
      let outcome: unknown;
      call.catch((error: unknown) => (outcome = error));
      pass(600);
      load();
      // Then it is begun.
      await import('../src/rare-calls.ts');
      await new Promise((resolve) => setImmediate(resolve));
      expect(outcome).toBeUndefined();
      pass(400);
      await vi.waitFor(() => expect(outcome).toMatchObject({ code: 'timeout', definite: true }), patient);
      await kv.close();
    });
  });

  it('say that they cannot be had, and that nothing was done', async () => {
    vi.resetModules();
    vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
    vi.doMock('../src/scan-pages.ts', () => {
      throw new TypeError('Failed to fetch dynamically imported module');
    });
    const { FakeCluster: Cluster, client: open } = await import('./fake-cluster.ts');
    const kv = open(new Cluster());
    const failure = { code: 'connect_failed', definite: true };
    await expect(kv.put('a', 1, { ifAbsent: true })).rejects.toMatchObject(failure);
    await expect(kv.status()).rejects.toMatchObject(failure);
    await expect(kv.scan({ all: true }).all()).rejects.toMatchObject(failure);
    await expect(kv.count({ all: true })).rejects.toMatchObject(failure);
    // What needs none of it goes on.
    expect(await kv.put('a', 1)).toBeGreaterThan(0);
    expect(await kv.get('a')).toBe(1);
  });
});
