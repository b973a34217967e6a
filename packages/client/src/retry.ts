// When a failed attempt is made again. What a retry may do to a write is settled by its session; here is only whether there is any
// hope in trying, and how long to rest before it.
import type { ErrorCode } from '@raftkv/wire';
import type { Call } from './call.ts';
import type { Settings } from './options.ts';

/** Failures of an attempt that say nothing against the next one, there or elsewhere. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'no_leader',
  'busy',
  'timeout',
  'closed',
  'connect_failed',
  'connection_lost',
  'session_overflow',
  'halted',
]);

const longestLeaderWaitMilliseconds = 500;
/** A patient call looks for a node this often, though nobody has said that there is one; when there is, it is told at once. */
const longestPatientWaitMilliseconds = 5_000;

/** How long to wait before the next attempt; undefined: none will be made. Counts the failure. */
export function retryDelay(call: Call, code: ErrorCode, settings: Settings): number | undefined {
  if (!passing.has(code)) return undefined;
  const base = settings.retryDelayMilliseconds;
  if (code === 'no_leader' && settings.retries > 0) {
    call.redirects += 1;
    // The first time, the answer may have told who leads; after that the cluster is electing.
    const delay = call.redirects === 1 ? 0 : Math.min(longestLeaderWaitMilliseconds, base * 2 ** (call.redirects - 2));
    return jittered(delay, settings);
  }
  call.failures += 1;
  if (call.isPatient)
    return jittered(Math.min(longestPatientWaitMilliseconds, base * 2 ** (call.failures - 1)), settings);
  if (call.failures > settings.retries) return undefined;
  return jittered(base * 2 ** (call.failures - 1), settings);
}

function jittered(delay: number, settings: Settings): number {
  return delay * (0.75 + settings.random() / 2);
}
