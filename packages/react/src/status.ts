// The hooks that look at the copy itself: how it is doing, which own writes are on their way; and at any Live, such as the state of one write.
import { useCallback, useMemo } from 'react';
import type { Live, ReplicaStatus, Write } from '@raftkv/client';
import { LiveValue, pendingStatus } from '@raftkv/client/live';
import { useOptionalKv } from './context.ts';
import { useDerived } from './derived.ts';

/** Any Live: `useLive(write.state)` follows one write. */
export function useLive<T>(live: Live<T>): T {
  return useDerived<T, T>(live, undefined);
}

/**
 * How the copy is doing, or the part of it that `select` picks: the component renders again only when that changes by `isEqual` (default Object.is).
 *
 * @example
 * ```ts
 * const isOnline = useStatus((status) => status.connection === 'online');
 * ```
 */
export function useStatus<Selected = ReplicaStatus>(
  select?: (status: ReplicaStatus) => Selected,
  isEqual: (a: Selected, b: Selected) => boolean = Object.is,
): Selected {
  const kv = useOptionalKv();
  // A server has no copy, whatever it has for a kv: both render the same.
  const live = useMemo(() => (kv === undefined ? noReplica : { ...noReplica, ...partsOf(kv.replica) }), [kv]);
  const derive = useCallback(
    (status: ReplicaStatus, before: Selected | undefined) => {
      const selected = select!(status);
      return before !== undefined && isEqual(before, selected) ? before : selected;
    },
    [select, isEqual],
  );
  return useDerived(live, select === undefined ? undefined : derive);
}

/** Own writes on their way, and the last ones that were refused or of unknown outcome, oldest first. Follow each by `useLive(write.state)`. */
export function useWrites(): readonly Write<unknown>[] {
  return useLive(useOptionalKv()?.writes ?? noWrites);
}

function partsOf<T>({ subscribe, getSnapshot }: Live<T>): Pick<Live<T>, 'subscribe' | 'getSnapshot'> {
  return { subscribe, getSnapshot };
}

const noWrites = new LiveValue<readonly Write<unknown>[]>([]);

const noReplica: Live<ReplicaStatus> = new LiveValue<ReplicaStatus>(pendingStatus);
