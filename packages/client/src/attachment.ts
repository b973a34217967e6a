// Where a watch or a feed is served: at one node, and after a pause at another when the connection is lost, the node cannot serve now, or is cut off from
// the cluster while others are not. What is asked for there, and what becomes of the answers, is for `watch.ts` and `feed.ts`.
import type { Cluster } from './cluster.ts';
import type { Connection, SinkMessage, WatchAsked } from './connection.ts';
import type { Settings } from './options.ts';

export interface AttachmentOptions {
  readonly cluster: Cluster;
  readonly settings: Settings;
  /** What to ask of the node, as of now; undefined: nothing yet, and `attach` is called when there is. */
  readonly request: () => WatchAsked | undefined;
  readonly onMessage: (message: SinkMessage) => void;
  /** It is served by another node or by none, or that one may hear of another leader. */
  readonly onState?: () => void;
}

/** Consumption is reported in steps of this size. */
const reportBytes = 64 * 1024;
const longestPauseMilliseconds = 2_000;
/** A node without a leader keeps what it serves this long, if others have one. */
const strandedMilliseconds = 3_000;

export class Attachment {
  readonly #options: AttachmentOptions;
  #connection: Connection | undefined;
  #id = 0;
  #consumedBytes = 0;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #hasEnded = false;

  /** It begins with `attach`. */
  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Asks a node, unless one is asked already or soon. */
  attach(): void {
    if (this.#connection === undefined && this.#cancelTimer === undefined) this.#ask();
  }

  /** Connections or leaders changed. */
  connectionsChanged(): void {
    if (this.#connection === undefined) this.attach();
    else this.#leaveIfStranded();
    this.#options.onState?.();
  }

  #leaveIfStranded(): void {
    if (this.#cancelTimer !== undefined || !this.#isStranded()) return;
    this.#after(strandedMilliseconds, () => {
      const stranded = this.#connection;
      if (!this.#isStranded()) return;
      stranded?.closeWatch(this.#id);
      this.#ask(stranded);
    });
  }

  /** The node serves: the next pause is short again. */
  served(): void {
    this.#failures = 0;
  }

  consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < reportBytes || this.#connection === undefined) return;
    this.#connection.post({ type: 'watchConsumed', id: this.#id, bytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  /** The connection is gone, or its node cannot serve now: another one, after a pause. */
  detach(): void {
    this.detachFor(this.#failures, longestPauseMilliseconds);
    this.#failures += 1;
  }

  /** The pause is doubled for each time that it came to nothing before. */
  detachFor(failures: number, longestMilliseconds: number): void {
    const { settings, onState } = this.#options;
    this.#leave();
    const pause = Math.min(longestMilliseconds, settings.retryDelayMilliseconds * 2 ** failures);
    this.#after(pause * (0.5 + settings.random()), () => this.#ask());
    onState?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancelTimer?.();
    this.#leave();
  }

  #leave(): void {
    this.#connection?.closeWatch(this.#id);
    this.#connection = undefined;
  }

  #after(milliseconds: number, work: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.settings.clock.schedule(() => {
      this.#cancelTimer = undefined;
      work();
    }, milliseconds);
  }

  /** Its node is cut off from the cluster, so that nothing would arrive, while another one is not. */
  #isStranded(): boolean {
    return this.#connection?.leader === undefined && this.#options.cluster.hasLeader;
  }

  /** Another connection than `avoid`, if there is any. */
  #ask(avoid?: Connection): void {
    const { cluster, request, onMessage, onState } = this.#options;
    this.#connection = undefined;
    if (this.#hasEnded) return;
    const connection = cluster.next(avoid);
    const asked = connection === undefined ? undefined : request();
    if (asked !== undefined) {
      this.#connection = connection;
      this.#consumedBytes = 0;
      const isPresent = (): boolean => this.#connection === connection;
      this.#id = connection!.openWatch(asked, {
        onMessage: (message) => {
          if (isPresent()) onMessage(message);
        },
        onLost: () => {
          if (isPresent()) this.detach();
        },
      });
      // It may have come from one that is cut off to another that is, long after the news of either.
      this.#leaveIfStranded();
    }
    onState?.();
    if (connection === undefined) cluster.demand();
  }
}
