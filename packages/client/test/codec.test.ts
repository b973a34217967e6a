// What becomes of a call whose value the codec cannot read: the caller learns of it, and whether a write happened all the same.
import { describe, expect, it } from 'vitest';
import { bytes } from '../src/index.ts';
import type { Kv } from '../src/index.ts';
import { FakeCluster, client } from './fake-cluster.ts';

/** A cluster where `bad` holds no JSON. */
async function damaged(): Promise<{ cluster: FakeCluster; kv: Kv; raw: Kv<Uint8Array> }> {
  const cluster = new FakeCluster();
  const raw = client<Uint8Array>(cluster, { codec: bytes });
  await raw.put('bad', Uint8Array.of(1, 2, 3));
  return { cluster, kv: client(cluster), raw };
}

describe('a value that the codec cannot read', () => {
  it('fails a read with `bad_frame`', async () => {
    const { kv } = await damaged();
    await expect(kv.get('bad')).rejects.toMatchObject({ code: 'bad_frame', definite: true });
    await expect(kv.scan({ all: true }).all()).rejects.toMatchObject({ code: 'bad_frame', definite: true });
  });

  it('does not make a write that happened look as if it had not', async () => {
    const { kv } = await damaged();
    const happened = { code: 'bad_frame', definite: false };
    await expect(kv.put('bad', 1, { returnPrevious: true })).rejects.toMatchObject(happened);
    expect(await kv.get('bad')).toBe(1);
    for (const write of [
      (each: Kv) => each.delete('bad', { returnPrevious: true }),
      (each: Kv) => each.deleteRange({ prefix: 'bad' }, { returnPrevious: true }),
      (each: Kv) => each.batch([{ type: 'delete', key: 'bad', returnPrevious: true }]),
      (each: Kv) => each.txn().then({ type: 'get', key: 'bad' }, { type: 'put', key: 'other', value: 1 }).commit(),
    ]) {
      const other = await damaged();
      const before = other.cluster.store.revision;
      await expect(write(other.kv)).rejects.toMatchObject(happened);
      expect(other.cluster.store.revision).toBe(before + 1);
    }
  });

  it('ends a watch, which then takes nothing more from the server', async () => {
    const { cluster, kv, raw } = await damaged();
    const watch = kv.watch({ all: true });
    await watch.ready();
    const [session] = cluster.nodes[0]!.sessions;
    const openWatches = (): number => [...cluster.nodes[0]!.sessions].reduce((sum, each) => sum + each.openWatches, 0);
    expect(session).toBeDefined();
    expect(openWatches()).toBe(1);
    await raw.put('bad', Uint8Array.of(4));
    await raw.put('good', Uint8Array.of(0x31));
    await expect(watch.next()).rejects.toMatchObject({ code: 'bad_frame' });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    await expect.poll(openWatches).toBe(0);
  });

  it('ends a watch with a reader waiting, and the others behind it', async () => {
    const { cluster, kv } = await damaged();
    const watch = kv.watch({ all: true });
    const readers = [watch.next(), watch.next()].map((reader) => reader.catch((error: unknown) => error));
    await watch.ready();
    const raw = client<Uint8Array>(cluster, { codec: bytes });
    await raw.batch([{ type: 'put', key: 'bad', value: Uint8Array.of(4) }]);
    await raw.put('good', Uint8Array.of(0x31));
    const [first, second] = await Promise.all(readers);
    expect(first).toMatchObject({ code: 'bad_frame' });
    expect(second).toEqual({ done: true, value: undefined });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });
});
