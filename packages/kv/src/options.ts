// What can be set about a store, with its defaults. The hard ceilings that nobody can set are in `limits.ts`.
import { assert } from './assert.ts';
import type { WindowLimits } from './window.ts';
import type { SessionLimits } from './sessions.ts';

const defaultRetainedRevisions = 10_000;
/** A window of large values must not eat the memory of a tab. */
const defaultRetainedBytes = 128 * 1024 * 1024;
const defaultMaxSessions = 10_000;
const defaultMaxSessionAnswers = 16_384;

/** All of these decide what is answered, so they must be the same on every member. */
export interface StoreOptions {
  /** How many of the newest revisions stay readable and watchable. Default 10,000. */
  readonly retainedRevisions?: number;
  /** Most bytes of keys and values written by the retained revisions; above it the oldest go. The newest always stays. Default 128 MiB. */
  readonly retainedBytes?: number;
  /** Most sessions; opening one more evicts the least recently used (by log index). Default 10,000. */
  readonly maxSessions?: number;
  /** Most answers kept for one session above its ackFloor; above it writes are refused with `session_overflow`. Default 16,384. */
  readonly maxSessionAnswers?: number;
}

export function windowLimits(options: StoreOptions): WindowLimits {
  return {
    retainedRevisions: positive('retainedRevisions', options.retainedRevisions ?? defaultRetainedRevisions),
    retainedBytes: positive('retainedBytes', options.retainedBytes ?? defaultRetainedBytes),
  };
}

export function sessionLimits(options: StoreOptions): SessionLimits {
  return {
    maxSessions: positive('maxSessions', options.maxSessions ?? defaultMaxSessions),
    maxSessionAnswers: positive('maxSessionAnswers', options.maxSessionAnswers ?? defaultMaxSessionAnswers),
  };
}

function positive(name: string, value: number): number {
  assert(Number.isSafeInteger(value) && value > 0, () => `${name} must be a positive integer, not ${value}`);
  return value;
}
