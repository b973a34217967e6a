// The watches of one client: opened, served in turn as far as windows and channel allow, told how far they have come when nothing happens,
// and cancelled. Each is a `watch-session.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { WatchRequest } from '@raftkv/wire';
import type { ClientAnswers } from './client-answers.ts';
import type { Metrics } from './metrics.ts';
import type { KvNode } from './node-api.ts';
import { WatchSession } from './watch-session.ts';

export interface ClientWatchesOptions {
  readonly maxWatches: number;
  readonly windowBytes: number;
  readonly metrics: Metrics | undefined;
  /** An observer has this id. */
  readonly isTaken: (id: number) => boolean;
  /** Watches have something to send. */
  readonly onReady: () => void;
}

export class ClientWatches {
  readonly #node: KvNode;
  readonly #answers: ClientAnswers;
  readonly #options: ClientWatchesOptions;
  readonly #watches = new Map<number, WatchSession>();
  /** Those that may have something to send and have room for it. */
  readonly #ready = new Set<WatchSession>();

  constructor(node: KvNode, answers: ClientAnswers, options: ClientWatchesOptions) {
    this.#node = node;
    this.#answers = answers;
    this.#options = options;
  }

  get size(): number {
    return this.#watches.size;
  }

  has(id: number): boolean {
    return this.#watches.has(id);
  }

  open(request: WatchRequest): void {
    const { id } = request;
    try {
      if (this.#watches.has(id) || this.#options.isTaken(id)) {
        throw new RaftkvError('invalid_argument', `watch ${id} is open already`);
      }
      if (this.#watches.size >= this.#options.maxWatches) {
        throw new RaftkvError('busy', `more than ${this.#options.maxWatches} watches on one connection`);
      }
      const watcher = this.#node.watch(request.range, request.from, () => this.#wake(id));
      const watch = new WatchSession(request, watcher, this.#options.windowBytes);
      this.#watches.set(id, watch);
      this.#options.metrics?.addWatchers(1);
      this.#options.metrics?.observe('watch', 'ok', 0);
      this.#answers.push({ type: 'watchCreated', id, revision: watch.nextRevision });
      this.#wake(id);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  consumed(id: number, bytes: number): void {
    this.#watches.get(id)?.consumed(bytes);
    this.#wake(id);
  }

  end(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.close();
    this.#options.metrics?.addWatchers(-1);
    this.#watches.delete(id);
    this.#ready.delete(watch);
  }

  /** A chunk of each watch in turn, as long as there is anything to send and the channel takes it. */
  serve(): void {
    while (this.#ready.size > 0 && !this.#answers.isFull) {
      for (const watch of this.#ready) {
        if (this.#answers.isFull) return;
        this.#serveOne(watch);
      }
    }
  }

  /** Lets idle watches know how far they have come. Called now and then, after `serve`. */
  tellProgress(): void {
    for (const watch of this.#watches.values()) {
      const progress = this.#ready.has(watch) ? undefined : watch.progress(this.#node.revision);
      if (progress !== undefined) this.#answers.push(progress);
    }
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
    this.#options.metrics?.addWatchers(-this.#watches.size);
    this.#watches.clear();
    this.#ready.clear();
  }

  #wake(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined || !watch.hasRoom) return;
    this.#ready.add(watch);
    this.#options.onReady();
  }

  #serveOne(watch: WatchSession): void {
    const before = watch.unconsumedBytes;
    try {
      const events = watch.take();
      if (events === undefined) this.#ready.delete(watch);
      else this.#answers.push(events, watch.unconsumedBytes - before);
    } catch (error) {
      this.end(watch.id);
      this.#refuse(watch.id, error);
    }
  }

  #refuse(id: number, cause: unknown): void {
    const { code, message, compactedRevision } = RaftkvError.from(cause);
    this.#options.metrics?.observe('watch', code, 0);
    this.#answers.push({ type: 'watchCancelled', id, code, message, compactedRevision });
  }
}
