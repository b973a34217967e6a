// The observers of one client: feeds that were opened, served in turn as far as their windows and the channel allow, and ended. What each is sent
// is decided in `feed-session.ts`.
import { RaftkvError, feedBytes } from '@raftkv/wire';
import type { ObserveRequest } from '@raftkv/wire';
import type { ClientAnswers } from './client-answers.ts';
import type { Metrics } from './metrics.ts';
import type { Feed, KvNode } from './node-api.ts';

export interface ClientObserversOptions {
  readonly maxObservers: number;
  readonly maxRanges: number;
  readonly windowBytes: number;
  readonly maxFrameBytes: number;
  readonly metrics: Metrics | undefined;
  /** A watch has this id. */
  readonly isTaken: (id: number) => boolean;
  /** Observers have something to send. */
  readonly onReady: () => void;
}

/** What a message takes beside its payload, generously. */
const headBytes = 128;

interface Observer {
  readonly id: number;
  readonly feed: Feed;
  unconsumedBytes: number;
}

export class ClientObservers {
  readonly #node: KvNode;
  readonly #answers: ClientAnswers;
  readonly #options: ClientObserversOptions;
  readonly #observers = new Map<number, Observer>();
  /** Those that may have something to send and have room for it. */
  readonly #ready = new Set<Observer>();

  constructor(node: KvNode, answers: ClientAnswers, options: ClientObserversOptions) {
    this.#node = node;
    this.#answers = answers;
    this.#options = options;
  }

  get size(): number {
    return this.#observers.size;
  }

  has(id: number): boolean {
    return this.#observers.has(id);
  }

  open({ id, from, ranges }: ObserveRequest): void {
    const { maxObservers, maxRanges, maxFrameBytes, isTaken, metrics } = this.#options;
    try {
      if (this.#observers.has(id) || isTaken(id))
        throw new RaftkvError('invalid_argument', `feed ${id} is open already`);
      if (this.#observers.size >= maxObservers) {
        throw new RaftkvError('busy', `more than ${maxObservers} observers on one connection`);
      }
      if (ranges.length > maxRanges) {
        throw new RaftkvError(
          'invalid_argument',
          `${ranges.length} ranges for one observer; the limit is ${maxRanges}`,
        );
      }
      const options = { from, ranges, maxPayloadBytes: maxFrameBytes - headBytes };
      const feed = this.#node.observe(options, () => this.#wake(id));
      this.#observers.set(id, { id, feed, unconsumedBytes: 0 });
      metrics?.addObservers(1);
      metrics?.observe('observe', 'ok', 0);
      this.#wake(id);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  consumed(id: number, bytes: number): void {
    const observer = this.#observers.get(id);
    if (observer === undefined) return;
    observer.unconsumedBytes = Math.max(0, observer.unconsumedBytes - bytes);
    this.#wake(id);
  }

  end(id: number): void {
    const observer = this.#observers.get(id);
    if (observer === undefined) return;
    observer.feed.close();
    this.#options.metrics?.addObservers(-1);
    this.#observers.delete(id);
    this.#ready.delete(observer);
  }

  /** A piece for each in turn, as long as there is anything to send and the channel takes it. */
  serve(): void {
    while (this.#ready.size > 0 && !this.#answers.isFull) {
      for (const observer of this.#ready) {
        if (this.#answers.isFull) return;
        this.#serveOne(observer);
      }
    }
  }

  close(): void {
    for (const { feed } of this.#observers.values()) feed.close();
    this.#options.metrics?.addObservers(-this.#observers.size);
    this.#observers.clear();
    this.#ready.clear();
  }

  #wake(id: number): void {
    const observer = this.#observers.get(id);
    if (observer === undefined || observer.unconsumedBytes >= this.#options.windowBytes) return;
    this.#ready.add(observer);
    this.#options.onReady();
  }

  #serveOne(observer: Observer): void {
    try {
      const piece = observer.feed.take();
      if (piece === undefined) {
        this.#ready.delete(observer);
        return;
      }
      const bytes = feedBytes(piece);
      observer.unconsumedBytes += bytes;
      if (observer.unconsumedBytes >= this.#options.windowBytes) this.#ready.delete(observer);
      this.#options.metrics?.countFeed(bytes, piece.type === 'feedSnapshot' && piece.isFirst);
      this.#answers.push({ ...piece, id: observer.id }, piece.payload.length);
    } catch (error) {
      this.end(observer.id);
      this.#refuse(observer.id, error);
    }
  }

  #refuse(id: number, cause: unknown): void {
    const { code, message, compactedRevision } = RaftkvError.from(cause);
    this.#options.metrics?.observe('observe', code, 0);
    this.#answers.push({ type: 'watchCancelled', id, code, message, compactedRevision });
  }
}
