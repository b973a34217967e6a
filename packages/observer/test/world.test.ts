// Random worlds: writes of all kinds, doors that die, the way there cut, compaction, a disk that is slow and loses its power, an inflater that
// takes its time, tabs that feed each other. At each word that a copy says it holds what the members held at that revision, it never goes back, and
// each own write takes effect once.
import { inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { LiveKv, Write, BatchResult } from '@raftkv/client';
import { keyFrom, rangeFrom } from '@raftkv/wire';
import { expect, it, onTestFinished } from 'vitest';
import { ReplicaAssembly } from '../src/assembly.ts';
import { History } from './history.ts';
import { SlowStore } from './slow-store.ts';
import { SmallCluster, until } from './small-cluster.ts';

type Assembly = ReplicaAssembly<unknown, string>;
type Deed =
  | 'write'
  | 'delete'
  | 'big'
  | 'mutate'
  | 'cut'
  | 'kill'
  | 'start'
  | 'offline'
  | 'online'
  | 'compact'
  | 'restart'
  | 'crash'
  | 'release'
  | 'retake'
  | 'rest';
const deeds: readonly Deed[] = [
  'write',
  'write',
  'write',
  'delete',
  'big',
  'mutate',
  'mutate',
  'mutate',
  'cut',
  'cut',
  'kill',
  'start',
  'start',
  'offline',
  'online',
  'online',
  'compact',
  'restart',
  'crash',
  'release',
  'retake',
  'retake',
  'rest',
  'rest',
  'rest',
];

interface Own {
  readonly key: string;
  readonly value: number;
  readonly write: Write<BatchResult<unknown, string>>;
}

class World {
  readonly cluster: SmallCluster;
  readonly history: History;
  readonly store: SlowStore;
  readonly random: () => number;
  readonly ranges: readonly { prefix: string }[];
  readonly own: Own[] = [];
  readonly faults: string[] = [];
  assembly!: Assembly;
  #counter = 0;

  constructor(cluster: SmallCluster, seed: number, ranges: readonly { prefix: string }[]) {
    this.cluster = cluster;
    this.ranges = ranges;
    let state = seed >>> 0;
    this.random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    this.history = new History(
      cluster,
      ranges.map((range) => rangeFrom(range)),
    );
    this.store = new SlowStore(() => this.pick(4));
  }

  pick(below: number): number {
    return Math.floor(this.random() * below);
  }

  get kv(): LiveKv<unknown, string> {
    return this.assembly.kv;
  }

  async open(): Promise<void> {
    const { endpoints, dial } = this.cluster;
    const assembly: Assembly = new ReplicaAssembly(
      { endpoints, dial, ranges: this.ranges, retryDelayMilliseconds: 2 },
      {
        inflate: async (bytes) => {
          for (let left = this.pick(5); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
          return new Uint8Array(inflateRawSync(bytes));
        },
        onOnline: (isOnline) => (isOnline ? assembly.followCluster() : assembly.unfollow()),
      },
    );
    this.assembly = assembly;
    onTestFinished(() => assembly.kv.close());
    let revision = 0;
    const { observer } = assembly;
    observer.subscribe(() => {
      const { copy } = observer;
      if (copy === undefined) return;
      if (copy.revision < revision) this.faults.push(`went back from ${revision} to ${copy.revision}`);
      revision = copy.revision;
      if (!this.history.has(copy)) this.faults.push(`never was at ${copy.revision}`);
      this.#checkOwn(copy.revision);
    });
    await assembly.keep(this.store);
    assembly.followCluster();
  }

  /** What was acknowledged is to be seen (or something later), and what is pending too. */
  #checkOwn(revision: number): void {
    const last = new Map<string, Own>();
    for (const own of this.own) {
      if (own.write.state.getSnapshot().status !== 'refused') last.set(own.key, own);
    }
    for (const { key, value, write } of last.values()) {
      const state = write.state.getSnapshot();
      const entry = this.assembly.observer.copy!.get(keyFrom(key));
      const shown = entry === undefined ? 0 : Number(new TextDecoder().decode(entry.value));
      if (state.status === 'committed' && state.revision! <= revision && shown < value) {
        this.faults.push(`${key}=${value} of revision ${state.revision} is not in revision ${revision}`);
      }
    }
  }

  mutate(): void {
    const key = `own/${this.pick(3)}`;
    const value = ++this.#counter;
    const write = this.kv.mutate([
      { type: 'put', key, value },
      { type: 'put', key: `once/${value}`, value },
    ]);
    this.own.push({ key, value, write });
  }

  async reopen(): Promise<void> {
    await this.assembly.kv.close();
    this.store.restart();
    await this.open();
  }
}

async function live(world: World, doing: readonly Deed[]): Promise<void> {
  const { cluster } = world;
  const writer = cluster.client();
  const written: Promise<unknown>[] = [];
  const also = (work: Promise<unknown>): void => void written.push(work.catch(() => {}));
  await world.open();
  for (const deed of doing) {
    const door = cluster.endpoints[world.pick(2)]!;
    switch (deed) {
      case 'write':
        also(writer.put(`k${world.pick(40)}`, world.pick(1000)));
        break;
      case 'delete':
        also(writer.deleteRange({ prefix: `k${world.pick(4)}` }));
        break;
      case 'big':
        also(
          writer.put(
            `k${world.pick(40)}`,
            world.pick(2) === 0 ? 'x'.repeat(60_000) : String(world.random()).repeat(2_000),
          ),
        );
        break;
      case 'mutate':
        world.mutate();
        break;
      case 'cut':
        cluster.cut(door);
        break;
      case 'kill':
        cluster.kill(door);
        break;
      case 'start':
        cluster.start(...cluster.endpoints);
        break;
      case 'offline':
        world.kv.setOnline(false);
        break;
      case 'online':
        world.kv.setOnline(true);
        break;
      case 'compact':
        also(writer.compact(cluster.revision));
        break;
      case 'restart':
        await world.reopen();
        break;
      case 'crash':
        world.store.stepsLeft = world.pick(6);
        for (let i = world.pick(30); i > 0; i -= 1) await new Promise((resolve) => setImmediate(resolve));
        await world.reopen();
        break;
      case 'release':
        await world.assembly.dropStore();
        for (let i = 0; i < 3; i += 1) {
          await writer.put(`k1${world.pick(10)}`, i, { timeoutMilliseconds: 50 }).catch(() => {});
        }
        break;
      case 'retake':
        // As a tab does that lost its place and got it again: the store lags behind the copy.
        await world.assembly.dropStore();
        await world.assembly.keep(world.store);
        if (world.assembly.isOnline) world.assembly.followCluster();
        break;
      case 'rest':
        await new Promise((resolve) => setTimeout(resolve, world.pick(8)));
    }
    if (world.pick(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  cluster.start(...cluster.endpoints);
  world.kv.setOnline(true);
  await Promise.all(written);
  await Promise.allSettled(world.own.map(({ write }) => write.committed));
  await writer.put('k0', 'last');
  await until(world.kv.replica, ({ revision }) => revision === cluster.revision);
}

function checkOnce(world: World): void {
  const { changes } = world.history;
  const orders = new Map<string, number[]>();
  const times = new Map<string, number>();
  for (const { events } of changes) {
    for (const event of events) {
      if (event.type !== 'put') continue;
      const { key, value } = event.entry;
      const name = String(key);
      if (name.startsWith('once/')) times.set(name, (times.get(name) ?? 0) + 1);
      if (!name.startsWith('own/')) continue;
      orders.set(name, [...(orders.get(name) ?? []), Number(new TextDecoder().decode(value))]);
    }
  }
  for (const order of orders.values()) expect(order).toEqual(order.toSorted((a, b) => a - b));
  for (const { value, write } of world.own) {
    const { status } = write.state.getSnapshot();
    const found = times.get(`once/${value}`) ?? 0;
    if (status === 'committed') expect(found).toBe(1);
    else if (status === 'refused') expect(found).toBe(0);
    else expect(status === 'unknown' && found <= 1).toBe(true);
  }
}

it.each([
  ['of all keys', []],
  ['of some ranges', [{ prefix: 'k1' }, { prefix: 'own/' }]],
])(
  'a copy %s holds what the members held, never goes back, and own writes take effect once',
  async (_, ranges) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1 }),
        fc.array(fc.constantFrom(...deeds), { minLength: 20, maxLength: 120 }),
        async (seed, doing) => {
          const cluster = await SmallCluster.start();
          const world = new World(cluster, seed, ranges);
          try {
            await live(world, doing);
            expect(world.faults).toEqual([]);
            expect(world.kv.replica.getSnapshot()).toMatchObject({ divergences: 0, phase: 'ready' });
            expect(world.store.wipes).toBe(0);
            checkOnce(world);
          } finally {
            await world.kv.close();
            await cluster.close();
          }
        },
      ),
      { numRuns: Number(process.env['WORLDS'] ?? 15), endOnFailure: true },
    );
  },
  60_000,
);
