// One /v3/watch stream: the watches that a client opened on it, and the lines it is sent. A watch is a cursor that
// is pulled only while the client takes what it is sent, so a slow one costs one batch of memory, never a queue;
// if it falls out of the retained window it is told `compacted`.
import { RaftkvError } from '@raftkv/wire';
import type { KvNode, Watcher } from '../node-api.ts';
import type { HeaderWriter } from './format.ts';
import { listPiece } from './format.ts';
import { refusalOf, refusals } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { JsonValue } from './json.ts';
import { formatEvents, readWatchRequest, watchLine } from './watch-message.ts';
import type { WatchCreate } from './watch-message.ts';

/** Where a stream's lines go. */
export interface WatchSink {
  /** Sends one line. False: enough is under way, hold on until `drained` is called. */
  send(line: string): boolean;
  /** Nothing more will be sent. Called once, unless the client was first. */
  end(): void;
  /** So many watches were opened, or (negative) ended: for the metrics. */
  watchesChanged?(change: number): void;
}

export interface WatchLimits {
  /** Watches on one stream; one more is refused with a canceled answer. */
  readonly maxWatchesPerStream: number;
  /** Bytes of changes taken for one line, about; a revision is never split. */
  readonly maxLineBytes: number;
  /** How long a watch with `progress_notify` stays silent before it says how far it is. etcd: 10 minutes. */
  readonly progressIntervalMilliseconds: number;
}

export const defaultWatchLimits: WatchLimits = {
  maxWatchesPerStream: 128,
  maxLineBytes: 128 * 1024,
  progressIntervalMilliseconds: 600_000,
};

interface OpenWatch {
  readonly watchId: number;
  readonly request: WatchCreate;
  readonly watcher: Watcher;
  /** `take` may have something. */
  isReady: boolean;
  /** Events were sent since the last progress round. */
  wasActive: boolean;
}

export class WatchStream {
  readonly #node: KvNode;
  readonly #sink: WatchSink;
  readonly #header: HeaderWriter;
  readonly #limits: WatchLimits;
  readonly #watches = new Map<number, OpenWatch>();
  #nextWatchId = 0;
  #isHeld = false;
  #isPumping = false;
  #isClosed = false;
  #wantsProgress = false;
  #progressTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(node: KvNode, sink: WatchSink, header: HeaderWriter, limits: WatchLimits) {
    this.#node = node;
    this.#sink = sink;
    this.#header = header;
    this.#limits = limits;
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** One request of the client. Throws a refusal on a malformed one; the stream is as before then. */
  receive(message: JsonValue): void {
    if (this.#isClosed) return;
    const request = readWatchRequest(message);
    if (request === undefined) return;
    if (request.type === 'create') this.#create(request);
    else if (request.type === 'cancel') this.#cancel(request.watchId);
    else this.#wantsProgress = true;
    this.#pumpSoon();
  }

  /** The sink can take more. */
  drained(): void {
    this.#isHeld = false;
    this.#pumpSoon();
  }

  /** The client is gone, or was told the end: no watch is left behind. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#progressTimer);
    for (const watchId of this.#watches.keys()) this.#drop(watchId);
  }

  /** Ends the stream in order: the reason as the last line. */
  end(reason: Refusal = refusals.stopped()): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.send(`${reason.streamLine()}\n`);
    this.#sink.end();
  }

  #create(request: WatchCreate): void {
    const refused = this.#refuseCreate(request);
    if (refused !== undefined) {
      const reason = `"cancel_reason":${JSON.stringify(refused)}`;
      this.#send(watchLine(this.#header.piece(this.#node.revision), -1, '"created":true', '"canceled":true', reason));
      return;
    }
    const watchId = request.watchId === 0 ? this.#freeWatchId() : request.watchId;
    // etcd treats a start below the first revision as compacted; ours is the first there is.
    const from = request.startRevision === 0 ? this.#node.revision + 1 : Math.max(1, request.startRevision);
    const watcher = this.#node.watch(request.range, from, () => this.#ring(watchId, request));
    this.#watches.set(watchId, { watchId, request, watcher, isReady: true, wasActive: false });
    this.#sink.watchesChanged?.(1);
    if (request.progressNotify) this.#armProgress();
    this.#send(watchLine(this.#header.piece(this.#node.revision), watchId, '"created":true'));
  }

  #refuseCreate(request: WatchCreate): string | undefined {
    if (request.isEmptyRange) return 'mvcc: watcher range is empty';
    if (request.watchId !== 0 && this.#watches.has(request.watchId)) {
      return 'mvcc: duplicate watch ID provided on the WatchStream';
    }
    const { maxWatchesPerStream } = this.#limits;
    return this.#watches.size >= maxWatchesPerStream
      ? `raftkv: a stream holds at most ${maxWatchesPerStream} watches`
      : undefined;
  }

  #freeWatchId(): number {
    while (this.#watches.has(this.#nextWatchId)) this.#nextWatchId++;
    return this.#nextWatchId++;
  }

  #cancel(watchId: number): void {
    if (!this.#drop(watchId)) return;
    this.#send(watchLine(this.#header.piece(this.#node.revision), watchId, '"canceled":true'));
  }

  #drop(watchId: number): boolean {
    const watch = this.#watches.get(watchId);
    if (watch === undefined) return false;
    watch.watcher.close();
    this.#watches.delete(watchId);
    this.#sink.watchesChanged?.(-1);
    return true;
  }

  #send(line: string): void {
    if (!this.#sink.send(line)) this.#isHeld = true;
  }

  #ring(watchId: number, request: WatchCreate): void {
    const watch = this.#watches.get(watchId);
    if (watch?.request !== request) return;
    watch.isReady = true;
    this.#pumpSoon();
  }

  /** Never in the callback that rang: it runs inside the member's apply step. */
  #pumpSoon(): void {
    if (this.#isPumping || this.#isHeld || this.#isClosed) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  /** Sends what is there until the sink is full; the watches take turns, one line each. */
  #pump(): void {
    for (let hasMore = true; hasMore;) {
      hasMore = false;
      for (const watch of this.#watches.values()) {
        if (this.#isHeld || this.#isClosed) return;
        if (!watch.isReady) continue;
        watch.isReady = this.#sendNext(watch);
        hasMore ||= watch.isReady;
      }
    }
    if (this.#wantsProgress && !this.#isHeld && !this.#isClosed) this.#answerProgress();
  }

  /** Whether there may be more. */
  #sendNext(watch: OpenWatch): boolean {
    try {
      const changes = watch.watcher.take(this.#limits.maxLineBytes);
      if (changes === undefined) return false;
      const events = formatEvents(changes, watch.request);
      if (events.length > 0) {
        watch.wasActive = true;
        const header = this.#header.piece(this.#reached(watch));
        this.#send(watchLine(header, watch.watchId, listPiece('events', events)));
      }
      return true;
    } catch (error) {
      this.#drop(watch.watchId);
      this.#sendCancelled(watch.watchId, error);
      return false;
    }
  }

  #sendCancelled(watchId: number, error: unknown): void {
    if (error instanceof RaftkvError && error.code === 'compacted') {
      // A client takes the number for the earliest revision it may ask for, so it must not be 0.
      const revision = Math.max(1, error.compactedRevision ?? this.#node.compactedRevision);
      const piece = `"compact_revision":"${revision}"`;
      this.#send(watchLine(this.#header.piece(0), watchId, '"canceled":true', piece));
      return;
    }
    const reason = `"cancel_reason":${JSON.stringify(refusalOf(error).message)}`;
    this.#send(watchLine(this.#header.piece(this.#node.revision), watchId, '"canceled":true', reason));
  }

  /** Everything up to this revision was sent on the watch, or does not concern it. */
  #reached(watch: OpenWatch): number {
    return Math.min(watch.watcher.position, this.#node.revision);
  }

  /** On request: a promise for all watches of the stream, so it waits until none has anything left to send. */
  #answerProgress(): void {
    this.#wantsProgress = false;
    let revision = this.#node.revision;
    // A watch that begins in the future has missed nothing so far.
    for (const watch of this.#watches.values()) revision = Math.min(revision, this.#reached(watch));
    this.#send(watchLine(this.#header.piece(revision), -1));
  }

  #armProgress(): void {
    if (this.#progressTimer !== undefined) return;
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = undefined;
      this.#notifyProgress();
    }, this.#limits.progressIntervalMilliseconds);
  }

  #notifyProgress(): void {
    let isWanted = false;
    for (const watch of this.#watches.values()) {
      if (!watch.request.progressNotify) continue;
      isWanted = true;
      const isIdle = !watch.wasActive && !watch.isReady && !this.#isHeld;
      watch.wasActive = false;
      if (isIdle) this.#send(watchLine(this.#header.piece(this.#reached(watch)), watch.watchId));
    }
    if (isWanted && !this.#isClosed) this.#armProgress();
  }
}
