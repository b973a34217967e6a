// A store as slow and as mortal as a real one: each step takes some turns of the event loop, steps take effect in the order in which they were
// asked for, and from a power cut on nothing takes effect any more. What was done until then can be opened again.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { SnapshotWriter, Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { CopyStore } from '../src/index.ts';

export class SlowStore implements CopyStore {
  readonly mode = 'memory';
  readonly #turns: () => number;
  #store = createMemoryStore();
  /** Steps until the power is cut. */
  stepsLeft = Infinity;
  steps = 0;
  wipes = 0;
  #life = 0;

  /** `turns`: how many each step takes. */
  constructor(turns: () => number) {
    this.#turns = turns;
  }

  get logLength(): number {
    return this.#store.entries.length;
  }
  get hasSnapshot(): boolean {
    return this.#store.snapshot !== undefined;
  }

  /** Power is back: what was asked for before never takes effect. */
  restart(): void {
    this.#life += 1;
    this.stepsLeft = Infinity;
    this.#store.isLocked = false;
  }

  async open(options: Parameters<CopyStore['open']>[0]): Promise<Storage> {
    await this.#wait();
    return this.#slowed(openMemoryStorage({ ...options, store: this.#store }));
  }

  async wipe(): Promise<void> {
    this.wipes += 1;
    this.#store = createMemoryStore();
  }

  async #wait(): Promise<void> {
    for (let left = this.#turns(); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  }

  #slowed(storage: Storage): Storage {
    const life = this.#life;
    let tail: Promise<unknown> = Promise.resolve();
    const step = <T>(work: () => Promise<T>): Promise<T> => {
      const done = tail.then(async () => {
        await this.#wait();
        if (life !== this.#life || this.stepsLeft <= 0) throw new RaftkvError('storage_failed', 'the power is gone');
        this.stepsLeft -= 1;
        this.steps += 1;
        return work();
      });
      tail = done.catch(() => {});
      return done;
    };
    const slowWriter = (writer: SnapshotWriter): SnapshotWriter => ({
      write: (chunk) => step(() => writer.write(chunk)),
      commit: (options) => step(() => writer.commit(options)),
      abort: () => writer.abort(),
    });
    return {
      load: () => storage.load(),
      append: (batch) => step(() => storage.append(batch)),
      createSnapshot: async (meta) => slowWriter(await step(() => storage.createSnapshot(meta))),
      openSnapshot: () => storage.openSnapshot(),
      compact: (index) => step(() => storage.compact(index)),
      getNote: (name) => storage.getNote(name),
      setNote: (name, value) => step(() => storage.setNote(name, value)),
      statistics: () => storage.statistics(),
      close: async () => {
        await tail;
        if (life === this.#life) await storage.close();
      },
    };
  }
}
