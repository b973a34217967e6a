// What the calls of a client give while nothing breaks: keys, values, batches, transactions, scans and status. Faults are in faults.test.ts.
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '@raftkv/wire';
import { bytes, connect, text } from '../src/index.ts';
import type { Kv, RaftkvError } from '../src/index.ts';
import { classy } from './classy.ts';
import { FakeCluster, client, closeLater } from './fake-cluster.ts';

describe('a key', () => {
  it('is put, read, and deleted', async () => {
    const kv = client(new FakeCluster(3));
    expect(await kv.get('a')).toBeUndefined();
    const first = await kv.put('a', { n: 1 });
    const second = await kv.put('a', [2]);
    expect(second).toBe(first + 1);
    expect(await kv.get('a')).toEqual([2]);
    expect(await kv.getEntry('a')).toEqual({
      key: 'a',
      value: [2],
      revision: second,
      createRevision: first,
      version: 2,
    });
    expect(await kv.get('a', { revision: first })).toEqual({ n: 1 });
    expect(await kv.delete('a')).toEqual({ deleted: true, revision: second + 1, previous: undefined });
    expect(await kv.delete('a')).toMatchObject({ deleted: false });
    expect(await kv.getEntry('a')).toBeUndefined();
    expect(kv.revision).toBe(second + 1);
  });

  it('gives back what was there before, if asked', async () => {
    const kv = client(new FakeCluster());
    expect(await kv.put('a', 1, { returnPrevious: true })).toMatchObject({ previous: undefined });
    expect(await kv.put('a', 2, { returnPrevious: true })).toMatchObject({ previous: { key: 'a', value: 1 } });
    expect(await kv.delete('a', { returnPrevious: true })).toMatchObject({ deleted: true, previous: { value: 2 } });
  });

  it('is put only if it is absent, or has the revision that was read', async () => {
    const kv = client(new FakeCluster());
    const revision = await kv.put('a', 1, { ifAbsent: true });
    const refused = { code: 'condition_failed', definite: true };
    await expect(kv.put('a', 2, { ifAbsent: true })).rejects.toMatchObject(refused);
    await expect(kv.put('a', 2, { ifRevision: revision + 1 })).rejects.toMatchObject(refused);
    expect(await kv.put('a', 2, { ifRevision: revision, returnPrevious: true })).toMatchObject({
      previous: { value: 1 },
    });
    await expect(kv.delete('a', { ifRevision: revision })).rejects.toMatchObject(refused);
    expect(await kv.delete('a', { ifRevision: revision + 1 })).toMatchObject({ deleted: true });
  });

  it('may be any text or bytes, and comes back as either', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('ключ/😀', 1);
    expect((await kv.getEntry('ключ/😀'))?.key).toBe('ключ/😀');
    const binary = connect({ endpoints: cluster.endpoints, dial: cluster.dial, keys: 'bytes', codec: bytes });
    closeLater(binary);
    const key = Uint8Array.from([0, 255, 128]);
    await binary.put(key, Uint8Array.from([9]));
    expect(await binary.getEntry(key)).toMatchObject({ key, value: Uint8Array.from([9]) });
  });

  it('is refused where it is too large or empty, before anything is sent', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await expect(kv.put('', 1)).rejects.toMatchObject({ code: 'key_empty', definite: true });
    await expect(kv.get('')).rejects.toMatchObject({ code: 'key_empty' });
    await expect(kv.put('k'.repeat(5000), 1)).rejects.toMatchObject({ code: 'key_too_large', definite: true });
    await expect(kv.put('k', 'v'.repeat(1_100_000))).rejects.toMatchObject({ code: 'value_too_large' });
    await expect(kv.put('k', undefined)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(kv.put('\ud800', 1)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(cluster.applied).toEqual([]);
  });
});

describe('a call that makes no sense', () => {
  it('is refused alone, and takes nobody along who was in the same turn', async () => {
    const kv = client(new FakeCluster());
    await kv.put('a', 1);
    const refused = { code: 'invalid_argument', definite: true };
    const calls = [
      kv.get('a', { level: 'eventual' as never }),
      kv.get('a', { revision: 1.5 }),
      kv.get('a', { revision: -1 }),
      kv.get('a', { timeoutMilliseconds: Number.NaN }),
      kv.count({ all: true, revision: Infinity }),
      kv.compact(-3),
      kv.txn().if({ key: 'a', version: 0.5 }).commit(),
      kv
        .txn()
        .if({ key: 'a', version: 1, operator: 'almost' as never })
        .commit(),
      kv.batch([{ type: 'increment' as never, key: 'a' }]),
    ];
    const good = kv.get('a');
    for (const call of calls) await expect(call).rejects.toMatchObject(refused);
    expect(await good).toBe(1);
    const thrown = expect.objectContaining(refused) as Error;
    expect(() => kv.scan({ all: true, limit: -1 })).toThrow(thrown);
    expect(() => kv.scan({ all: true, pageSize: 0 })).toThrow(thrown);
    expect(() => kv.watch({ all: true }, { from: 0.5 })).toThrow(thrown);
    expect(() => kv.watch({ gte: 'k'.repeat(5000) })).toThrow(
      expect.objectContaining({ code: 'key_too_large' }) as Error,
    );
  });

  it('is refused alone where it is larger than the node takes', async () => {
    const limits = { ...defaultLimits, maxFrameBytes: 10_000, maxCommandBytes: 5_000 };
    const kv = client(new FakeCluster(1, { limits }), { codec: text, compression: false });
    const writes = [20_000, 100].map((length) => kv.put('k', 'v'.repeat(length)));
    const codes = await Promise.all(
      writes.map((write) =>
        write.then(
          () => 'done',
          (error: RaftkvError) => error.code,
        ),
      ),
    );
    expect(codes).toEqual(['request_too_large', 'done']);
  });
});

describe('values', () => {
  it('are JSON, text, bytes, or what a codec makes of them', async () => {
    const cluster = new FakeCluster();
    const asText = client(cluster, { codec: text });
    await asText.put('t', 'tekst é');
    expect(await asText.get('t')).toBe('tekst é');
    await expect(client(cluster).get('t')).rejects.toMatchObject({ code: 'bad_frame' });
    const dates = client<Date>(cluster, {
      codec: {
        encode: (date) => Uint8Array.of(date.getUTCDate()),
        decode: ([day]) => new Date(Date.UTC(2000, 0, day)),
      },
    });
    await dates.put('d', new Date(Date.UTC(1999, 5, 17)));
    expect((await dates.get('d'))?.getUTCDate()).toBe(17);
  });

  it('of bytes are one’s own: neither changed by what the caller does next, nor a window into a frame', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster, { codec: bytes });
    const value = Uint8Array.from([1, 2, 3]);
    const writing = [kv.put('before the session', value), kv.put('again', value)];
    value.fill(9);
    await Promise.all(writing);
    const read = await kv.get('before the session');
    expect(read).toEqual(Uint8Array.from([1, 2, 3]));
    expect(read?.buffer.byteLength).toBe(3);
  });

  it('of more than 1 KiB are compressed where that pays', async () => {
    const cluster = new FakeCluster();
    const sizes: number[] = [];
    const apply = cluster.apply.bind(cluster);
    cluster.apply = (command) => {
      sizes.push(command.length);
      return apply(command);
    };
    const value = 'the same again and again '.repeat(200);
    await client(cluster).put('k', value);
    await client(cluster, { compression: false }).put('k', value);
    expect(Math.min(...sizes.slice(-3))).toBeLessThan(500);
    expect(Math.max(...sizes)).toBeGreaterThan(5000);
    expect(await client(cluster).get('k')).toBe(value);
  });
});

describe('a batch and a transaction', () => {
  it('take effect together', async () => {
    const kv = client(new FakeCluster());
    await kv.put('old', 1);
    const { revision, results } = await kv.batch([
      { type: 'put', key: 'a', value: 1 },
      { type: 'put', key: 'b', value: 2, returnPrevious: true },
      { type: 'delete', key: 'old', returnPrevious: true },
      { type: 'deleteRange', range: { prefix: 'none/' } },
    ]);
    expect(results).toMatchObject([
      { type: 'put', revision },
      { type: 'put', previous: undefined },
      { type: 'delete', deleted: 1, previous: [{ key: 'old', value: 1 }] },
      { type: 'delete', deleted: 0 },
    ]);
    await expect(
      kv.batch([
        { type: 'put', key: 'a', value: 1 },
        { type: 'delete', key: 'a' },
      ]),
    ).rejects.toMatchObject({ code: 'duplicate_key', definite: true });
  });

  it('choose a branch by conditions on value, revision, version and existence', async () => {
    const kv = client(new FakeCluster());
    const revision = await kv.put('a', { x: 1 });
    const conditions = [
      { key: 'a', value: { x: 1 } },
      { key: 'a', revision },
      { key: 'a', createRevision: revision },
      { key: 'a', version: 0, operator: 'greater' },
      { key: 'b', exists: false },
      { range: { prefix: 'a' }, revision: revision + 1, operator: 'less' },
    ] as const;
    for (const condition of conditions) {
      expect(await kv.txn().if(condition).commit()).toMatchObject({ succeeded: true });
    }
    const result = await kv
      .txn()
      .if({ key: 'a', exists: false })
      .then({ type: 'put', key: 'a', value: 2 })
      .else({ type: 'get', key: 'a' }, { type: 'scan', range: { all: true }, keysOnly: true })
      .else({ type: 'txn', if: [{ key: 'a', exists: true }], then: [{ type: 'put', key: 'c', value: 3 }] })
      .commit();
    expect(result).toMatchObject({
      succeeded: false,
      results: [
        { type: 'get', entry: { value: { x: 1 } } },
        { type: 'scan', entries: [{ key: 'a', value: undefined }], more: false },
        { type: 'txn', succeeded: true, results: [{ type: 'put' }] },
      ],
    });
    expect(await kv.get('c')).toBe(3);
  });

  it('say so when the builder is awaited instead of committed', async () => {
    const kv = client(new FakeCluster());
    const builder = kv.txn().if({ key: 'a', exists: true }) as unknown as PromiseLike<void>;
    await expect(Promise.resolve(builder)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('commit()') as string,
    });
  });
});

describe('a scan', () => {
  const keys = Array.from({ length: 25 }, (_, i) => `k/${String(i).padStart(2, '0')}`);
  async function filled(cluster: FakeCluster): Promise<Kv> {
    const kv = client(cluster);
    await kv.batch(keys.map((key, i) => ({ type: 'put', key, value: i })));
    await kv.put('other', 0);
    return kv;
  }

  it('gives all entries of a range in order, whatever the size of its pages', async () => {
    const kv = await filled(new FakeCluster(3));
    for (const pageSize of [1, 7, 25, 1000]) {
      const found = await kv.scan({ prefix: 'k/', pageSize }).all();
      expect(found.map(({ key }) => key)).toEqual(keys);
      const reversed = await kv.scan({ prefix: 'k/', pageSize, reverse: true }).all();
      expect(reversed.map(({ value }) => value)).toEqual(keys.map((_, i) => 24 - i));
    }
    const some = await kv.scan({ gt: 'k/03', lte: 'k/06', keysOnly: true }).all();
    expect(some.map(({ key, value }) => [key, value])).toEqual([
      ['k/04', undefined],
      ['k/05', undefined],
      ['k/06', undefined],
    ]);
    expect(await kv.scan({ prefix: 'none' }).all()).toEqual([]);
  });

  it('keeps to its limit over pages', async () => {
    const kv = await filled(new FakeCluster());
    const pages = [];
    expect(await kv.scan({ prefix: 'k/', limit: 0 }).all()).toEqual([]);
    for await (const page of kv.scan({ prefix: 'k/', limit: 10, pageSize: 4 }).pages()) pages.push(page);
    expect(pages.map(({ entries, more }) => [entries.length, more])).toEqual([
      [4, true],
      [4, true],
      [2, false],
    ]);
  });

  it('is one view: what is written between two pages is not in it', async () => {
    const kv = await filled(new FakeCluster(3));
    const found: string[] = [];
    for await (const page of kv.scan({ prefix: 'k/', pageSize: 10 }).pages()) {
      for (const { key } of page.entries) found.push(key);
      await kv.delete('k/24');
      await kv.put('k/115', 'between');
    }
    expect(found).toEqual(keys);
  });

  it('is cut by the server where a page would be large, and complete all the same', async () => {
    const cluster = new FakeCluster(1, { maxPageBytes: 3000 });
    const kv = client(cluster, { codec: text });
    for (let i = 0; i < 10; i += 1) await kv.put(`k${i}`, 'v'.repeat(1000));
    const sizes: number[] = [];
    for await (const { entries } of kv.scan({ prefix: 'k' }).pages()) sizes.push(entries.length);
    expect(Math.max(...sizes)).toBeLessThan(5);
    expect(sizes.reduce((a, b) => a + b)).toBe(10);
  });

  it('tells that history was compacted under it', async () => {
    const kv = await filled(new FakeCluster());
    const walk = async (): Promise<void> => {
      for await (const { revision } of kv.scan({ prefix: 'k/', pageSize: 10 }).pages()) {
        await kv.put('more', 1);
        await kv.put('more', 2);
        await kv.compact(revision + 2);
      }
    };
    await expect(walk()).rejects.toMatchObject({ code: 'compacted', compactedRevision: expect.any(Number) as number });
  });

  it('takes its range and its options as they are when it is called, from accessors of a class too', async () => {
    const kv = await filled(new FakeCluster());
    const { given, forget } = classy({ gte: 'k/03', limit: 3, pageSize: 2, reverse: true, keysOnly: true });
    const scan = kv.scan(given);
    forget();
    const found = ['other', 'k/24', 'k/23'].map((key) => expect.objectContaining({ key, value: undefined }));
    expect(await scan.all()).toEqual(found);
    expect(await scan.all()).toEqual(found);
  });

  it('counts', async () => {
    const kv = await filled(new FakeCluster());
    expect(await kv.count({ prefix: 'k/' })).toBe(25);
    expect(await kv.count({ all: true })).toBe(26);
    expect(await kv.deleteRange({ prefix: 'k/' }, { returnPrevious: true })).toMatchObject({ deleted: 25 });
    expect(await kv.count({ prefix: 'k/' })).toBe(0);
  });
});

describe('status', () => {
  it('is that of one node, of a chosen one, or of each', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster, { connectTimeoutMilliseconds: 300 });
    expect(await kv.status()).toMatchObject({ clusterId: 'c0ffee00c0ffee00', leader: 'node1:8080' });
    expect(await kv.status({ endpoint: 'node3:8080' })).toMatchObject({ name: 'node3' });
    cluster.nodes[1]!.kill();
    const all = await kv.statusOfAll();
    expect(all.map(({ endpoint, status }) => [endpoint, status?.name])).toEqual([
      ['node1:8080', 'node1'],
      ['node2:8080', undefined],
      ['node3:8080', 'node3'],
    ]);
    expect(all[1]!.error).toMatchObject({ code: expect.stringMatching(/connect_failed|timeout/) as string });
  });
});
