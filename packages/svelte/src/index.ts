// Svelte stores over a raftkv copy: any Live as a store, and live queries with options. A store subscribes when the first component does, which
// calls back at once, as Svelte asks; Svelte itself is not imported, since its store contract is a shape.
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
import type { ShapeOptions } from '@raftkv/client/live';

/** What `$name` in a component follows. */
export interface LiveStore<T> {
  /** Calls `run` with the value now, and whenever it changed. Answers the function that ends it. */
  subscribe(run: (value: T) => void): () => void;
}

type EntryOf<T> = LiveEntry<T> | null;
type RowsOf<T> = readonly LiveEntry<T>[];
type Options<T, Data, Selected> = ShapeOptions<Data, Selected> & { readonly schema?: StandardSchema<unknown, T> };

/** One key; `data` is null where there is none. Without a kv (on a server) it is pending; without a key it waits. */
export function getStore<T = unknown, Selected = EntryOf<T>>(
  kv: LiveKv<T> | LiveKv | undefined,
  key: KeyInput | null,
  options: Options<T, EntryOf<T>, Selected> = {},
): LiveStore<ReadState<Selected>> {
  return readStore(
    key === null ? idleRead : asked(() => (kv as LiveKv | undefined)?.live.get(key) ?? pendingRead),
    options,
  );
}

/** The rows of a range in order. */
export function scanStore<T = unknown, Selected = RowsOf<T>>(
  kv: LiveKv<T> | LiveKv | undefined,
  range: RangeInput | null,
  options: Options<T, RowsOf<T>, Selected> & LiveScanOptions = {},
): LiveStore<ReadState<Selected>> {
  const live =
    range === null ? idleRead : asked(() => (kv as LiveKv | undefined)?.live.scan(range, options) ?? pendingRead);
  return readStore(live, options);
}

/** Any Live: `liveStore(kv.replica)`, `liveStore(kv.writes)`, `liveStore(write.state)`. */
export function liveStore<T>(live: Live<T>): LiveStore<T> {
  return derivedStore(live, (value) => value);
}

function readStore<Data, Selected>(
  live: Live<unknown>,
  options: ShapeOptions<Data, Selected>,
): LiveStore<ReadState<Selected>> {
  return derivedStore(live as Live<ReadState<Data>>, (state, before) => shapeState(state, options, before));
}

/** Tells each subscriber a value once, however often the Live says that something changed. */
function derivedStore<From, To>(live: Live<From>, make: (value: From, before: To | undefined) => To): LiveStore<To> {
  return {
    subscribe(run) {
      let told: To | undefined;
      let isFirst = true;
      const tell = (): void => {
        const value = make(live.getSnapshot(), told);
        if (!isFirst && Object.is(value, told)) return;
        isFirst = false;
        told = value;
        run(value);
      };
      const stop = live.subscribe(tell);
      tell();
      return stop;
    },
  };
}
