// A watch as its user walks it: it outlives connections and servers by resuming at the revision after the last one it was given. What
// arrives waits here for the user; the server sends no more than a window ahead of what was consumed.
import type { Change, KeyRange } from '@raftkv/kv';
import { RaftkvError, changeBytes } from '@raftkv/wire';
import { Attachment } from './attachment.ts';
import type { Cluster } from './cluster.ts';
import type { SinkMessage } from './connection.ts';
import type { UserKey, View, WatchEvent } from './entry.ts';
import { toEvent } from './rare-entry.ts';
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

/** Ends of a watch that another attempt may mend. */
const passingCodes: readonly string[] = ['busy', 'closed', 'no_leader', 'timeout'];

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
  readonly #attachment: Attachment;
  readonly #arrived = new Fifo<Change>();
  #readers: {
    resolve: (result: IteratorResult<WatchChange<Value, K>, void>) => void;
    reject: (error: unknown) => void;
  }[] = [];
  /** The next revision wanted; 0 = not known yet. */
  #next: number;
  /** It may begin at an own write before this revision: where the node that took it up began. 0 = that is settled. */
  #begin: number;
  #end: { readonly error: RaftkvError | undefined } | undefined;
  #onReady: (() => void)[] = [];

  constructor(context: WatchContext<Value, K>) {
    this.#context = context;
    const { cluster, settings, range, options } = context;
    this.#next = options.from ?? 0;
    this.#begin = this.#next > 0 ? 0 : Infinity;
    this.#attachment = new Attachment({
      cluster,
      settings,
      // While something waits here it goes on under no new watch: each would send another window full.
      request: () =>
        this.#arrived.size > 0
          ? undefined
          : { type: 'watch', range, from: this.#next, previous: options.previous === true, progress: true },
      onMessage: (message) => this.#receive(message),
    });
    const { signal } = options;
    if (signal?.aborted === true) this.#finish(undefined);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#end === undefined) this.#attachment.attach();
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
    if (change !== undefined) return this.#give(change);
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

  /**
   * The client calls this with the revision of each of its writes that was answered: those are not passed over because the node took up the watch after
   * they were committed.
   */
  wrote(revision: number): void {
    if (revision >= this.#begin || revision <= this.#context.seenRevision) return;
    this.#next = this.#begin = revision;
    this.#attachment.detach();
  }

  /** The client calls this when connections or leaders changed. */
  connectionsChanged(): void {
    this.#attachment.connectionsChanged();
  }

  readonly #onAbort = (): void => this.close();

  async #give(change: Change): Promise<IteratorResult<WatchChange<Value, K>, void>> {
    this.#attachment.consumed(changeBytes(change));
    this.#attachment.attach();
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

  #receive(message: SinkMessage): void {
    switch (message.type) {
      case 'watchCreated':
        this.#attachment.served();
        if (this.#next === 0) this.#next = this.#begin = Math.max(message.revision, this.#context.seenRevision + 1);
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
        if (passingCodes.includes(code)) return this.#attachment.detach();
        return this.#finish(new RaftkvError(code, message.message, { compactedRevision: message.compactedRevision }));
      }
    }
  }

  /** Exactly once, in order: whatever is below the position was given already, by another node or before "now". */
  #arrive(change: Change): void {
    if (this.#end !== undefined) return;
    if (change.revision < this.#next) return this.#attachment.consumed(changeBytes(change));
    this.#next = change.revision + 1;
    this.#begin = 0;
    this.#context.onSeen(change.revision);
    this.#arrived.push(change);
    const reader = this.#readers.shift();
    if (reader !== undefined) this.next().then(reader.resolve, reader.reject);
  }

  #finish(reason: RaftkvError | undefined): void {
    if (this.#end !== undefined) return;
    this.#attachment.end();
    this.#context.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#end = { error: reason };
    // Whoever waits for something found nothing: it hears what the next one would.
    for (const { resolve, reject } of this.#readers.splice(0)) this.next().then(resolve, reject);
    for (const resolve of this.#onReady.splice(0)) resolve();
    this.#context.onEnd(this);
  }
}
