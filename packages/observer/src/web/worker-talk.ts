// What a page and the worker in which its replica lives say to each other. Both come from one build of the app, but a browser may have kept the script of
// the worker from an earlier one: hence a version, which both say first.
import type { ReplicaStatus } from '@raftkv/client';
import type { ReplicaOptions } from '../assembly.ts';
import type { TabWish } from '../tab-feeder.ts';

export const workerTalkVersion = 1;

/** What of the options of a replica can travel, and matters for one that only copies. */
export type TravellingOptions = Pick<
  ReplicaOptions,
  | 'endpoints'
  | 'ranges'
  | 'clusterId'
  | 'requestTimeoutMilliseconds'
  | 'connectTimeoutMilliseconds'
  | 'retries'
  | 'retryDelayMilliseconds'
  | 'keepAliveMilliseconds'
  | 'limits'
>;

/** An error as it travels. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
}

/** To the worker. `place`: what the doors of both threads know of, and nobody else. */
export type PageMessage<Place> =
  | {
      readonly type: 'open';
      readonly version: number;
      readonly options: TravellingOptions;
      readonly place: Place;
      readonly isVisible: boolean;
      /** Of a Web Lock that the worker has while it takes part, so that its end is noticed at once. */
      readonly lifeLock: string;
    }
  | { readonly type: 'visible'; readonly isVisible: boolean }
  | { readonly type: 'online'; readonly isOnline: boolean }
  /** Over `port` the page is fed, as a tab is by another. */
  | ({ readonly type: 'attach'; readonly port: MessagePort } & TabWish)
  | { readonly type: 'close' };

/** What the page shows of the replica that lives in the worker. */
export type WorkerStatus = Pick<
  ReplicaStatus,
  'replicaId' | 'tenancy' | 'storage' | 'phase' | 'snapshots' | 'divergences'
> & {
  readonly error: ToldError | undefined;
};

/** To the page. */
export type WorkerMessage =
  | { readonly type: 'status'; readonly status: WorkerStatus }
  /** It has its lock. */
  | { readonly type: 'alive' }
  /** What is stored has been read, or another tab feeds; or a second has passed. `isEmpty`: there is nothing yet that could feed the page. */
  | { readonly type: 'opened'; readonly isEmpty: boolean }
  /** It cannot be done here. */
  | { readonly type: 'refused'; readonly error: ToldError }
  | { readonly type: 'closed' };

/** What is used of a Worker. */
export interface WorkerPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  terminate(): void;
  addEventListener(
    type: 'message' | 'error',
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
}

/** What is used of the worker's own scope. */
export interface WorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}
