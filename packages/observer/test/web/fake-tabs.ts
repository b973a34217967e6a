// Tabs of one origin in one process: locks as browsers keep them, one store that the last one to open it owns, pages that can be hidden, frozen, killed
// and hung. BroadcastChannel is Node's own.
import { MemoryCopyStore } from '@raftkv/storage';
import type { Clock, LiveKv } from '@raftkv/client';
import type { RaftkvError } from '@raftkv/wire';
import { onTestFinished } from 'vitest';
import type { CopyStore } from '../../src/index.ts';
import { openSharedReplica, resideFirst, resideHere } from '../../src/web/index.ts';
import type { LoadSharing } from '../../src/web/reside-first.ts';
import type { ResidenceOptions, SharedReplicaOptions } from '../../src/web/index.ts';
import type { TabPort } from '../../src/tab-pipe.ts';
import type { SmallCluster } from '../small-cluster.ts';

const haste = 5;

interface Claim {
  readonly grant: () => void;
  readonly refuse: (name: string) => void;
}

/** One exclusive lock a name, first come first served. */
export class FakeLocks {
  readonly #held = new Map<string, Claim>();
  readonly #queues = new Map<string, Claim[]>();
  steals = 0;

  /** The locks as one tab sees them; `kill` gives back all that it has, as the end of its process does. */
  forTab(): { locks: Pick<LockManager, 'request'>; kill: () => void } {
    const mine = new Set<{ end: () => void }>();
    const request = (name: string, options: LockOptions, callback: (lock: unknown) => unknown): Promise<unknown> =>
      new Promise((resolve, reject) => {
        let isOver = false;
        const entry = { end: (): void => finish(() => {}) };
        mine.add(entry);
        const finish = (settle: () => void): void => {
          if (isOver) return;
          isOver = true;
          mine.delete(entry);
          const queue = this.#queue(name);
          if (queue.includes(claim)) queue.splice(queue.indexOf(claim), 1);
          settle();
          if (this.#held.get(name) === claim) {
            this.#held.delete(name);
            this.#next(name);
          }
        };
        const claim: Claim = {
          grant: () => {
            this.#held.set(name, claim);
            // As in a browser, never in the turn of the request.
            queueMicrotask(() => {
              Promise.resolve(callback({ name })).then((value) => finish(() => resolve(value)), reject);
            });
          },
          refuse: (errorName) => finish(() => reject(new DOMException('refused', errorName))),
        };
        options.signal?.addEventListener('abort', () => claim.refuse('AbortError'));
        if (options.steal === true) {
          this.steals += 1;
          const robbed = this.#held.get(name);
          this.#held.set(name, claim);
          robbed?.refuse('AbortError');
          return claim.grant();
        }
        this.#queue(name).push(claim);
        this.#next(name);
      });
    return {
      locks: { request } as unknown as Pick<LockManager, 'request'>,
      kill: () => {
        for (const entry of mine) entry.end();
      },
    };
  }

  #queue(name: string): Claim[] {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    return queue;
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    this.#queue(name).shift()?.grant();
  }
}

/** A store that whoever opens it takes from whoever had it. */
class SharedStore {
  readonly #memory = new MemoryCopyStore(async () => {
    if (this.failure !== undefined) throw this.failure;
  });
  /** What every write comes to, if anything but success. */
  failure: RaftkvError | undefined;
  /** Waited for in the middle of opening. */
  hold: Promise<void> = Promise.resolve();

  forTab(): CopyStore {
    return {
      mode: 'relaxed',
      open: async (options) => {
        await this.hold;
        return this.#memory.open(options);
      },
      wipe: () => this.#memory.wipe(),
    };
  }
}

export type TabOptions = Omit<Partial<SharedReplicaOptions & ResidenceOptions>, 'page'> & {
  /** How it learns to talk with other tabs. Default: it can from the start. */
  readonly load?: LoadSharing;
};

/** The origin: what its tabs have in common. */
export class FakeOrigin {
  readonly locks = new FakeLocks();
  readonly store = new SharedStore();
  readonly name: string = crypto.randomUUID();
  readonly cluster: SmallCluster;

  constructor(cluster: SmallCluster) {
    this.cluster = cluster;
  }

  async openTab(options: TabOptions = {}): Promise<FakeTab> {
    const tab = new FakeTab(this);
    await tab.open(options);
    onTestFinished(() => tab.close());
    return tab;
  }
}

export class FakeTab {
  readonly origin: FakeOrigin;
  readonly #locks: ReturnType<FakeLocks['forTab']>;
  readonly #ports = new Set<FakePort>();
  readonly #window = new EventTarget();
  readonly #document = Object.assign(new EventTarget(), { visibilityState: 'visible' as DocumentVisibilityState });
  #isHung = false;
  isGone = false;
  #late: (() => void)[] = [];
  kv!: LiveKv;

  constructor(origin: FakeOrigin) {
    this.origin = origin;
    this.#locks = origin.locks.forTab();
  }

  async open({ load, ...options }: TabOptions): Promise<void> {
    const { cluster, name, store } = this.origin;
    const page = { window: this.#window, document: this.#document, locks: this.#locks.locks };
    this.kv = await openSharedReplica({
      endpoints: cluster.endpoints,
      retryDelayMilliseconds: 5,
      dial: cluster.dial,
      clock: this.#clock,
      reside: (assembly) => {
        const place = {
          name,
          store: store.forTab(),
          openPort: (portName: string) => this.openPort(portName),
          isVisible: () => this.#document.visibilityState === 'visible',
          locks: page.locks,
          ...options,
        };
        return load === undefined ? resideHere(assembly, place) : resideFirst(assembly, place, load);
      },
      ...options,
      page,
    });
  }

  openPort(name: string): TabPort {
    const port = new FakePort(name, this);
    this.#ports.add(port);
    return port;
  }

  hide(): void {
    this.#document.visibilityState = 'hidden';
  }
  show(): void {
    this.#document.visibilityState = 'visible';
  }
  /** The events that a page hears; `pagehide` and `pageshow` as for the back/forward cache. */
  hear(type: 'pagehide' | 'pageshow' | 'freeze' | 'resume'): void {
    const event = Object.assign(new Event(type), { persisted: true });
    (type.startsWith('page') ? this.#window : this.#document).dispatchEvent(event);
  }

  /** The user wants to leave: whether the page would have the browser ask. */
  get wouldAsk(): boolean {
    const event = new Event('beforeunload', { cancelable: true });
    this.#window.dispatchEvent(event);
    return event.defaultPrevented;
  }

  /** Its script does not run, though nobody told it: messages and timers wait. */
  hang(): void {
    this.#isHung = true;
  }
  wake(): void {
    this.#isHung = false;
    for (const run of this.#late.splice(0)) run();
  }
  run(work: () => void): void {
    if (this.isGone) return;
    if (this.#isHung) this.#late.push(work);
    else work();
  }

  /** Its process ends: nothing runs any more, and what it held is free. */
  kill(): void {
    this.isGone = true;
    for (const port of this.#ports) port.close();
    this.#locks.kill();
  }

  async close(): Promise<void> {
    this.wake();
    if (!this.isGone) await this.kv.close();
  }

  /** Five times as fast as the world, and silent while the tab hangs. */
  readonly #clock: Clock = {
    now: () => performance.now() * haste,
    schedule: (callback, milliseconds) => {
      const timer = setTimeout(() => this.run(callback), milliseconds / haste);
      return () => clearTimeout(timer);
    },
    defer: (callback) => void setImmediate(callback),
  };
}

class FakePort implements TabPort {
  readonly #port: BroadcastChannel;
  readonly #tab: FakeTab;

  constructor(name: string, tab: FakeTab) {
    this.#port = new BroadcastChannel(name);
    this.#tab = tab;
  }

  postMessage(message: unknown): void {
    if (!this.#tab.isGone) this.#port.postMessage(message);
  }
  close(): void {
    this.#port.close();
  }
  addEventListener(type: 'message' | 'messageerror', listener: (event: { readonly data?: unknown }) => void): void {
    this.#port.addEventListener(type, (event) => {
      this.#tab.run(() => listener({ data: (event as MessageEvent).data as unknown }));
    });
  }
}
