// What goes over the pipe between the tab that holds a replica and one that it feeds, message by message. The browser carries values, so they need no
// bytes; but the other side may be anything of this origin, so what does not look as it must is passed over.
import type { FeedMessage } from '@raftkv/client/parts';

/** What is used of a BroadcastChannel. */
export interface TabPort {
  postMessage(message: unknown): void;
  close(): void;
  addEventListener(type: 'message' | 'messageerror', listener: (event: { readonly data?: unknown }) => void): void;
}

/** From the holder: how things stand there, and what is new. It answers every word of the other side, so its silence means that it does not run. */
export interface TabNews {
  /** From 0 on, so that one that is missing is missed. */
  readonly number: number;
  /** Undefined until a node or a store has said it. */
  readonly clusterId: string | undefined;
  /** Undefined while nothing new can come. */
  readonly leader: string | undefined;
  readonly feed?: FeedMessage;
  /** It copies other keys than were asked for: no feed comes. Said once. */
  readonly isRefused?: boolean;
  /** The pipe ends here. */
  readonly isLast: boolean;
}

/** To the holder, also when there is nothing to say. */
export interface TabReport {
  /** Of all messages of the feed so far, as `feedBytes` counts them. */
  readonly consumedBytes: number;
  readonly isLast: boolean;
}

export function isTabNews(data: unknown): data is TabNews {
  if (typeof data !== 'object' || data === null || !('number' in data)) return false;
  const { feed } = data as { readonly feed?: Partial<FeedMessage> | null };
  return feed === undefined || (feed?.payload instanceof Uint8Array && feed.revision! >= 0);
}

export function isTabReport(data: unknown): data is TabReport {
  return typeof data === 'object' && data !== null && 'consumedBytes' in data && typeof data.consumedBytes === 'number';
}
