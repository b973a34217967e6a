// Whoever waits for the copy to come as far as some revision.
import { RaftkvError } from '@raftkv/wire';

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Rejects with `timeout` (with `where` in its message), the signal's reason, or what `close` gives. */
  wait(
    revision: number,
    options: { readonly timeoutMilliseconds: number; readonly signal?: AbortSignal },
    where: () => string,
  ): Promise<void> {
    const { timeoutMilliseconds, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(cancelled(signal));
      const onAbort = (): void => leave(() => reject(cancelled(signal)));
      const timer = setTimeout(
        () =>
          leave(() =>
            reject(new RaftkvError('timeout', `the copy did not reach revision ${revision} in time; ${where()}`)),
          ),
        Math.min(timeoutMilliseconds, 2 ** 31 - 1),
      );
      const leave = (settle: () => void): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
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
