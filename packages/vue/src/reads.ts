// The composables that read: shallow refs that follow a Live. The queries live in the kv, shared by all who ask the same; a change of the key,
// which may be a ref or a getter, moves the ref to another query in the same turn.
import { getCurrentInstance, onMounted, shallowRef, toValue, watch } from 'vue';
import type { MaybeRefOrGetter, ShallowRef } from 'vue';
import type {
  KeyInput,
  Live,
  LiveEntry,
  LiveScanOptions,
  RangeInput,
  ReadState,
  ReplicaStatus,
  StandardSchema,
  Write,
} from '@raftkv/client';
import { LiveValue, asked, idleRead, pendingRead, shapeState } from '@raftkv/client/live';
import type { ShapeOptions } from '@raftkv/client/live';
import { useOptionalKv } from './plugin.ts';

type Followed<T> = Readonly<ShallowRef<T>>;
type EntryOf<T> = LiveEntry<T> | null;
type RowsOf<T> = readonly LiveEntry<T>[];
type Options<T, Data, Selected> = ShapeOptions<Data, Selected> & { readonly schema?: StandardSchema<unknown, T> };

/** One key; `data` is null where there is none. With `null` for a key it waits. */
export function useGet<T = unknown, Selected = EntryOf<T>>(
  key: MaybeRefOrGetter<KeyInput | null>,
  options: Options<T, EntryOf<T>, Selected> = {},
): Followed<ReadState<Selected>> {
  const kv = useOptionalKv();
  return useRead(() => {
    const name = toValue(key);
    return name === null ? idleRead : asked(() => kv()?.live.get(name) ?? pendingRead);
  }, options);
}

/** The rows of a range in order. With `null` for a range it waits. */
export function useScan<T = unknown, Selected = RowsOf<T>>(
  range: MaybeRefOrGetter<RangeInput | null>,
  options: Options<T, RowsOf<T>, Selected> & LiveScanOptions = {},
): Followed<ReadState<Selected>> {
  const kv = useOptionalKv();
  return useRead(() => {
    const wanted = toValue(range);
    return wanted === null ? idleRead : asked(() => kv()?.live.scan(wanted, options) ?? pendingRead);
  }, options);
}

/** How the copy is doing; undefined while there is none. */
export function useStatus(): Followed<ReplicaStatus | undefined> {
  const kv = useOptionalKv();
  return follow<ReplicaStatus | undefined>(() => kv()?.replica ?? none);
}

/** Own writes on their way, and the last ones that were refused or of unknown outcome. */
export function useWrites(): Followed<readonly Write<unknown>[]> {
  const kv = useOptionalKv();
  return follow(() => kv()?.writes ?? noWrites);
}

/** Any Live: `useLive(write.state)` follows one write. */
export function useLive<T>(live: Live<T> | (() => Live<T>)): Followed<T> {
  return follow(typeof live === 'function' ? live : () => live);
}

const none = new LiveValue<undefined>(undefined);
const noWrites = new LiveValue<readonly Write<unknown>[]>([]);

function useRead<Data, Selected>(find: () => Live<unknown>, options: ShapeOptions<Data, Selected>) {
  return follow(find as () => Live<ReadState<Data>>, (state, before: ReadState<Selected> | undefined) =>
    shapeState(state, options, before),
  );
}

function follow<From, To = From>(
  find: () => Live<From>,
  make: (value: From, before: To | undefined) => To = (value) => value as unknown as To,
): Followed<To> {
  const shown = shallowRef() as ShallowRef<To>;
  // Over what a server has rendered: the first picture must be the same one.
  const isHydrating = shallowRef((getCurrentInstance()?.vnode.el ?? null) !== null);
  if (isHydrating.value) onMounted(() => void (isHydrating.value = false));
  watch(
    [find, isHydrating] as const,
    ([live, isServer], _, onCleanup) => {
      if (!isServer) onCleanup(live.subscribe(() => void (shown.value = make(live.getSnapshot(), shown.value))));
      shown.value = make(isServer ? live.getServerSnapshot() : live.getSnapshot(), undefined);
    },
    { immediate: true, flush: 'sync' },
  );
  return shown;
}
