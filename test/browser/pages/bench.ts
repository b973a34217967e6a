// The page of the web benchmark: a replica, and the loops that are timed inside the tab. Run by `test/bench/web/`. When a frame arrives at the socket is
// noted before the replica sees it, so that "arrival to callback" is the replica's own time.
import { openReplica } from 'raftkv';
import type { LiveKv } from 'raftkv';

const NativeWebSocket = globalThis.WebSocket;
let arrivedAt = 0;
globalThis.WebSocket = class extends NativeWebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    this.addEventListener('message', () => {
      arrivedAt = performance.now();
    });
  }
};

let kv: LiveKv | undefined;
/** From the arrival of the frame to the callback, and when the callback came by the clock that pages and processes share. */
let heard: { afterArrival: number; at: number }[] = [];

const key = (i: number): string => `row/${String(i).padStart(6, '0')}`;

const benchLab = {
  /** Milliseconds from opening to a copy that answers. */
  async open(endpoints: readonly string[], storage: 'relaxed' | 'memory', keys: number): Promise<number> {
    const from = performance.now();
    kv = await openReplica({ endpoints, storage });
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const status = kv!.replica.getSnapshot();
        if (status.phase === 'ready' && status.keys >= keys) resolve();
      };
      kv!.replica.subscribe(look);
      look();
    });
    return performance.now() - from;
  },
  status: () => ({ ...kv!.replica.getSnapshot(), error: undefined }),
  close: async (): Promise<void> => kv?.close(),

  async localGets(count: number, keys: number): Promise<{ awaited: number; snapshots: number }> {
    let from = performance.now();
    for (let i = 0; i < count; i += 1) await kv!.get(key((i * 7919) % keys), { level: 'local' });
    const awaited = (count / (performance.now() - from)) * 1000;
    const lives = Array.from({ length: 1000 }, (_, i) => kv!.live.get(key((i * 7919) % keys)));
    let found = 0;
    from = performance.now();
    for (let i = 0; i < count; i += 1) if (lives[i % lives.length]!.getSnapshot().data) found += 1;
    const snapshots = (count / (performance.now() - from)) * 1000;
    if (found !== count) throw new Error(`${count - found} keys were not there`);
    return { awaited, snapshots };
  },

  async localScans(count: number, keys: number): Promise<number> {
    const from = performance.now();
    for (let i = 0; i < count; i += 1) {
      const at = (i * 7919) % (keys - 100);
      const rows = await kv!.scan({ gte: key(at), limit: 100, level: 'local' }).all();
      if (rows.length !== 100) throw new Error(`a scan of ${rows.length} rows`);
    }
    return (count / (performance.now() - from)) * 1000;
  },

  /** A hundred live scans of a hundred rows each, spread over the keys; each is told that the copy follows the cluster, too, which is over by then. */
  async watchScans(keys: number): Promise<void> {
    const revision = await kv!.put('bench/begin', keys);
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const status = kv!.replica.getSnapshot();
        if (status.connection === 'online' && status.revision >= revision) resolve();
      };
      kv!.replica.subscribe(look);
      look();
    });
    heard = [];
    for (let i = 0; i < 100; i += 1) {
      const live = kv!.live.scan(
        { gte: key(Math.floor((i * keys) / 100)) },
        { limit: Math.min(100, Math.floor(keys / 100)) },
      );
      live.getSnapshot();
      live.subscribe(() => {
        live.getSnapshot();
        const now = performance.now();
        heard.push({ afterArrival: now - arrivedAt, at: performance.timeOrigin + now });
      });
    }
  },
  takeHeard: () => heard.splice(0),

  async putRoundTrips(count: number): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const from = performance.now();
      await kv!.put('bench/put', i);
      times.push(performance.now() - from);
    }
    return times;
  },

  /** From an own write to its row on screen (shown at once), and to its commit. */
  async mutations(count: number): Promise<{ shown: number[]; committed: number[] }> {
    const shown: number[] = [];
    const committed: number[] = [];
    const live = kv!.live.get('bench/mutate');
    live.subscribe(() => {});
    for (let i = 0; i < count; i += 1) {
      const from = performance.now();
      const write = kv!.mutate([{ type: 'put', key: 'bench/mutate', value: i }]);
      if (live.getSnapshot().data?.value !== i) throw new Error('an own write was not shown');
      shown.push(performance.now() - from);
      await write.committed;
      committed.push(performance.now() - from);
    }
    return { shown, committed };
  },
};

declare global {
  // Seen by the functions that the benchmark evaluates in the page.
  var benchLab: BenchLab;
}
export type BenchLab = typeof benchLab;

globalThis.benchLab = benchLab;
