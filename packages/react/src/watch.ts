// The hook that hears of changes without showing them: an effect alone, for sounds, logs and notifications.
import { useEffect, useRef } from 'react';
import type { RaftkvError, RangeInput, Watch, WatchChange } from '@raftkv/client';
import { useOptionalKv } from './context.ts';
import type { RegisteredKey, RegisteredValue } from './register.ts';

export interface WatchHookOptions {
  /** First revision wanted. Default: what comes after the component was mounted. */
  readonly from?: number | undefined;
  /** The watch has ended by this (`compacted`, say). Without it the error is thrown where nobody catches it. */
  readonly onError?: ((error: RaftkvError) => void) | undefined;
}

/** Calls `handler` with the changes of a range, one revision at a time, while the component is mounted. With `null` for a range it waits. */
export function useWatch<T = RegisteredValue>(
  range: RangeInput | null,
  handler: (change: WatchChange<T, RegisteredKey>) => void,
  { from, onError }: WatchHookOptions = {},
): void {
  const kv = useOptionalKv();
  const latest = useRef({ range, handler, onError });
  // What is called is always of the last render, which need not begin the watch anew.
  useEffect(() => {
    latest.current = { range, handler, onError };
  });
  // The range is another object at each render; what it says is compared.
  const name = JSON.stringify(range);
  useEffect(() => {
    const { current } = latest;
    if (kv === undefined || current.range === null) return undefined;
    const fail = (error: unknown): void => (latest.current.onError ?? throwLater)(error as RaftkvError);
    let watch: Watch;
    try {
      watch = kv.watch(current.range, { from });
    } catch (error) {
      fail(error);
      return undefined;
    }
    const run = async (): Promise<void> => {
      for await (const change of watch) {
        try {
          latest.current.handler(change as unknown as WatchChange<T, RegisteredKey>);
        } catch (error) {
          throwLater(error);
        }
      }
    };
    run().catch(fail);
    return () => watch.close();
  }, [kv, name, from]);
}

/** Reported like any uncaught error. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
