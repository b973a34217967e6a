// A copy's storage in memory: the reference of the contract. It outlives its openings as a database does, and can be stopped before each of its steps.
import { RaftkvError } from '@raftkv/wire';
import type { CopyOwner, CopyStorage, OpenCopyOptions } from './copy-storage.ts';

export class MemoryCopyStore {
  readonly mode = 'memory';
  /** As they would be found again. */
  records: Uint8Array[] = [];
  /** How often the beginning was replaced. */
  replacements = 0;
  /** Records that were appended, ever. */
  appended = 0;
  #owner: CopyOwner | undefined;
  #opened: MemoryCopy | undefined;
  readonly #step: () => Promise<void>;

  /** `step` is awaited before each step takes effect, in the order in which they were asked for; if it rejects, so does the call. */
  constructor(step: () => Promise<void> = () => Promise.resolve()) {
    this.#step = step;
  }

  async open({ owner, onFailure }: OpenCopyOptions): Promise<CopyStorage> {
    this.#owner ??= owner;
    if (this.#owner === undefined) throw new RaftkvError('storage_missing', 'there is no copy, and none may be made');
    const step = async (): Promise<void> => {
      await this.#step();
      if (this.#opened !== opened) throw new RaftkvError('storage_locked', 'another opener took it over');
    };
    const opened = new MemoryCopy(this, this.#owner, step, onFailure);
    this.#opened = opened;
    return opened;
  }

  /** Whoever has it open loses it without a word; what is on its way never takes effect. */
  cut(): void {
    this.#opened = undefined;
  }

  /** Whoever has it open hears of it. */
  async wipe(): Promise<void> {
    this.#opened?.fail(new RaftkvError('storage_missing', 'the copy was forgotten'));
    this.cut();
    this.#owner = undefined;
    this.records = [];
  }
}

class MemoryCopy implements CopyStorage {
  readonly owner: CopyOwner;
  readonly #store: MemoryCopyStore;
  readonly #step: () => Promise<void>;
  readonly #onFailure: OpenCopyOptions['onFailure'];
  #tail: Promise<unknown> = Promise.resolve();
  #failure: RaftkvError | undefined;
  #isClosed = false;
  /** Calls of `replace`, and the one that took effect last. */
  #calls = 0;
  #latest = 0;

  constructor(
    store: MemoryCopyStore,
    owner: CopyOwner,
    step: () => Promise<void>,
    onFailure: OpenCopyOptions['onFailure'],
  ) {
    this.#store = store;
    this.owner = owner;
    this.#step = step;
    this.#onFailure = onFailure;
  }

  async *load(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* [...this.#store.records];
  }

  append(record: Uint8Array): Promise<void> {
    return this.#inOrder(() => {
      this.#store.records.push(record);
      this.#store.appended += 1;
    });
  }

  async replace(records: Iterable<Uint8Array>): Promise<void> {
    const store = this.#store;
    const call = (this.#calls += 1);
    let covered = 0;
    await this.#inOrder(() => (covered = store.appended));
    const fresh: Uint8Array[] = [];
    for (const record of records) {
      fresh.push(record);
      await this.#inOrder(() => {});
    }
    await this.#inOrder(() => {
      if (call < this.#latest) return;
      this.#latest = call;
      const later = store.appended - covered;
      store.records = [...fresh, ...store.records.slice(store.records.length - later)];
      store.replacements += 1;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#tail;
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = RaftkvError.from(error, 'storage_failed');
    if (!this.#isClosed) this.#onFailure?.(this.#failure);
  }

  #inOrder(work: () => void): Promise<void> {
    if (this.#isClosed) return Promise.reject(new RaftkvError('closed', 'this storage was closed'));
    const done = this.#tail.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#step();
      work();
    });
    this.#tail = done.catch((error: unknown) => this.fail(error));
    return done;
  }
}
