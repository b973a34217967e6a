// The feed of a tab whose replica another tab holds: what comes over the pipe, for the copy. It lives as long as the pipe; whoever opened it looks after
// that, and opens another one when it is over.
import type { FeedHandlers, FeedMessage } from '@raftkv/client/parts';
import { RaftkvError, feedBytes } from '@raftkv/wire';
import { isTabNews } from './tab-pipe.ts';
import type { TabPort, TabReport } from './tab-pipe.ts';

export interface TabFeedOptions {
  /** At the end of the pipe; the feed owns it. */
  readonly port: TabPort;
  readonly handlers: FeedHandlers;
  readonly now: () => number;
  /** No other one is followed. */
  readonly clusterId: string | undefined;
  /** Why nothing comes. */
  readonly onFailed: (error: RaftkvError) => void;
}

/** Consumption is reported in steps of this size. */
const reportBytes = 64 * 1024;

export class TabFeed {
  /** As the holder knows them. */
  clusterId: string | undefined;
  leader: string | undefined;
  isOpen = true;
  heardAt: number;
  readonly #options: TabFeedOptions;
  #heard = 0;
  #consumedBytes = 0;
  #reportedBytes = 0;

  /** The holder must be told of the pipe afterwards. */
  constructor(options: TabFeedOptions) {
    this.#options = options;
    const { port, handlers, now } = options;
    this.heardAt = now();
    handlers.onAttach();
    port.addEventListener('message', ({ data }) => this.#hear(data));
    // Something could not be read, and nobody sends it again.
    port.addEventListener('messageerror', () => this.lose());
  }

  consumed(message: FeedMessage): void {
    this.#consumedBytes += feedBytes(message);
    if (this.#consumedBytes - this.#reportedBytes >= reportBytes) this.report();
  }

  /** Says how far the copy has come; the holder answers. */
  report(isLast = false): void {
    if (!this.isOpen) return;
    this.#reportedBytes = this.#consumedBytes;
    const report: TabReport = { consumedBytes: this.#consumedBytes, isLast };
    this.#options.port.postMessage(report);
  }

  /** What came was found to be wrong: whoever looks after the pipe opens another one. */
  restart(): void {
    this.lose();
  }

  /** The other end is gone, or of no use. */
  lose(): void {
    const { handlers, onFailed } = this.#options;
    this.close();
    handlers.onState(false);
    onFailed(new RaftkvError('connection_lost', 'the tab that holds the replica does not answer'));
  }

  /** Ends it without a word. Idempotent. */
  close(): void {
    this.report(true);
    this.isOpen = false;
    this.#options.port.close();
  }

  #hear(news: unknown): void {
    if (!this.isOpen || !isTabNews(news)) return;
    const { handlers, now, clusterId, onFailed } = this.#options;
    this.heardAt = now();
    if (news.isLast || news.number !== this.#heard) return this.lose();
    this.#heard += 1;
    if (clusterId !== undefined && news.clusterId !== undefined && news.clusterId !== clusterId) {
      return onFailed(new RaftkvError('wrong_cluster', `the tab that holds the replica copies ${news.clusterId}`));
    }
    if (news.isRefused === true) {
      const message = 'the tab that holds this replica copies other keys; give one of them another name';
      return handlers.onEnd(new RaftkvError('storage_identity', message));
    }
    this.clusterId = news.clusterId;
    this.leader = news.leader;
    handlers.onState(news.leader !== undefined);
    if (news.feed !== undefined) handlers.onMessage(news.feed);
  }
}
