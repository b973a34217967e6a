// A client that asks for nothing but feeds: what a copy follows when somebody else than the cluster's nodes feeds it, as another tab does. It has the
// connections of a client and neither session nor calls.
import type { KeyRange } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { Cluster } from './cluster.ts';
import { Feed } from './feed.ts';
import type { FeedHandlers } from './feed.ts';
import { settle } from './options.ts';
import type { ConnectOptions, Settings } from './options.ts';

const nothing = (): void => {};

export class FeedClient {
  readonly #settings: Settings;
  readonly #cluster: Cluster;
  readonly #feeds = new Set<Feed>();

  /** Connects at once; `onFailed` hears why a connection did not come about, or was lost. Throws `invalid_argument` for options that make no sense. */
  constructor(options: ConnectOptions<never>, onFailed: (error: RaftkvError) => void = nothing) {
    this.#settings = settle(options);
    this.#cluster = new Cluster(this.#settings, {
      onAnswer: nothing,
      onAttemptFailed: nothing,
      onRoom: nothing,
      onUnreachable: nothing,
      onNodeFailed: (_address, error) => onFailed(error),
      onChange: () => {
        for (const feed of this.#feeds) feed.connectionsChanged();
      },
    });
  }

  /** Begins at once and goes on until it is closed. */
  openFeed(ranges: readonly KeyRange[], handlers: FeedHandlers): Feed {
    const context = { cluster: this.#cluster, settings: this.#settings };
    const feed = new Feed({ ...context, ranges, handlers, onEnd: (ended) => this.#feeds.delete(ended) });
    this.#feeds.add(feed);
    return feed;
  }

  /** Makes the connections anew: the other side is known to be another one. */
  reconnect(): void {
    this.#cluster.reconnect();
  }

  close(): void {
    for (const feed of this.#feeds) feed.close();
    this.#cluster.close(new RaftkvError('closed', 'the feeds were closed'));
  }
}
