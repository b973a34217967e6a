// The hook for what is kept over the life of a page: how much waits or is undecided, and what to do about it. A door of its own, so that a page which keeps
// nothing does not carry it.
import { useMemo } from 'react';
import { RaftkvError } from '@raftkv/client';
import type { MutateOptions, OutboxStatus, Write } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import { useOptionalKv } from './context.ts';
import { useLive, useWrites } from './status.ts';

export interface KeptWrites {
  /** Undefined where nothing is kept: the replica was opened without `outbox`, or there is none yet. */
  readonly status: OutboxStatus | undefined;
  /** Own writes on their way, and those that ended badly, as `useWrites` answers them; follow each by `useLive(write.state)`. */
  readonly writes: readonly Write<unknown>[];
  /** Makes a write that ended badly again, under these conditions alone. Throws `not_found` for one that is not kept, or is still on its way. */
  readonly retry: (write: Write<unknown>, options?: MutateOptions) => Write<unknown>;
  /** Forgets such a write, or takes back one that was never sent. Rejects with `not_found` for one that is not kept, or was sent. */
  readonly discard: (write: Write<unknown>) => Promise<void>;
}

/**
 * The kept writes of a replica that was opened with `outbox`. `retry` and `discard` are the same functions at each render.
 *
 * @example
 * ```tsx
 * const { status, writes, retry, discard } = useOutbox();
 * if (status?.undecided) return writes.map((write) => <Undecided key={write.id} {...{ write, retry, discard }} />);
 * ```
 */
export function useOutbox(): KeptWrites {
  const outbox = useOptionalKv()?.outbox;
  const status = useLive(outbox?.status ?? nothingKept);
  const writes = useWrites();
  const calls = useMemo(
    () => ({
      retry: (write: Write<unknown>, options?: MutateOptions): Write<unknown> => {
        if (outbox === undefined) throw notKept();
        return outbox.retry(write, options);
      },
      discard: async (write: Write<unknown>): Promise<void> => {
        if (outbox === undefined) throw notKept();
        await outbox.discard(write);
      },
    }),
    [outbox],
  );
  return { status, writes, ...calls };
}

const nothingKept = new LiveValue<OutboxStatus | undefined>(undefined);

function notKept(): RaftkvError {
  return new RaftkvError('not_found', 'the replica was opened without an outbox');
}
