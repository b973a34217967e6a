// Where all the cities are, read from this tab's copy: once, and again when it has grown or shrunk by enough to be seen on the map. In small
// steps, so that typing never waits for it.
import { useEffect, useRef, useState } from 'react';
import type { LiveKv } from 'raftkv';
import { citiesRange, isCity, noPlaces } from './city-model.ts';
import type { Places } from './city-model.ts';

const pageSize = 2_000;
/** A map of a copy that is being filled is drawn anew so often at most. */
const settleMilliseconds = 1_200;

/** `keys`: how many the copy holds. */
export function usePlaces(kv: LiveKv | undefined, keys: number): Places {
  const [places, setPlaces] = useState(noPlaces);
  const drawnKeys = useRef(-1);
  useEffect(() => {
    const isWorthIt = Math.abs(keys - drawnKeys.current) > Math.max(50, drawnKeys.current / 200);
    if (kv === undefined || !isWorthIt) return undefined;
    const cancelled = new AbortController();
    const wait = drawnKeys.current < 0 ? 0 : settleMilliseconds;
    const timer = setTimeout(() => {
      readPlaces(kv, cancelled.signal).then(
        (read) => {
          drawnKeys.current = keys;
          if (read !== undefined) setPlaces(read);
        },
        // The copy was closed or is not there: the next look comes with the next change.
        () => undefined,
      );
    }, wait);
    return () => {
      clearTimeout(timer);
      cancelled.abort();
    };
  }, [kv, keys]);
  return places;
}

/** Undefined when it was cancelled. */
async function readPlaces(kv: LiveKv, signal: AbortSignal): Promise<Places | undefined> {
  const found: { readonly key: string; readonly at: readonly [number, number] }[] = [];
  for await (const { entries } of kv.scan({ ...citiesRange, level: 'local', pageSize }).pages()) {
    for (const { key, value } of entries) if (isCity(value)) found.push({ key, at: value.at });
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    if (signal.aborted) return undefined;
  }
  // The store sorts by bytes, which for some letters is not how texts compare.
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  const degrees = new Float32Array(found.length * 2);
  for (const [at, { at: place }] of found.entries()) degrees.set(place, at * 2);
  return { keys: found.map(({ key }) => key), degrees };
}
