// A store as slow and as mortal as a real one: each step takes some turns of the event loop, steps take effect in the order in which they were
// asked for, and from a power cut on nothing takes effect any more. What was done until then can be opened again.
import { MemoryCopyStore } from '@raftkv/storage';
import type { CopyStorage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { CopyStore } from '../src/index.ts';

export class SlowStore implements CopyStore {
  readonly mode = 'memory';
  readonly #turns: () => number;
  readonly #store = new MemoryCopyStore(() => this.#step());
  /** Steps until the power is cut. */
  stepsLeft = Infinity;
  steps = 0;
  wipes = 0;
  #life = 0;

  /** `turns`: how many each step takes. */
  constructor(turns: () => number) {
    this.#turns = turns;
  }

  /** How often the copy was written as a whole. */
  get replacements(): number {
    return this.#store.replacements;
  }

  /** Power is back: what was asked for before never takes effect. */
  restart(): void {
    this.#life += 1;
    this.stepsLeft = Infinity;
    this.#store.cut();
  }

  async open(options: Parameters<CopyStore['open']>[0]): Promise<CopyStorage> {
    await this.#wait();
    return this.#store.open(options);
  }

  async wipe(): Promise<void> {
    this.wipes += 1;
    await this.#store.wipe();
  }

  async #step(): Promise<void> {
    const life = this.#life;
    await this.#wait();
    if (life !== this.#life || this.stepsLeft <= 0) throw new RaftkvError('storage_failed', 'the power is gone');
    this.stepsLeft -= 1;
    this.steps += 1;
  }

  async #wait(): Promise<void> {
    for (let left = this.#turns(); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  }
}
