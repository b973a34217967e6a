// A feed as a copy of the store receives it: it outlives connections and servers by saying, at each of them, what the copy has already. It holds
// nothing itself; what arrives is handed on at once, and the server sends no more than a window ahead of what was consumed.
import type { KeyRange } from '@raftkv/kv';
import { RaftkvError, feedBytes } from '@raftkv/wire';
import type { FeedChanges, FeedSnapshot, ServerMessage } from '@raftkv/wire';
import type { Cluster } from './cluster.ts';
import type { Connection } from './connection.ts';
import type { Settings } from './options.ts';

export type FeedMessage = FeedSnapshot | FeedChanges;

export interface FeedHandlers {
  /** What the copy has, as a revision; 0 = nothing. Asked at each attachment. */
  readonly position: () => number;
  /** The feed goes on at another node: what came from the one before and was not taken in yet is void. */
  readonly onAttach: () => void;
  /** In order. */
  readonly onMessage: (message: FeedMessage) => void;
  /** Whether a node feeds (or is about to) that hears a leader: without one nothing new can come. May repeat itself. */
  readonly onState: (isLive: boolean) => void;
  /** It cannot go on. Not called for `close`. */
  readonly onEnd: (error: RaftkvError) => void;
}

export interface FeedContext {
  readonly cluster: Cluster;
  readonly settings: Settings;
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
  readonly handlers: FeedHandlers;
  readonly onEnd: (feed: Feed) => void;
}

/** Consumption is reported in steps of this size. */
const reportBytes = 64 * 1024;
const longestPauseMilliseconds = 2_000;
/** What is wrong each time costs a whole copy each time: the pause grows to this, and is short again after so long without. */
const longestRestartPauseMilliseconds = 30_000;
const calmMilliseconds = 120_000;
/** A node without a leader keeps its feeds this long, if others have one. */
const strandedMilliseconds = 3_000;
/** Ends of a feed that another attempt may mend. */
const passingCodes: readonly string[] = ['busy', 'closed', 'no_leader', 'timeout', 'internal'];

export class Feed {
  readonly #context: FeedContext;
  #connection: Connection | undefined;
  #id = 0;
  #consumedBytes = 0;
  #failures = 0;
  /** How often it was found to be wrong, with no calm in between, and when it last was. */
  #restarts = 0;
  #restartedAt = -Infinity;
  #cancelTimer: (() => void) | undefined;
  #hasEnded = false;

  constructor(context: FeedContext) {
    this.#context = context;
    this.#attach();
  }

  /** Who leads, as the feeding node sees it. */
  get leader(): string | undefined {
    return this.#connection?.leader;
  }
  get clusterId(): string | undefined {
    return this.#connection?.welcome?.clusterId;
  }

  /** The copy has taken this message in. */
  consumed(message: FeedMessage): void {
    this.#consumedBytes += feedBytes(message);
    if (this.#consumedBytes < reportBytes || this.#connection === undefined) return;
    this.#connection.post({ type: 'watchConsumed', id: this.#id, bytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  /** Gives up what is under way and begins again, after a pause that grows, from what the copy has then: it was found to be wrong. */
  restart(): void {
    if (this.#hasEnded || this.#connection === undefined) return;
    const now = this.#context.settings.clock.now();
    if (now - this.#restartedAt > calmMilliseconds) this.#restarts = 0;
    this.#restartedAt = now;
    this.#connection.closeWatch(this.#id);
    this.#attachAfter(this.#restarts, longestRestartPauseMilliseconds);
    this.#restarts += 1;
  }

  /** Connections or leaders changed. */
  connectionsChanged(): void {
    if (this.#hasEnded) return;
    if (this.#cancelTimer !== undefined) return this.#tellState();
    if (this.#connection === undefined) this.#attach();
    else if (this.#isStranded()) this.#moveLater();
    this.#tellState();
  }

  #tellState(): void {
    this.#context.handlers.onState(this.#connection?.leader !== undefined);
  }

  /** Ends it without a word. Idempotent. */
  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelTimer?.();
    this.#connection?.closeWatch(this.#id);
    this.#connection = undefined;
    this.#context.onEnd(this);
  }

  fail(error: RaftkvError): void {
    if (this.#hasEnded) return;
    this.close();
    this.#context.handlers.onEnd(error);
  }

  #isStranded(): boolean {
    return this.#connection?.leader === undefined && this.#context.cluster.hasLeader;
  }

  #moveLater(): void {
    this.#cancelTimer = this.#context.settings.clock.schedule(() => {
      this.#cancelTimer = undefined;
      if (!this.#isStranded() || this.#hasEnded) return;
      const stranded = this.#connection;
      stranded?.closeWatch(this.#id);
      this.#attach(stranded);
    }, strandedMilliseconds);
  }

  /** To another connection than `avoid`, if there is any. */
  #attach(avoid?: Connection): void {
    const { cluster, ranges, handlers } = this.#context;
    const connection = cluster.next(avoid);
    this.#connection = connection;
    if (connection === undefined) {
      this.#tellState();
      return cluster.demand();
    }
    this.#consumedBytes = 0;
    handlers.onAttach();
    this.#id = connection.openFeed(
      { from: handlers.position(), ranges },
      {
        onMessage: (message) => {
          if (this.#connection === connection && !this.#hasEnded) this.#receive(message);
        },
        onLost: () => {
          if (this.#connection === connection) this.#detach();
        },
      },
    );
    this.#tellState();
  }

  /** The connection is gone, or its node cannot feed now: another one, after a pause. */
  #detach(): void {
    this.#attachAfter(this.#failures, longestPauseMilliseconds);
    this.#failures += 1;
  }

  /** After the first pause, doubled for each time that it came to nothing before. */
  #attachAfter(failures: number, longestMilliseconds: number): void {
    const { settings } = this.#context;
    this.#connection = undefined;
    this.#cancelTimer?.();
    const pause = Math.min(longestMilliseconds, settings.retryDelayMilliseconds * 2 ** failures);
    this.#cancelTimer = settings.clock.schedule(
      () => {
        this.#cancelTimer = undefined;
        if (!this.#hasEnded) this.#attach();
      },
      pause * (0.5 + settings.random()),
    );
    this.#tellState();
  }

  #receive(message: Extract<ServerMessage, { readonly type: `watch${string}` | `feed${string}` }>): void {
    switch (message.type) {
      case 'feedSnapshot':
      case 'feedChanges':
        this.#failures = 0;
        return this.#context.handlers.onMessage(message);
      case 'watchCancelled':
        if (passingCodes.includes(message.code)) return this.#detach();
        return this.fail(new RaftkvError(message.code, message.message));
      default:
        // Belongs to watches; a node that sends it here is mistaken, and harmless.
        return undefined;
    }
  }
}
