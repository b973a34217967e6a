// What can be set about a store, with its defaults. The hard ceilings that nobody can set are in `limits.ts`.
import { assert } from './assert.ts';
import type { WindowLimits } from './window.ts';
import type { SessionLimits } from './sessions.ts';

const defaultRetainedRevisions = 10_000;
/** A window of large values must not eat the memory of a tab. */
const defaultRetainedBytes = 128 * 1024 * 1024;
const defaultMaxSessions = 10_000;
const defaultMaxSessionAnswers = 16_384;
/** Answers are part of every snapshot, and one holds all that its transaction read: they must not outgrow the data. */
const defaultMaxSessionAnswerBytes = 16 * 1024 * 1024;
const defaultMaxAnswerBytes = 64 * 1024 * 1024;

/** All of these decide what is answered, so they must be the same on every member. */
export interface StoreOptions {
  /** How many of the newest revisions stay readable and watchable. Default 10,000. */
  readonly retainedRevisions?: number;
  /** Most bytes written by the retained revisions: keys, values and 256 a version; above it the oldest go. The newest always stays. Default 128 MiB. */
  readonly retainedBytes?: number;
  /** Most sessions; opening one more evicts the least recently used (by log index). Default 10,000. */
  readonly maxSessions?: number;
  /** Most answers kept for one session above its ackFloor; above it writes are refused with `session_overflow`. Default 16,384. */
  readonly maxSessionAnswers?: number;
  /** Once the answers kept for one session come to this many bytes its writes are refused with `session_overflow`. Default 16 MiB. */
  readonly maxSessionAnswerBytes?: number;
  /** Most bytes of answers kept for all sessions; above it the session that holds most is evicted. Default 64 MiB. */
  readonly maxAnswerBytes?: number;
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
    maxSessionAnswerBytes: positive(
      'maxSessionAnswerBytes',
      options.maxSessionAnswerBytes ?? defaultMaxSessionAnswerBytes,
    ),
    maxAnswerBytes: positive('maxAnswerBytes', options.maxAnswerBytes ?? defaultMaxAnswerBytes),
  };
}

function positive(name: string, value: number): number {
  assert(Number.isSafeInteger(value) && value > 0, () => `${name} must be a positive integer, not ${value}`);
  return value;
}
