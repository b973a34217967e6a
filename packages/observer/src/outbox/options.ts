// What keeps writes is handed: where, which tab may have which lane, the time, and the limits. Composition roots bring a browser's; tests their own.
import type { OutboxStorage } from '@raftkv/storage';

export interface KeeperClock {
  /** Answers the function that calls it off. */
  readonly schedule: (callback: () => void, milliseconds: number) => () => void;
  /** Of the device, in milliseconds since 1970. */
  readonly wallTime: () => number;
}

export interface TakeOptions {
  /** Resolve with undefined if it is another's. */
  readonly ifFree?: boolean;
  /** From whoever has it. */
  readonly isRobbery?: boolean;
  readonly signal?: AbortSignal;
  /** Another tab has taken the lane from this one. */
  readonly onLost?: () => void;
}

export interface LaneEars {
  /** Another tab announces a lane of its own. */
  readonly onLane: (lane: string) => void;
  /** The tab that has this lane runs. */
  readonly onAlive: (lane: string) => void;
}

/** Which tab has which lane. A lane is free as soon as the tab that had it is gone, however it went. */
export interface LaneLocks {
  /** Resolves with what gives the lane back, once it is this tab's. Rejects when the signal is aborted, or where the browser has no locks for this page. */
  take(lane: string, options: TakeOptions): Promise<(() => void) | undefined>;
  /** Tells the other tabs of a lane that they may have when this one is gone. */
  announce(lane: string): void;
  /** Asks the tab that has a lane whether it runs. One that has it answers, to all. */
  ask(lane: string): void;
  listen(ears: LaneEars): void;
  /** The lane that this tab had before it was reloaded: it is free in a moment. */
  readonly former: string | undefined;
  close(): void;
}

/** The page is put away, or frozen, and comes back. */
export interface PageLife {
  readonly onSuspend: () => void;
  readonly onResume: () => void;
}

export interface KeeperOptions {
  /** Rejects where nothing can be kept. */
  readonly open: () => Promise<OutboxStorage>;
  /** Where writes wait then. */
  readonly fallback: OutboxStorage;
  readonly locks: LaneLocks | undefined;
  readonly clock: KeeperClock;
  /** Answers the function that ends it. */
  readonly watchPage?: (life: PageLife) => () => void;
  /** Of this tab, those that it took over and those that wait for a decision included; at the limit `busy`. Default 10,000. */
  readonly maxWrites?: number;
  /** Their bytes, with 64 for each; at the limit `busy`. Default 32 MiB. */
  readonly maxBytes?: number;
  /** One that was never sent and has waited longer is not sent without the app's word: it comes back as refused, with `timeout`. Default 30 days. */
  readonly maxAgeMilliseconds?: number;
}

export const defaultMaxWrites = 10_000;
export const defaultMaxBytes = 32 * 1024 * 1024;
export const defaultMaxAgeMilliseconds = 30 * 24 * 3_600_000;
