// One copy feeds others over channels, as a tab does its siblings: they hold what it holds, go on where they were, and cost it a bounded window.
import { FeedClient } from '@raftkv/client/parts';
import { memoryChannelPair } from '@raftkv/transport';
import type { MemoryChannelPair } from '@raftkv/transport';
import { RaftkvError, decodeServerFrame, encodeClientFrame } from '@raftkv/wire';
import type { ClientMessage, FeedSnapshot, ServerMessage } from '@raftkv/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ReplicaAssembly } from '../src/assembly.ts';
import { Copy } from '../src/copy.ts';
import { TabFeeder } from '../src/tab-feeder.ts';
import { SmallCluster, until } from './small-cluster.ts';

type Assembly = ReplicaAssembly<unknown, string>;

/** A replica and its feeder. */
interface Tab {
  readonly assembly: Assembly;
  readonly feeder: TabFeeder;
}

function openTab(cluster: SmallCluster, ranges: { prefix: string }[] = []): Tab {
  const { endpoints, dial } = cluster;
  const assembly: Assembly = new ReplicaAssembly(
    { endpoints, dial, ranges, retryDelayMilliseconds: 5 },
    { onTaken: (message) => feeder.taken(message) },
  );
  const feeder = new TabFeeder(assembly, assembly.ranges, () => performance.now());
  assembly.observer.subscribe((changed) => {
    if (changed === undefined) feeder.replaced();
  });
  assembly.kv.replica.subscribe(() => feeder.changed());
  onTestFinished(() => assembly.kv.close());
  return { assembly, feeder };
}

/** The tab follows another one from now on; answers the pipes, and what makes it follow a third. */
function attach(tab: Tab, holder: Tab): { pipes: MemoryChannelPair[]; moveTo: (next: Tab) => void } {
  const pipes: MemoryChannelPair[] = [];
  let present = holder;
  const feeds = new FeedClient({
    endpoints: ['holder'],
    retryDelayMilliseconds: 5,
    dial: async (endpoint) => {
      if (endpoint !== 'holder') throw new RaftkvError('connect_failed', 'only the holder is here');
      const pair = memoryChannelPair();
      pipes.push(pair);
      present.feeder.accept(pair.right);
      return pair.left;
    },
  });
  onTestFinished(() => feeds.close());
  tab.assembly.follow((ranges, handlers) => feeds.openFeed(ranges, handlers));
  return {
    pipes,
    moveTo: (next) => {
      present = next;
      feeds.reconnect();
    },
  };
}

const reached = (tab: Tab, revision: number): Promise<unknown> =>
  until(tab.assembly.kv.replica, (status) => status.revision >= revision);

/** Words to a feeder, one by one, and what it says. */
function talk(feeder: TabFeeder): { say: (...messages: ClientMessage[]) => void; heard: ServerMessage[] } {
  const { left, right } = memoryChannelPair();
  const heard: ServerMessage[] = [];
  left.start({ onFrame: (frame) => void heard.push(...decodeServerFrame(frame)), onClose: () => {} });
  feeder.accept(right);
  return { say: (...messages) => void left.send(encodeClientFrame(messages)), heard };
}

describe('a tab that feeds others', () => {
  it('gives them what it holds and each change, with the content hash of the members, and who leads', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 200; i += 1) await writer.put(`k${i}`, 'x'.repeat(2_000));
    const [holder, one, two] = [openTab(cluster), openTab(cluster), openTab(cluster)];
    holder.assembly.followCluster();
    attach(one, holder);
    attach(two, holder);
    for (let i = 0; i < 20; i += 1) {
      await writer.batch([
        { type: 'put', key: `k${i}`, value: 'y'.repeat(5_000) },
        { type: 'delete', key: `k${100 + i}` },
      ]);
      await Promise.all([reached(one, cluster.revision), reached(two, cluster.revision)]);
      expect(one.assembly.status.hash).toBe(cluster.stateMachine.store.contentHash());
    }
    const { leader, clusterId, hash } = holder.assembly.status;
    for (const { assembly } of [one, two]) {
      expect(assembly.status).toMatchObject({ leader, clusterId, hash, snapshots: 1, divergences: 0, keys: 180 });
      expect(assembly.status).toMatchObject({ connection: 'online', phase: 'ready' });
    }
  });

  it('brings one along whose snapshot takes longer than the writes pause', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 150; i += 1) await writer.put(`k${String(i).padStart(3, '0')}`, 'x'.repeat(20_000));
    const [holder, one] = [openTab(cluster), openTab(cluster)];
    holder.assembly.followCluster();
    await reached(holder, cluster.revision);
    const { pipes } = attach(one, holder);
    let isDone = false;
    const written = (async () => {
      for (let i = 0; !isDone; i += 1) {
        const key = `k${String((i * 37) % 150).padStart(3, '0')}`;
        await writer.batch([
          { type: 'put', key, value: i },
          { type: 'put', key: `n${i}`, value: i },
        ]);
        if (i % 3 === 0) await writer.delete(`n${i}`);
      }
    })();
    // A tab that reads in fits and starts.
    for (let i = 0; i < 30; i += 1) {
      pipes.at(-1)?.stall('left');
      await new Promise((resolve) => setTimeout(resolve, 5));
      pipes.at(-1)?.resume('left');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await reached(one, 152);
    isDone = true;
    await written;
    await reached(one, cluster.revision);
    expect(one.assembly.status).toMatchObject({ hash: cluster.stateMachine.store.contentHash(), divergences: 0 });
  });

  it('lets one that it takes over go on where that was, without a snapshot', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    await writer.put('big', 'x'.repeat(100_000));
    const [first, second, third] = [openTab(cluster), openTab(cluster), openTab(cluster)];
    first.assembly.followCluster();
    attach(second, first);
    const { moveTo, pipes } = attach(third, first);
    await Promise.all([reached(second, cluster.revision), reached(third, cluster.revision)]);
    // The third hears nothing for a while, the second does and takes over.
    pipes.at(-1)?.stall('left');
    pipes.at(-1)?.stall('right');
    for (let i = 0; i < 10; i += 1) await writer.put('small', i);
    await reached(second, cluster.revision);
    first.feeder.dismiss();
    first.assembly.unfollow();
    second.assembly.followCluster();
    moveTo(second);
    await writer.put('small', 'last');
    await reached(third, cluster.revision);
    expect(third.assembly.status).toMatchObject({ snapshots: 1, hash: cluster.stateMachine.store.contentHash() });
  });

  it('greets one that has missed nothing, so that it knows', async () => {
    const cluster = await SmallCluster.start();
    await cluster.client().put('a', 1);
    const [holder, one] = [openTab(cluster), openTab(cluster)];
    holder.assembly.followCluster();
    await reached(holder, cluster.revision);
    const { pipes } = attach(one, holder);
    const live = one.assembly.kv.live.get('a');
    await until(live, ({ fetchStatus, data }) => fetchStatus === 'idle' && data !== undefined);
    pipes.at(-1)!.cut();
    await until(live, ({ fetchStatus }) => fetchStatus !== 'idle');
    await until(live, ({ fetchStatus }) => fetchStatus === 'idle', 3_000);
    expect(one.assembly.status.snapshots).toBe(1);
  });

  it('says when nothing new can come, and when it can again', async () => {
    const cluster = await SmallCluster.start();
    const [holder, one] = [openTab(cluster), openTab(cluster)];
    holder.assembly.followCluster();
    attach(one, holder);
    await until(one.assembly.kv.replica, ({ connection }) => connection === 'online');
    cluster.kill(...cluster.endpoints);
    await until(one.assembly.kv.replica, ({ connection }) => connection === 'offline');
    cluster.start(...cluster.endpoints);
    await until(one.assembly.kv.replica, ({ connection }) => connection === 'online');
  });

  it('sends no more than a window to one that does not consume', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 100; i += 1) await writer.put(`k${i}`, 'x'.repeat(50_000));
    const holder = openTab(cluster);
    holder.assembly.followCluster();
    await reached(holder, cluster.revision);
    const { say, heard } = talk(holder.feeder);
    say({ type: 'hello', versions: [1] }, { type: 'observe', id: 7, from: 0, ranges: [] });
    await expect.poll(() => heard.length).toBeGreaterThan(5);
    for (let i = 0; i < 20; i += 1) await writer.put('more', i);
    await reached(holder, cluster.revision);
    const bytes = (): number =>
      heard.reduce((sum, message) => sum + (message.type === 'feedSnapshot' ? message.payload.length : 0), 0);
    expect(bytes()).toBeLessThan(1.4 * 1024 * 1024);
    const before = bytes();
    say({ type: 'watchConsumed', id: 7, bytes: 600_000 });
    await expect.poll(bytes).toBeGreaterThan(before + 400_000);
  });

  it('refuses other keys, other requests and nonsense, and answers pings', async () => {
    const cluster = await SmallCluster.start();
    const holder = openTab(cluster, [{ prefix: 'a' }]);
    holder.assembly.followCluster();
    await until(holder.assembly.kv.replica, ({ phase }) => phase === 'ready');
    const { say, heard } = talk(holder.feeder);
    say({ type: 'hello', versions: [1] }, { type: 'ping', id: 1 }, { type: 'observe', id: 2, from: 0, ranges: [] });
    await expect.poll(() => heard.map(({ type }) => type)).toContain('watchCancelled');
    expect(heard).toContainEqual(expect.objectContaining({ id: 2, code: 'storage_identity' }));
    expect(heard).toContainEqual({ type: 'pong', id: 1 });
    expect(holder.feeder.size).toBe(1);
    say({ type: 'status', id: 3 });
    await expect.poll(() => holder.feeder.size).toBe(0);
    const { left, right } = memoryChannelPair();
    holder.feeder.accept(right);
    const ended = new Promise((resolve) => {
      left.start({ onFrame: () => {}, onClose: resolve });
    });
    left.send(Uint8Array.of(1, 2, 3));
    expect(await ended).toMatchObject({ code: 'bad_frame' });
    expect(holder.feeder.size).toBe(0);
  });

  it('begins its snapshot anew when its copy becomes another one in the middle of it', async () => {
    const copyOf = (revision: number, keys: number): Copy => {
      const copy = new Copy({ isOfAllKeys: true });
      const value = new Uint8Array(20_000).fill(revision);
      for (let i = 0; i < keys; i += 1) {
        copy.addEntries([{ key: `k${1000 + i}`, value, revision, createRevision: revision, version: 1 }]);
      }
      copy.moveTo({ revision, index: revision });
      return copy;
    };
    const observer = { copy: copyOf(5, 100) };
    const feeder = new TabFeeder({ observer, clusterId: 'c0ffee00c0ffee00', leader: 'n:1' }, [], () => 0);
    feeder.replaced();
    const { say, heard } = talk(feeder);
    const pieces = (): FeedSnapshot[] => heard.filter((message) => message.type === 'feedSnapshot');
    say({ type: 'hello', versions: [1] }, { type: 'observe', id: 1, from: 0, ranges: [] });
    await expect.poll(() => pieces().length).toBeGreaterThan(5);
    // Of the same revision: nothing else tells the two apart.
    observer.copy = copyOf(5, 3);
    feeder.replaced();
    say({ type: 'watchConsumed', id: 1, bytes: 2_000_000 });
    await expect.poll(() => pieces().at(-1)?.isDone).toBe(true);
    expect(pieces().at(-1)).toMatchObject({ isFirst: true, revision: 5, hash: observer.copy.hash });
    // One that has less than the messages since then lead on from gets a snapshot, not a gap.
    feeder.taken({
      type: 'feedChanges',
      id: 0,
      isDeflated: false,
      revision: 5,
      index: 5,
      hash: undefined,
      payload: new Uint8Array(0),
    });
    const behind = talk(feeder);
    behind.say({ type: 'hello', versions: [1] }, { type: 'observe', id: 1, from: 3, ranges: [] });
    await expect.poll(() => behind.heard.map(({ type }) => type)).toContain('feedSnapshot');
    expect(behind.heard.map(({ type }) => type)).not.toContain('feedChanges');
  });
});
