// A watch as its user walks it: it outlives connections and servers by resuming at the revision after the last one it was given. What
// arrives waits here for the user; the server sends no more than a window ahead of what was consumed.
import type { Change, KeyRange } from '@raftkv/kv';
import { RaftkvError, changeBytes } from '@raftkv/wire';
import type { Cluster } from './cluster.ts';
import type { Connection, WatchSink } from './connection.ts';
import type { UserKey, View, WatchEvent } from './entry.ts';
import { toEvent } from './entry.ts';
import { Fifo } from './fifo.ts';
import type { WatchOptions } from './requests.ts';
import type { Settings } from './options.ts';

/** What one revision changed in the range. */
export interface WatchChange<Value = unknown, K extends UserKey = string> {
  readonly revision: number;
  readonly events: readonly WatchEvent<Value, K>[];
}

export interface WatchContext<Value, K extends UserKey> {
  readonly cluster: Cluster;
  readonly settings: Settings;
  readonly view: View<Value, K>;
  readonly range: KeyRange;
  readonly options: WatchOptions;
  /** What this client has seen before it began to watch: "what comes after now" is after this, on any node. */
  readonly seenRevision: number;
  readonly onSeen: (revision: number) => void;
  readonly onEnd: (watch: Watch<Value, K>) => void;
}

/** Consumption is reported in steps of this size. */
const reportBytes = 64 * 1024;
const longestPauseMilliseconds = 2_000;
/** A node without a leader keeps its watches this long, if others have one. */
const strandedMilliseconds = 3_000;

/**
 * The changes of a range, revision by revision, exactly once and in order. Iterating it, or closing it, ends it; it is iterated once.
 * Rejects with `compacted` (and `compactedRevision`) when the revision to go on from is no longer retained: read anew, then watch from there;
 * with `bad_frame` at a value that the codec cannot read. Either is the end of it.
 *
 * @example
 * ```ts
 * for await (const { revision, events } of kv.watch({ prefix: 'user/' })) {
 *   for (const event of events) console.log(revision, event.type, event.key);
 * }
 * ```
 */
export class Watch<Value = unknown, K extends UserKey = string> implements AsyncIterableIterator<
  WatchChange<Value, K>,
  void,
  undefined
> {
  readonly #context: WatchContext<Value, K>;
  readonly #arrived = new Fifo<Change>();
  #readers: {
    resolve: (result: IteratorResult<WatchChange<Value, K>, void>) => void;
    reject: (error: unknown) => void;
  }[] = [];
  /** The next revision wanted; 0 = not known yet. */
  #next: number;
  #connection: Connection | undefined;
  #watchId = 0;
  #consumedBytes = 0;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #end: { readonly error: RaftkvError | undefined } | undefined;
  #onReady: (() => void)[] = [];

  constructor(context: WatchContext<Value, K>) {
    this.#context = context;
    this.#next = context.options.from ?? 0;
    const { signal } = context.options;
    if (signal?.aborted === true) this.#finish(undefined);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#end === undefined) this.#attach();
  }

  /** Everything up to and including this revision was given, or does not concern the range; 0 before the watch is established. */
  get position(): number {
    const waiting = this.#arrived.peek();
    return Math.max(0, (waiting?.revision ?? this.#next) - 1);
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves once a node has taken up the watch: changes from then on will be given. Rejects if it ended before. */
  async ready(): Promise<void> {
    if (this.#next === 0 && this.#end === undefined) await new Promise<void>((resolve) => this.#onReady.push(resolve));
    if (this.#end !== undefined && this.#next === 0) {
      throw this.#end.error ?? new RaftkvError('closed', 'the watch was closed');
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchChange<Value, K>, void>> {
    const change = this.#arrived.shift();
    if (change !== undefined) {
      const given = this.#give(change);
      if (this.#connection === undefined && this.#cancelTimer === undefined) this.#attach();
      return given;
    }
    if (this.#end === undefined) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const { error } = this.#end;
    // An error is told once; after it the iteration is over.
    this.#end = { error: undefined };
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  async return(): Promise<IteratorResult<WatchChange<Value, K>, void>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Ends it; what arrived and was not taken is dropped. Idempotent. */
  close(): void {
    while (this.#arrived.shift() !== undefined);
    this.#finish(undefined);
  }

  /** The client calls this when it closes itself. */
  fail(error: RaftkvError): void {
    this.#finish(error);
  }

  /** The client calls this when connections or leaders changed. */
  connectionsChanged(): void {
    if (this.#cancelTimer !== undefined) return;
    if (this.#connection === undefined) this.#attach();
    else if (this.#isStranded()) this.#moveLater();
  }

  /** Its node is cut off from the cluster, so that nothing would arrive, while another one is not. */
  #isStranded(): boolean {
    return this.#connection?.leader === undefined && this.#context.cluster.hasLeader;
  }

  #moveLater(): void {
    this.#cancelTimer = this.#context.settings.clock.schedule(() => {
      this.#cancelTimer = undefined;
      if (!this.#isStranded()) return;
      const stranded = this.#connection;
      stranded?.closeWatch(this.#watchId);
      this.#attach(stranded);
    }, strandedMilliseconds);
  }

  readonly #onAbort = (): void => this.close();

  async #give(change: Change): Promise<IteratorResult<WatchChange<Value, K>, void>> {
    this.#consumed(changeBytes(change));
    const { view } = this.#context;
    try {
      const events = change.events.map((event) => toEvent(view, event));
      return { done: false, value: { revision: change.revision, events } };
    } catch (error) {
      // The iteration ends with this, so nobody would be left to close the watch.
      this.close();
      throw error;
    }
  }

  #consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < reportBytes || this.#connection === undefined) return;
    this.#connection.post({ type: 'watchConsumed', id: this.#watchId, bytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  /** To another connection than `avoid`, if there is any. */
  #attach(avoid?: Connection): void {
    this.#connection = undefined;
    // While something waits here it goes on under no new watch: each would send another window full.
    if (this.#end !== undefined || this.#arrived.size > 0) return;
    const { cluster, range, options } = this.#context;
    const connection = cluster.next(avoid);
    this.#connection = connection;
    if (connection === undefined) return cluster.demand();
    this.#consumedBytes = 0;
    const sink: WatchSink = {
      onMessage: (message) => {
        if (this.#connection === connection) this.#receive(message);
      },
      onLost: () => {
        if (this.#connection === connection) this.#detach();
      },
    };
    const request = { range, from: this.#next, previous: options.previous === true, progress: true };
    this.#watchId = connection.openWatch(request, sink);
  }

  /** The connection is gone, or its node cannot serve the watch now: another one, after a pause. */
  #detach(): void {
    const { settings } = this.#context;
    this.#connection = undefined;
    this.#cancelTimer?.();
    const pause = Math.min(longestPauseMilliseconds, settings.retryDelayMilliseconds * 2 ** this.#failures);
    this.#failures += 1;
    this.#cancelTimer = settings.clock.schedule(
      () => {
        this.#cancelTimer = undefined;
        this.#attach();
      },
      pause * (0.5 + settings.random()),
    );
  }

  #receive(message: Parameters<WatchSink['onMessage']>[0]): void {
    switch (message.type) {
      case 'watchCreated':
        this.#failures = 0;
        if (this.#next === 0) this.#next = Math.max(message.revision, this.#context.seenRevision + 1);
        for (const resolve of this.#onReady.splice(0)) resolve();
        return;
      case 'watchEvents':
        for (const change of message.changes) this.#arrive(change);
        return;
      case 'watchProgress':
        this.#next = Math.max(this.#next, message.revision + 1);
        this.#context.onSeen(message.revision);
        return;
      case 'watchCancelled': {
        const { code } = message;
        if (code === 'busy' || code === 'closed' || code === 'no_leader' || code === 'timeout') return this.#detach();
        return this.#finish(new RaftkvError(code, message.message, { compactedRevision: message.compactedRevision }));
      }
    }
  }

  /** Exactly once, in order: whatever is below the position was given already, by another node or before "now". */
  #arrive(change: Change): void {
    if (this.#end !== undefined) return;
    if (change.revision < this.#next) return this.#consumed(changeBytes(change));
    this.#next = change.revision + 1;
    this.#context.onSeen(change.revision);
    const reader = this.#readers.shift();
    if (reader === undefined) this.#arrived.push(change);
    else this.#give(change).then(reader.resolve, reader.reject);
  }

  #finish(error: RaftkvError | undefined): void {
    if (this.#end !== undefined) return;
    this.#cancelTimer?.();
    this.#context.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#connection?.closeWatch(this.#watchId);
    this.#connection = undefined;
    this.#end = { error };
    const readers = this.#readers.splice(0);
    for (const [i, reader] of readers.entries()) {
      if (i === 0 && error !== undefined) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
    }
    if (readers.length > 0) this.#end = { error: undefined };
    for (const resolve of this.#onReady.splice(0)) resolve();
    this.#context.onEnd(this);
  }
}
