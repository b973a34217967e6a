// A replica in a worker, with both sides in one process and real ports between them: what the page is fed, shows and tells, and what becomes of a worker that
// hangs, refuses or is of another build.
import type { LiveKv } from '@raftkv/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WorkerResidence, openSharedReplica, resideHere, serveReplica } from '../../src/web/index.ts';
import type { WorkerPort, WorkerScope } from '../../src/web/index.ts';
import { SmallCluster, until } from '../small-cluster.ts';

type Listener = (event: { readonly data?: unknown; readonly message?: string }) => void;

/** A thread that is played: what it is sent arrives later, or never while it hangs. */
class PlayedWorker implements WorkerPort {
  readonly #listeners: Listener[] = [];
  #scopeListener: ((event: { readonly data: unknown }) => void) | undefined;
  #isHung = false;
  isTerminated = false;
  readonly #feeds: MessagePort[] = [];
  readonly heard: string[] = [];

  readonly scope: WorkerScope = {
    postMessage: (message) => {
      const data: unknown = structuredClone(message);
      setImmediate(() => {
        if (this.isTerminated || this.#isHung) return;
        for (const listener of this.#listeners) listener({ data });
      });
    },
    addEventListener: (_type, listener) => void (this.#scopeListener = listener),
  };

  postMessage(message: unknown): void {
    // What is transferred is the same in one process.
    setImmediate(() => {
      if (this.isTerminated || this.#isHung) return;
      const { type, port } = message as { readonly type: string; readonly port?: MessagePort };
      this.heard.push(type);
      if (port !== undefined) this.#feeds.push(port);
      this.#scopeListener?.({ data: message });
    });
  }
  /** Nothing comes from it any more, and it does not end. */
  hang(): void {
    this.#isHung = true;
    for (const port of this.#feeds) port.close();
  }
  terminate(): void {
    this.isTerminated = true;
  }
  addEventListener(type: 'message' | 'error', listener: Listener): void {
    if (type === 'message') this.#listeners.push(listener);
  }
}

interface Opened {
  readonly kv: LiveKv;
  readonly workers: PlayedWorker[];
}

const haste = 20;
/** So many times as fast as the world. */
const clock = {
  now: () => performance.now() * haste,
  schedule: (callback: () => void, milliseconds: number) => {
    const timer = setTimeout(callback, milliseconds / haste);
    return () => clearTimeout(timer);
  },
  defer: (callback: () => void) => void setImmediate(callback),
};

/** `script`: what runs in each worker. Default: that of a replica in memory. */
async function open(cluster: SmallCluster, script?: (worker: PlayedWorker) => void): Promise<Opened> {
  const workers: PlayedWorker[] = [];
  const { endpoints, dial } = cluster;
  const page = {
    window: new EventTarget(),
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' as const }),
    locks: undefined,
  };
  const place = { name: 'x', store: undefined, locks: undefined, isVisible: () => true };
  const openPort = (name: string): BroadcastChannel => new BroadcastChannel(name);
  const run =
    script ??
    ((worker: PlayedWorker) => serveReplica(worker.scope, () => ({ residence: { ...place, openPort }, dial })));
  let residence: WorkerResidence<undefined> | undefined;
  const kv = await openSharedReplica({
    endpoints,
    dial,
    clock,
    page,
    show: (status) => residence?.show(status) ?? status,
    reside: (assembly) =>
      (residence = new WorkerResidence<undefined>(assembly, {
        page,
        options: { endpoints, retryDelayMilliseconds: 5 },
        start: () => {
          const worker = new PlayedWorker();
          workers.push(worker);
          run(worker);
          return { worker, place: undefined, transfer: [] };
        },
        resideHere: async () => resideHere(assembly, { ...place, openPort }),
      })),
  });
  onTestFinished(() => kv.close());
  return { kv, workers };
}

const reached = ({ kv }: Opened, cluster: SmallCluster): Promise<unknown> =>
  until(kv.replica, ({ phase, revision }) => phase === 'ready' && revision === cluster.revision);

describe('a replica in a worker', () => {
  it('has what the members have, by snapshot and by changes that come in pieces', async () => {
    const cluster = await SmallCluster.start();
    const writer = cluster.client();
    for (let i = 0; i < 100; i += 1) await writer.put(`k${i}`, 'x'.repeat(1_000));
    const opened = await open(cluster);
    await reached(opened, cluster);
    const large = Array.from(
      { length: 50 },
      (_, i) => ({ type: 'put', key: `large${i}`, value: 'y'.repeat(2_000) }) as const,
    );
    await Promise.all(Array.from({ length: 8 }, () => writer.batch(large)));
    await reached(opened, cluster);
    const status = opened.kv.replica.getSnapshot();
    expect(status).toMatchObject({ thread: 'worker', snapshots: 1, divergences: 0, keys: 150 });
    expect(status.hash).toBe(cluster.stateMachine.store.contentHash());
  });

  it('tells the worker when it is offline, and closes it in order', async () => {
    const cluster = await SmallCluster.start();
    const opened = await open(cluster);
    await reached(opened, cluster);
    opened.kv.setOnline(false);
    await cluster.client().put('meanwhile', 1);
    expect(await opened.kv.get('meanwhile', { level: 'local' })).toBeUndefined();
    opened.kv.setOnline(true);
    await reached(opened, cluster);
    await opened.kv.close();
    const [worker] = opened.workers;
    expect(worker!.heard).toEqual(['open', 'attach', 'online', 'online', 'attach', 'online', 'close']);
    expect(worker!.isTerminated).toBe(true);
  });

  it('gives up a worker that hangs, and has what came meanwhile from the next one', async () => {
    const cluster = await SmallCluster.start();
    const opened = await open(cluster);
    await reached(opened, cluster);
    opened.workers[0]!.hang();
    await cluster.client().put('meanwhile', 1);
    await reached(opened, cluster);
    expect(opened.workers.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
    expect(opened.kv.replica.getSnapshot()).toMatchObject({ thread: 'worker', divergences: 0 });
  });

  it('lives in the page if the worker does not answer, refuses, or is of another build', async () => {
    const cluster = await SmallCluster.start();
    const refusals = [
      { script: (): void => undefined, code: 'unsupported' },
      {
        script: ({ scope }: PlayedWorker): void =>
          scope.addEventListener('message', () =>
            scope.postMessage({ type: 'refused', error: { code: 'unsupported_version', message: 'of another build' } }),
          ),
        code: 'unsupported_version',
      },
    ];
    for (const { script, code } of refusals) {
      const opened = await open(cluster, script);
      const status = await until(opened.kv.replica, ({ thread }) => thread === 'page');
      expect(status.threadError?.code).toBe(code);
      await cluster.client().put(`for ${code}`, 1);
      await reached(opened, cluster);
      expect(opened.workers[0]!.isTerminated).toBe(true);
    }
  });
});
