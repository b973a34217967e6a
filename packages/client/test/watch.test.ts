// Watches through the client: exactly once and in order, whatever happens to connections and nodes in between.
import { describe, expect, it } from 'vitest';
import { decodeServerFrame, encodeCommand } from '@raftkv/wire';
import { text } from '../src/index.ts';
import type { Watch } from '../src/index.ts';
import { classy } from './classy.ts';
import { FakeCluster, client } from './fake-cluster.ts';

async function take<Value>(watch: Watch<Value>, count: number): Promise<{ revision: number; values: Value[] }[]> {
  const taken: { revision: number; values: Value[] }[] = [];
  while (taken.length < count) {
    const { done, value } = await watch.next();
    if (done === true) break;
    taken.push({
      revision: value.revision,
      values: value.events.flatMap((event) => (event.type === 'put' ? [event.entry.value] : [])),
    });
  }
  return taken;
}

describe('a watch', () => {
  it('gives what changes in its range from now on, revision by revision', async () => {
    const kv = client(new FakeCluster(3));
    await kv.put('a/0', 'before');
    const watch = kv.watch({ prefix: 'a/' }, { previous: true });
    await watch.ready();
    await kv.put('b', 'elsewhere');
    const first = await kv.put('a/1', 1);
    const second = (
      await kv.batch([
        { type: 'put', key: 'a/1', value: 2 },
        { type: 'delete', key: 'a/0' },
      ])
    ).revision;
    expect((await watch.next()).value).toMatchObject({
      revision: first,
      events: [{ type: 'put', key: 'a/1', entry: { key: 'a/1', value: 1, version: 1 }, previous: undefined }],
    });
    const { value } = await watch.next();
    expect(value).toMatchObject({ revision: second });
    expect(value?.events).toContainEqual({
      type: 'delete',
      key: 'a/0',
      revision: second,
      previous: expect.objectContaining({ value: 'before' }) as object,
    });
    expect(value?.events).toContainEqual(
      expect.objectContaining({ type: 'put', previous: expect.objectContaining({ value: 1 }) as object }) as object,
    );
    expect(watch.position).toBe(second);
  });

  it('begins at a revision of the past, if asked', async () => {
    const kv = client(new FakeCluster());
    const revisions: number[] = [];
    for (let i = 0; i < 5; i += 1) revisions.push(await kv.put('a', i));
    const watch = kv.watch({ all: true }, { from: revisions[2]! });
    expect((await take(watch, 3)).map(({ revision }) => revision)).toEqual(revisions.slice(2));
  });

  it('goes on after the loss of its connection, on any node, without a gap and without a repetition', async () => {
    const cluster = new FakeCluster(3);
    const kv = client<number>(cluster);
    const watcher = client<number>(cluster);
    const watch = watcher.watch({ prefix: 'k' });
    await watch.ready();
    const count = 300;
    const writing = (async () => {
      for (let i = 0; i < count; i += 1) {
        await kv.put('k', i);
        if (i % 20 !== 10) continue;
        // Kill the connections of whichever node: the watch's is among them now and then.
        for (const pair of cluster.nodes[i % 3]!.channels.splice(0)) pair.cut();
      }
    })();
    const taken = await take(watch, count);
    await writing;
    expect(taken.flatMap(({ values }) => values)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(watch.position).toBe(taken.at(-1)!.revision);
  });

  it('tells that it fell out of the retained window, and where that begins', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    const first = await kv.put('a', 1);
    await kv.put('a', 2);
    const last = await kv.put('a', 3);
    await kv.compact(last);
    const watch = kv.watch({ all: true }, { from: first });
    await expect(watch.next()).rejects.toMatchObject({ code: 'compacted', compactedRevision: last });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('is told `compacted` after a reconnect too, never given a silent gap', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    const watch = kv.watch({ all: true });
    await watch.ready();
    const first = await kv.put('a', 1);
    expect((await watch.next()).value).toMatchObject({ revision: first });
    const node = cluster.nodes[0]!;
    node.kill();
    for (let i = 0; i < 5; i += 1) cluster.apply(put('a'));
    cluster.apply(compactTo(cluster.store.revision));
    node.start();
    await expect(watch.next()).rejects.toMatchObject({ code: 'compacted' });
  });

  it('of a slow reader is held back by its window, and complete in the end', async () => {
    const cluster = new FakeCluster(1, { watchWindowBytes: 100_000 });
    const kv = client(cluster, { codec: text, compression: false });
    const watch = kv.watch({ all: true });
    await watch.ready();
    const node = cluster.nodes[0]!;
    let sent = 0;
    const { right } = node.channels[0]!;
    const send = right.send.bind(right);
    right.send = (frame) => {
      sent += frame.length;
      return send(frame);
    };
    const value = 'v'.repeat(10_000);
    for (let i = 0; i < 60; i += 1) await kv.put('a', value);
    expect(sent).toBeLessThan(150_000);
    expect(await take(watch, 60)).toHaveLength(60);
    expect(sent).toBeGreaterThan(600_000);
  });

  it('of a reader that does not read holds one window, however often its connection is lost', async () => {
    const cluster = new FakeCluster(1, { watchWindowBytes: 100_000 });
    const kv = client(cluster, { codec: text, compression: false });
    const watcher = client(cluster, { codec: text });
    const watch = watcher.watch({ all: true });
    await watch.ready();
    const node = cluster.nodes[0]!;
    let events = 0;
    const count = (pair: (typeof node.channels)[number]): void => {
      const send = pair.right.send.bind(pair.right);
      pair.right.send = (frame) => {
        events += decodeServerFrame(frame).filter(({ type }) => type === 'watchEvents').length;
        return send(frame);
      };
    };
    for (const pair of node.channels) count(pair);
    const value = 'v'.repeat(10_000);
    const total = 60;
    for (let i = 0; i < total; i += 1) {
      await kv.put('a', value);
      if (i % 10 !== 9) continue;
      for (const pair of node.channels.splice(0)) pair.cut();
      await Promise.all([kv.get('a'), watcher.get('a')]);
      for (const pair of node.channels) count(pair);
    }
    expect(events).toBeLessThan(15);
    const taken = await take(watch, total);
    const revisions = taken.map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: total }, (_, i) => revisions[0]! + i));
  });

  it('takes its options as they are when it is called, from accessors of a class too', async () => {
    const kv = client(new FakeCluster());
    const first = await kv.put('a', 1);
    await kv.put('a', 2);
    const abort = new AbortController();
    const late = client(new FakeCluster());
    for (const each of [kv, late]) {
      const { given, forget } = classy({ from: first, previous: true, signal: abort.signal });
      const watch = each.watch({ all: true }, given);
      forget();
      if (each === kv) {
        expect((await watch.next()).value).toMatchObject({ revision: first, events: [{ previous: undefined }] });
        expect((await watch.next()).value).toMatchObject({ events: [{ previous: { value: 1 } }] });
      }
      const waiting = watch.next();
      abort.abort();
      expect(await waiting).toMatchObject({ done: true });
    }
  });

  it('ends when it is left, closed or cancelled', async () => {
    const cluster = new FakeCluster();
    const kv = client(cluster);
    await kv.put('a', 0);
    const openWatches = (): number =>
      [...cluster.nodes[0]!.sessions].reduce((sum, session) => sum + session.openWatches, 0);
    const controller = new AbortController();
    const watches = [
      kv.watch({ all: true }),
      kv.watch({ all: true }),
      kv.watch({ all: true }, { signal: controller.signal }),
    ];
    await Promise.all(watches.map((watch) => watch.ready()));
    expect(openWatches()).toBe(3);
    const leaving = (async () => {
      for await (const { events } of watches[0]!) if (events.length > 0) break;
    })();
    const waiting = watches[1]!.next();
    watches[1]!.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    controller.abort();
    await kv.put('a', 1);
    await leaving;
    await expect.poll(openWatches).toBe(0);
    expect(await watches[2]!.next()).toEqual({ done: true, value: undefined });
    expect(await kv.watch({ all: true }, { signal: controller.signal }).next()).toMatchObject({ done: true });
  });

  it('gives what its client wrote after it was called, though a node took it up only then', async () => {
    const cluster = new FakeCluster(1);
    const [node] = cluster.nodes;
    const kv = client(cluster);
    await kv.put('a', 'before');
    const watchAt = node!.watch.bind(node);
    const begins: number[] = [];
    node!.watch = (range, from, onReady) => {
      begins.push(from);
      return watchAt(range, from === 0 ? cluster.store.revision + 3 : from, onReady);
    };
    const watch = kv.watch({ all: true });
    await watch.ready();
    const revisions = [await kv.put('a', 1), await kv.put('a', 2), await kv.put('a', 3)];
    expect((await take(watch, 3)).map(({ revision }) => revision)).toEqual(revisions);
    expect(begins).toEqual([0, revisions[0]]);
    // One that was told from when on is not asked to go back.
    const later = kv.watch({ all: true }, { from: revisions[2]! + 2 });
    await kv.put('a', 4);
    const wanted = await kv.put('a', 5);
    expect((await later.next()).value).toMatchObject({ revision: wanted });
  });

  it('gives nothing of before when a write of its client changes nothing', async () => {
    const cluster = new FakeCluster();
    const other = client(cluster);
    await other.put('a', 1);
    await other.put('a', 2);
    const kv = client(cluster);
    const watch = kv.watch({ all: true });
    await watch.ready();
    expect(await kv.delete('missing')).toMatchObject({ deleted: false });
    await expect(kv.put('a', 3, { ifAbsent: true })).rejects.toMatchObject({ code: 'condition_failed' });
    await kv.txn().then({ type: 'get', key: 'a' }).commit();
    await kv.compact(1);
    const revision = await kv.put('b', 4);
    expect((await watch.next()).value).toMatchObject({ revision });
  });

  it('never gives what its client had seen before, though a node lags', async () => {
    const cluster = new FakeCluster(2);
    const writer = client(cluster, { endpoints: ['node1:8080'] });
    for (let i = 0; i < 5; i += 1) await writer.put('a', i);
    const lagging = cluster.nodes[1]!;
    const watchAt = lagging.watch.bind(lagging);
    const seen = cluster.store.revision;
    lagging.watch = (range, from, onReady) => watchAt(range, from === 0 ? seen - 2 : from, onReady);
    const kv = client(cluster, { endpoints: ['node2:8080'] });
    expect(await kv.get('a')).toBe(4);
    const watch = kv.watch({ all: true });
    await watch.ready();
    const next = await writer.put('a', 5);
    expect((await watch.next()).value).toMatchObject({ revision: next });
  });

  it('leaves a node that is cut off from the cluster for one that is not', async () => {
    const cluster = new FakeCluster(2);
    const kv = client(cluster, { endpoints: ['node1:8080', 'node2:8080'] });
    await kv.put('a', 0);
    await kv.statusOfAll();
    const watch = kv.watch({ all: true });
    await watch.ready();
    const isHost = (node: (typeof cluster.nodes)[number]): boolean =>
      [...node.sessions].some((session) => session.openWatches > 0);
    const host = cluster.nodes.find(isHost)!;
    Object.defineProperty(host, 'leader', { get: () => undefined });
    host.leaderChanged();
    await expect.poll(() => isHost(host)).toBe(false);
    const revision = await kv.put('a', 1);
    expect((await watch.next()).value).toMatchObject({ revision });
  });

  it('leaves one after the other, if more than one is cut off', async () => {
    const cluster = new FakeCluster(3);
    const kv = client(cluster, { endpoints: ['node1:8080', 'node2:8080', 'node3:8080'] });
    await kv.put('a', 0);
    await kv.statusOfAll();
    for (let at = 0; at < 6; at += 1) await kv.watch({ all: true }).ready();
    const watchesAt = (node: (typeof cluster.nodes)[number]): number =>
      [...node.sessions].reduce((sum, session) => sum + session.openWatches, 0);
    const [first, second, third] = cluster.nodes;
    for (const node of [first!, second!]) {
      Object.defineProperty(node, 'leader', { get: () => undefined });
      node.leaderChanged();
    }
    await expect.poll(() => [first!, second!].map(watchesAt)).toEqual([0, 0]);
    expect(watchesAt(third!)).toBe(6);
  });

  it('learns how far it has come while nothing concerns it, and resumes from there', async () => {
    const cluster = new FakeCluster(1, { progressMilliseconds: 10 });
    const kv = client(cluster);
    const watch = kv.watch({ prefix: 'quiet/' });
    await watch.ready();
    let last = 0;
    for (let i = 0; i < 5; i += 1) last = await kv.put('loud', i);
    await expect.poll(() => watch.position).toBe(last);
    await kv.compact(last);
    const node = cluster.nodes[0]!;
    for (const pair of node.channels.splice(0)) pair.cut();
    const next = await kv.put('quiet/a', 1);
    expect((await watch.next()).value).toMatchObject({ revision: next });
  });
});

function put(key: string): Uint8Array {
  return encodeCommand({ session: undefined, command: { type: 'put', key, value: new Uint8Array(1) } });
}
function compactTo(revision: number): Uint8Array {
  return encodeCommand({ session: undefined, command: { type: 'compact', revision } });
}
