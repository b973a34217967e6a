// The time limit of one gateway request. Within it a refusal for want of a leader is tried again, as etcd does, so that
// a client on plain HTTP sees a short wait instead of an election; past it the answer is `request timed out`.
import { RaftkvError } from '@raftkv/wire';

const firstRetryMilliseconds = 10;
const lastRetryMilliseconds = 250;

/**
 * Runs `attempt` until it succeeds, fails for good, or `milliseconds` have passed (then throws `timeout`, not definite: a write
 * may still happen). The signal is aborted at the limit.
 */
export async function withDeadline<T>(milliseconds: number, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(new RaftkvError('timeout', `no answer within ${milliseconds} ms`, { definite: false }));
    }, milliseconds);
  });
  try {
    return await Promise.race([untilLeader(controller.signal, attempt), expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function untilLeader<T>(signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let delay = firstRetryMilliseconds; ; delay = Math.min(delay * 2, lastRetryMilliseconds)) {
    try {
      return await attempt(signal);
    } catch (error) {
      // Only what surely did not happen is tried again.
      const isLeaderless = error instanceof RaftkvError && error.code === 'no_leader' && error.definite;
      if (!isLeaderless || signal.aborted) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, delay));
    if (signal.aborted) throw new RaftkvError('timeout', 'no leader within the time limit');
  }
}
