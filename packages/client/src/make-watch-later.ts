// Makes watches whose code is loaded with the first of them: most pages look at live queries alone. In a page's production build this stands in the place of
// `make-watch.ts`; what it makes does what a Watch does, a moment later.
import type { RaftkvError } from '@raftkv/wire';
import type { UserKey } from './entry.ts';
import { loadRare } from './rare-later.ts';
import type { Watch, WatchChange, WatchContext } from './watch.ts';

export function makeWatch<Value, K extends UserKey>(context: WatchContext<Value, K>): Watch<Value, K> {
  return new LateWatch(context) as unknown as Watch<Value, K>;
}

type Step<Value, K extends UserKey> = Promise<IteratorResult<WatchChange<Value, K>, void>>;

/** Everything that is asked of it is asked of the watch, in order, once there is one. Rejects with `connect_failed` if its code cannot be had. */
class LateWatch<Value, K extends UserKey> implements AsyncIterableIterator<WatchChange<Value, K>, void, undefined> {
  hasEnded = false;
  readonly #context: WatchContext<Value, K>;
  readonly #loading: Promise<Watch<Value, K>>;
  #watch: Watch<Value, K> | undefined;

  constructor(context: WatchContext<Value, K>) {
    this.#context = context;
    this.#loading = this.#load();
    // Told to whoever asks it for something.
    this.#loading.catch(() => this.#end());
  }

  get position(): number {
    return this.#watch?.position ?? Math.max(0, (this.#context.options.from ?? 0) - 1);
  }

  async ready(): Promise<void> {
    return (await this.#loading).ready();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Step<Value, K> {
    return (await this.#loading).next();
  }

  async return(): Step<Value, K> {
    return (await this.#loading).return();
  }

  close(): void {
    this.#tell((watch) => watch.close());
  }

  fail(error: RaftkvError): void {
    this.#tell((watch) => watch.fail(error));
  }

  wrote(revision: number): void {
    this.#tell((watch) => watch.wrote(revision));
  }

  connectionsChanged(): void {
    this.#watch?.connectionsChanged();
  }

  #tell(tell: (watch: Watch<Value, K>) => void): void {
    if (this.#watch === undefined) this.#loading.then(tell).catch(() => {});
    else tell(this.#watch);
  }

  #end(): void {
    this.hasEnded = true;
    this.#context.onEnd(this as unknown as Watch<Value, K>);
  }

  async #load(): Promise<Watch<Value, K>> {
    const { Watch: Loaded } = await loadRare(this.#context.settings.clock);
    return (this.#watch = new Loaded({ ...this.#context, onEnd: () => this.#end() }));
  }
}
