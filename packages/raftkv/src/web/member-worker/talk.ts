// What a page and the worker in which its member lives say to each other. Both come from one build of the app.
import type { ErrorCode } from '@raftkv/wire';
import type { TabMemberOptions, TabMemberStatus } from '../member/tab-options.ts';

/** What of the options of a member can travel. */
export type TravellingOptions = Omit<TabMemberOptions, 'openNetwork' | 'page' | 'time' | 'onEvent'>;

export interface ToldError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly definite: boolean;
}

export type ToldStatus = Omit<TabMemberStatus, 'error'> & { readonly error: ToldError | undefined };

/** The events of a page that a member cares for, `change` of its connection. */
export type PageEvent = 'visibilitychange' | 'pagehide' | 'pageshow' | 'freeze' | 'resume' | 'online' | 'change';

/** To the worker. */
export type PageMessage =
  | {
      readonly type: 'open';
      readonly options: TravellingOptions;
      /** For `openNetwork` there. */
      readonly words: unknown;
      readonly visibility: DocumentVisibilityState;
      readonly isMobile: boolean;
      /** The page's clients dial over it. */
      readonly dials: MessagePort;
      /** The page has connections of WebRTC over it, for `borrowPeerConnections`. */
      readonly connections: MessagePort;
      /** Of a Web Lock that the worker has, so that its end is noticed at once. */
      readonly lifeLock: string;
    }
  | {
      readonly type: 'page';
      readonly event: PageEvent;
      readonly visibility: DocumentVisibilityState;
      readonly persisted: boolean;
    }
  | { readonly type: 'close'; readonly handOver: boolean };

/** To the page. */
export type WorkerMessage =
  | { readonly type: 'alive' }
  | { readonly type: 'opened'; readonly address: string }
  | { readonly type: 'refused'; readonly error: ToldError }
  | { readonly type: 'status'; readonly status: ToldStatus }
  | { readonly type: 'closed'; readonly error: ToldError | undefined };
