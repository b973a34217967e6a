// A feed as a copy of the store receives it: it outlives connections and servers by saying, at each of them, what the copy has already. It holds
// nothing itself; what arrives is handed on at once, and the server sends no more than a window ahead of what was consumed.
import type { KeyRange } from '@raftkv/kv';
import { RaftkvError, feedBytes } from '@raftkv/wire';
import type { FeedChanges, FeedSnapshot } from '@raftkv/wire';
import { Attachment } from './attachment.ts';
import type { Cluster } from './cluster.ts';
import type { SinkMessage } from './connection.ts';
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

/** What is wrong each time costs a whole copy each time: the pause grows to this, and is short again after so long without. */
const longestRestartPauseMilliseconds = 30_000;
const calmMilliseconds = 120_000;
/** Ends of a feed that another attempt may mend. */
const passingCodes: readonly string[] = ['busy', 'closed', 'no_leader', 'timeout', 'internal'];

export class Feed {
  readonly #context: FeedContext;
  readonly #attachment: Attachment;
  /** How often it was found to be wrong, with no calm in between, and when it last was. */
  #restarts = 0;
  #restartedAt = -Infinity;
  #hasEnded = false;

  constructor(context: FeedContext) {
    this.#context = context;
    const { ranges, handlers } = context;
    this.#attachment = new Attachment({
      cluster: context.cluster,
      settings: context.settings,
      request: () => {
        handlers.onAttach();
        return { type: 'observe', from: handlers.position(), ranges };
      },
      onMessage: (message) => this.#receive(message),
      onState: () => handlers.onState(this.leader !== undefined),
    });
    this.#attachment.attach();
  }

  /** Who leads, as the feeding node sees it. */
  get leader(): string | undefined {
    return this.#attachment.connection?.leader;
  }
  get clusterId(): string | undefined {
    return this.#attachment.connection?.welcome?.clusterId;
  }

  /** The copy has taken this message in. */
  consumed(message: FeedMessage): void {
    this.#attachment.consumed(feedBytes(message));
  }

  /** Gives up what is under way and begins again, after a pause that grows, from what the copy has then: it was found to be wrong. */
  restart(): void {
    if (this.#attachment.connection === undefined) return;
    const now = this.#context.settings.clock.now();
    if (now - this.#restartedAt > calmMilliseconds) this.#restarts = 0;
    this.#restartedAt = now;
    this.#attachment.detachFor(this.#restarts, longestRestartPauseMilliseconds);
    this.#restarts += 1;
  }

  /** Connections or leaders changed. */
  connectionsChanged(): void {
    if (!this.#hasEnded) this.#attachment.connectionsChanged();
  }

  /** Ends it without a word. Idempotent. */
  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#attachment.end();
    this.#context.onEnd(this);
  }

  fail(error: RaftkvError): void {
    if (this.#hasEnded) return;
    this.close();
    this.#context.handlers.onEnd(error);
  }

  #receive(message: SinkMessage): void {
    switch (message.type) {
      case 'feedSnapshot':
      case 'feedChanges':
        this.#attachment.served();
        return this.#context.handlers.onMessage(message);
      case 'watchCancelled':
        if (passingCodes.includes(message.code)) return this.#attachment.detach();
        return this.fail(new RaftkvError(message.code, message.message));
      default:
        // Belongs to watches; a node that sends it here is mistaken, and harmless.
        return undefined;
    }
  }
}
