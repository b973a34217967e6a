// The hooks that read: a key or a range, as a state or through Suspense. The queries live outside React, in the kv; a hook only looks at one.
import { useCallback } from 'react';
import type {
  KeyInput,
  Live,
  LiveEntry,
  LiveKv,
  LiveScanOptions,
  RangeInput,
  ReadState,
  StandardSchema,
} from '@raftkv/client';
import { asked, idleRead, pendingRead, shapeState } from '@raftkv/client/live';
import { theKv, useOptionalKv } from './context.ts';
import { useDerived } from './derived.ts';
import type { RegisteredKey, RegisteredValue } from './register.ts';

type EntryOf<T> = LiveEntry<T, RegisteredKey> | null;
type RowsOf<T> = readonly LiveEntry<T, RegisteredKey>[];

export interface ReadHookOptions<T, Data, Selected> {
  /** Types and checks values: one that does not fit makes the state an error (`bad_frame`). Define it outside of the component. */
  readonly schema?: StandardSchema<unknown, T> | undefined;
  /** A part of the data: the component renders again only when it changes by `isEqual`. */
  readonly select?: ((data: Data) => Selected) | undefined;
  /** Default: Object.is. */
  readonly isEqual?: ((a: Selected, b: Selected) => boolean) | undefined;
  /** Shown while the copy is not there, on a server too: a success of revision 0. */
  readonly initialData?: Data | undefined;
  /** Throw errors, for an error boundary. Default false; Suspense hooks throw one if there is no data beside it. */
  readonly throwOnError?: boolean | undefined;
}

/** What Suspense hooks answer: there is data, always. */
export type SuspenseState<T> = ReadState<T> & { readonly data: T };

/** One key, kept up to date; `data` is null where there is none. With `null` for a key it waits (`pending` and `idle`). */
export function useGet<T = RegisteredValue, Selected = EntryOf<T>>(
  key: KeyInput | null,
  options: ReadHookOptions<T, EntryOf<T>, Selected> = {},
): ReadState<Selected> {
  const kv = useOptionalKv();
  return useRead(key === null ? idleRead : kv === undefined ? pendingRead : getOf<T>(kv, key), options);
}

/** The rows of a range in order, kept up to date. With `null` for a range it waits. The range may be another object at each render. */
export function useScan<T = RegisteredValue, Selected = RowsOf<T>>(
  range: RangeInput | null,
  options: ReadHookOptions<T, RowsOf<T>, Selected> & LiveScanOptions = {},
): ReadState<Selected> {
  const kv = useOptionalKv();
  return useRead(range === null ? idleRead : kv === undefined ? pendingRead : scanOf<T>(kv, range, options), options);
}

/** Suspends until the first result, never later. To keep what is shown while the key changes, change it in a transition. */
export function useGetSuspense<T = RegisteredValue, Selected = EntryOf<T>>(
  key: KeyInput,
  options: ReadHookOptions<T, EntryOf<T>, Selected> = {},
): SuspenseState<Selected> {
  return useSuspenseRead(getOf<T>(theKv(useOptionalKv()), key), options);
}

/** Suspends until the first result, never later. */
export function useScanSuspense<T = RegisteredValue, Selected = RowsOf<T>>(
  range: RangeInput,
  options: ReadHookOptions<T, RowsOf<T>, Selected> & LiveScanOptions = {},
): SuspenseState<Selected> {
  return useSuspenseRead(scanOf<T>(theKv(useOptionalKv()), range, options), options);
}

type LiveRead<Data> = Live<ReadState<Data>>;

function getOf<T>(kv: LiveKv, key: KeyInput): LiveRead<EntryOf<T>> {
  return asked(() => kv.live.get(key)) as unknown as LiveRead<EntryOf<T>>;
}

function scanOf<T>(kv: LiveKv, range: RangeInput, { limit, reverse }: LiveScanOptions): LiveRead<RowsOf<T>> {
  return asked(() => kv.live.scan(range, { limit, reverse })) as unknown as LiveRead<RowsOf<T>>;
}

function useRead<T, Data, Selected>(
  live: LiveRead<Data>,
  options: ReadHookOptions<T, Data, Selected>,
  hasServer = true,
): ReadState<Selected> {
  const { schema, select, isEqual, initialData, throwOnError } = options;
  const derive = useCallback(
    (state: ReadState<Data>, before: ReadState<Selected> | undefined) =>
      shapeState(state, { schema, select, isEqual, initialData }, before),
    [schema, select, isEqual, initialData],
  );
  const isPlain = schema === undefined && select === undefined && isEqual === undefined && initialData === undefined;
  const state = useDerived(live, isPlain ? undefined : derive, hasServer);
  if (throwOnError === true && state.error !== undefined) throw state.error;
  return state;
}

function useSuspenseRead<T, Data, Selected>(
  live: LiveRead<Data>,
  options: ReadHookOptions<T, Data, Selected>,
): SuspenseState<Selected> {
  const hasInitialData = options.initialData !== undefined;
  const state = useRead(live, options, hasInitialData);
  if (!hasInitialData && isWaiting(live)) throw arrival(live);
  if (state.data === undefined && state.error !== undefined) throw state.error;
  return state as SuspenseState<Selected>;
}

function isWaiting(live: LiveRead<unknown>): boolean {
  const { status, data } = live.getSnapshot();
  return status === 'pending' && data === undefined;
}

/** One promise for each query that somebody waits for: React forgets a component that suspends, so it cannot be kept there. */
const arrivals = new WeakMap<LiveRead<unknown>, Promise<void>>();

function arrival(live: LiveRead<unknown>): Promise<void> {
  let promise = arrivals.get(live);
  if (promise === undefined) {
    promise = new Promise((resolve) => {
      const stop = live.subscribe(() => {
        if (isWaiting(live)) return;
        stop();
        arrivals.delete(live);
        resolve();
      });
    });
    arrivals.set(live, promise);
  }
  return promise;
}
