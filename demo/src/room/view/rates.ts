// Messages a second on each way between two members, over the last two seconds, from the same events that are drawn.
import { useEffect, useState } from 'react';
import type { RoomSource } from '../source/room-source.ts';

const windowMilliseconds = 2_000;
const lookMilliseconds = 500;

/** By "from to". */
export function useRates(source: Pick<RoomSource, 'flights'>): ReadonlyMap<string, number> {
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    let seen: { readonly at: number; readonly way: string; readonly count: number }[] = [];
    const stop = source.flights.listen(({ from, to, count }) => {
      seen.push({ at: performance.now(), way: `${from} ${to}`, count });
    });
    const timer = setInterval(() => {
      const since = performance.now() - windowMilliseconds;
      seen = seen.filter(({ at }) => at >= since);
      const sums = new Map<string, number>();
      for (const { way, count } of seen) sums.set(way, (sums.get(way) ?? 0) + (count * 1_000) / windowMilliseconds);
      setRates(sums);
    }, lookMilliseconds);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [source]);
  return rates;
}
