// One copy feeds others over pipes, as a tab does its siblings: they hold what it holds, go on where they were, and cost it a bounded window.
import type { FeedMessage } from '@raftkv/client/parts';
import { feedBytes } from '@raftkv/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ReplicaAssembly } from '../src/assembly.ts';
import { Copy } from '../src/copy.ts';
import { TabFeed } from '../src/tab-feed.ts';
import { TabFeeder, scopeOf } from '../src/tab-feeder.ts';
import type { TabNews, TabPort } from '../src/tab-pipe.ts';
import { SmallCluster, until } from './small-cluster.ts';

type Assembly = ReplicaAssembly<unknown, string>;

/** A replica and its feeder. */
interface Tab {
  readonly assembly: Assembly;
  readonly feeder: TabFeeder;
}

function openTab(cluster: SmallCluster, ranges: { prefix: string }[] = [], clusterId?: string): Tab {
  const { endpoints, dial } = cluster;
  const assembly: Assembly = new ReplicaAssembly(
    { endpoints, dial, ranges, clusterId, retryDelayMilliseconds: 5 },
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

/** One end of a pipe: what it is sent arrives in a later turn, and waits while it is stalled. */
class PipeEnd implements TabPort {
  other!: PipeEnd;
  isStalled = false;
  #isClosed = false;
  #listeners: ((event: { readonly data?: unknown }) => void)[] = [];
  #waiting: unknown[] = [];

  static pair(): readonly [PipeEnd, PipeEnd] {
    const [left, right] = [new PipeEnd(), new PipeEnd()];
    left.other = right;
    right.other = left;
    return [left, right];
  }

  postMessage(message: unknown): void {
    if (this.#isClosed) throw new DOMException('it was closed', 'InvalidStateError');
    const { other } = this;
    other.#waiting.push(structuredClone(message));
    setImmediate(() => other.deliver());
  }
  deliver(): void {
    while (!this.isStalled && !this.#isClosed && this.#waiting.length > 0) {
      const data = this.#waiting.shift();
      for (const listener of this.#listeners) listener({ data });
    }
  }
  get waits(): number {
    return this.#waiting.length;
  }
  /** The next message that waits is not to arrive. */
  drop(): void {
    this.#waiting.shift();
  }
  close(): void {
    this.#isClosed = true;
  }
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    if (type === 'message') this.#listeners.push(listener);
  }
}

interface Attached {
  /** The tab's end of the present pipe. */
  readonly end: PipeEnd;
  readonly feed: TabFeed;
  readonly errors: string[];
}

/** The tab follows another one from now on, over a pipe of its own. */
function attach({ assembly }: Tab, holder: Tab): Attached {
  const [left, right] = PipeEnd.pair();
  const errors: string[] = [];
  let feed!: TabFeed;
  assembly.follow((ranges, handlers) => {
    const { now } = assembly.settings.clock;
    const onFailed = ({ code }: { readonly code: string }): void => void errors.push(code);
    feed = new TabFeed({ port: left, handlers, now, clusterId: assembly.settings.clusterId, onFailed });
    holder.feeder.accept(right, { from: handlers.position(), scope: scopeOf(ranges) });
    return feed;
  });
  return { end: left, feed, errors };
}

const reached = (tab: Tab, revision: number): Promise<unknown> =>
  until(tab.assembly.kv.replica, (status) => status.revision >= revision);

/** Reports to a feeder, one by one, and what it says. */
function talk(feeder: TabFeeder, from: number, scope = '[]') {
  const [left, right] = PipeEnd.pair();
  const heard: TabNews[] = [];
  left.addEventListener('message', ({ data }) => void heard.push(data as TabNews));
  feeder.accept(right, { from, scope });
  return {
    say: (report: unknown) => left.postMessage(report),
    heard,
    feeds: (): FeedMessage[] => heard.flatMap(({ feed }) => feed ?? []),
  };
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
    const { end } = attach(one, holder);
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
      end.isStalled = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
      end.isStalled = false;
      end.deliver();
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
    const { end } = attach(third, first);
    await Promise.all([reached(second, cluster.revision), reached(third, cluster.revision)]);
    // The third hears nothing for a while, the second does and takes over.
    end.isStalled = true;
    for (let i = 0; i < 10; i += 1) await writer.put('small', i);
    await reached(second, cluster.revision);
    first.feeder.dismiss();
    first.assembly.unfollow();
    second.assembly.followCluster();
    attach(third, second);
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
    const { feed } = attach(one, holder);
    const live = one.assembly.kv.live.get('a');
    await until(live, ({ fetchStatus, data }) => fetchStatus === 'idle' && data !== undefined);
    feed.lose();
    await until(live, ({ fetchStatus }) => fetchStatus !== 'idle');
    attach(one, holder);
    await until(live, ({ fetchStatus }) => fetchStatus === 'idle');
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
    const { say, feeds } = talk(holder.feeder, 0);
    await expect.poll(() => feeds().length).toBeGreaterThan(5);
    for (let i = 0; i < 20; i += 1) await writer.put('more', i);
    await reached(holder, cluster.revision);
    const bytes = (): number => feeds().reduce((sum, feed) => sum + feedBytes(feed), 0);
    expect(bytes()).toBeLessThan(1.4 * 1024 * 1024);
    const before = bytes();
    // One that says that it is alive has not consumed anything.
    say({ consumedBytes: 0, isLast: false });
    say({ consumedBytes: 600_000, isLast: false });
    await expect.poll(bytes).toBeGreaterThan(before + 400_000);
    expect(bytes()).toBeLessThan(before + 800_000);
  });

  it('refuses other keys, passes over nonsense, answers every report, and lets go of one that ends or is silent', async () => {
    const cluster = await SmallCluster.start();
    const holder = openTab(cluster, [{ prefix: 'a' }]);
    holder.assembly.followCluster();
    await until(holder.assembly.kv.replica, ({ phase }) => phase === 'ready');
    const { say, heard, feeds } = talk(holder.feeder, 0);
    await expect.poll(() => heard[0]?.isRefused).toBe(true);
    for (const nonsense of [undefined, null, 7, 'ping', [], { consumedBytes: 'many' }]) say(nonsense);
    const before = heard.length;
    say({ consumedBytes: 0, isLast: false });
    await expect.poll(() => heard.length).toBeGreaterThan(before);
    expect(heard.at(-1)).toMatchObject({ number: heard.length - 1, leader: holder.assembly.leader });
    expect(feeds()).toEqual([]);
    expect(holder.feeder.size).toBe(1);
    say({ consumedBytes: 0, isLast: true });
    await expect.poll(() => holder.feeder.size).toBe(0);
    let now = 0;
    const feeder = new TabFeeder(holder.assembly, holder.assembly.ranges, () => now);
    const silent = talk(feeder, 0, scopeOf(holder.assembly.ranges));
    now = 149_000;
    feeder.changed();
    expect(feeder.size).toBe(1);
    now = 151_000;
    feeder.changed();
    expect(feeder.size).toBe(0);
    await expect.poll(() => silent.heard.at(-1)?.isLast).toBe(true);
  });

  it('is not believed when a message is missing or makes no sense, nor when it is of another cluster', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    await writer.put('a', 1);
    const [holder, one] = [openTab(cluster), openTab(cluster)];
    holder.assembly.followCluster();
    await reached(holder, cluster.revision);
    const { end, feed, errors } = attach(one, holder);
    await reached(one, cluster.revision);
    end.isStalled = true;
    await writer.put('a', 2);
    await expect.poll(() => end.waits).toBeGreaterThan(0);
    end.drop();
    // It may be that nothing else was on its way: what comes next shows that something is missing.
    end.isStalled = false;
    await writer.put('a', 3);
    await expect.poll(() => feed.isOpen).toBe(false);
    expect(errors).toEqual(['connection_lost']);
    expect(await one.assembly.kv.get('a', { level: 'local' })).toBe(1);
    const wrong = attach(one, holder);
    await reached(one, cluster.revision);
    for (const nonsense of [
      7,
      { number: 'x', feed: {} },
      { number: 1, feed: null },
      { number: 1, feed: { payload: 'text', revision: -1 } },
    ]) {
      wrong.end.other.postMessage(nonsense);
    }
    await writer.put('a', 4);
    await reached(one, cluster.revision);
    expect(wrong.feed.isOpen).toBe(true);
    const other = openTab(cluster, [], 'ffffffffffffffff');
    const refused = attach(other, holder);
    await expect.poll(() => refused.errors.at(-1)).toBe('wrong_cluster');
    expect(other.assembly.observer.copy).toBeUndefined();
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
    const { say, feeds } = talk(feeder, 0);
    await expect.poll(() => feeds().length).toBeGreaterThan(5);
    // Of the same revision: nothing else tells the two apart.
    observer.copy = copyOf(5, 3);
    feeder.replaced();
    say({ consumedBytes: 2_000_000, isLast: false });
    await expect.poll(() => feeds().at(-1)).toMatchObject({ isDone: true });
    expect(feeds().at(-1)).toMatchObject({ isFirst: true, revision: 5, hash: observer.copy.hash });
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
    const behind = talk(feeder, 3);
    await expect.poll(() => behind.feeds().map(({ type }) => type)).toContain('feedSnapshot');
    expect(behind.feeds().map(({ type }) => type)).not.toContain('feedChanges');
  });
});
