// The one way in which hooks read: a Live through useSyncExternalStore, with something made of its snapshots on the way.
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { Live } from '@raftkv/client';

/** Gets what was answered before about the same Live, so as to answer the same object again where nothing changed. */
export type Derive<From, To> = (value: From, before: To | undefined) => To;

/** `derive` may be another function at each render. Without `hasServer` it is only rendered in a client: on a server the nearest Suspense boundary shows its fallback. */
export function useDerived<From, To>(live: Live<From>, derive: Derive<From, To> | undefined, hasServer = true): To {
  /** What is on the screen. */
  const shown = useRef<{ readonly live: Live<From>; readonly value: To }>(undefined);
  const [getSnapshot, getServerSnapshot] = useMemo(() => {
    const before = shown.current?.live === live ? shown.current.value : undefined;
    return [memo(live.getSnapshot, derive, before), memo(live.getServerSnapshot, derive, undefined)];
  }, [live, derive]);
  const value = useSyncExternalStore(live.subscribe, getSnapshot, hasServer ? getServerSnapshot : undefined);
  useEffect(() => {
    shown.current = { live, value };
  }, [live, value]);
  return value;
}

/** Derives once for each snapshot: React asks again and again, and wants the same answer. */
function memo<From, To>(get: () => From, derive: Derive<From, To> | undefined, before: To | undefined): () => To {
  if (derive === undefined) return get as unknown as () => To;
  let from: From;
  let to = before;
  let isFirst = true;
  return () => {
    const value = get();
    if (isFirst || !Object.is(value, from)) {
      to = derive(value, to);
      from = value;
      isFirst = false;
    }
    return to as To;
  };
}
