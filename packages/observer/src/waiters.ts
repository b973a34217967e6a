// Whoever waits for the copy to come as far as some revision.
import type { Clock } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  readonly #clock: Pick<Clock, 'schedule'>;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Pick<Clock, 'schedule'>) {
    this.#clock = clock;
  }

  /** Rejects with `timeout` (with what `present` answers in its message), the signal's reason, or what `close` gives. */
  wait(
    revision: number,
    options: { readonly timeoutMilliseconds: number; readonly signal?: AbortSignal },
    present: () => number,
  ): Promise<void> {
    const { timeoutMilliseconds, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(cancelled(signal));
      const onAbort = (): void => leave(() => reject(cancelled(signal)));
      const cancelTimer = this.#clock.schedule(
        () =>
          leave(() => {
            const message = `the copy did not reach revision ${revision} in time; it stands at ${present()}`;
            reject(new RaftkvError('timeout', message));
          }),
        timeoutMilliseconds,
      );
      const leave = (settle: () => void): void => {
        this.#waiters.delete(waiter);
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const waiter: Waiter = {
        revision,
        resolve: () => leave(resolve),
        reject: (error) => leave(() => reject(error)),
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  reached(revision: number): void {
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.resolve();
  }

  close(error: RaftkvError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}

function cancelled(signal: AbortSignal | undefined): RaftkvError {
  return new RaftkvError('cancelled', 'the call was cancelled', { cause: signal?.reason });
}
