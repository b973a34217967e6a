// How many cities begin with what was typed, and how long counting them took: anew at each letter, and when the copy has changed.
import { useEffect, useRef, useState } from 'react';
import type { LiveKv } from 'raftkv';
import { useStatus } from '@raftkv/react';

export interface Found {
  readonly prefix: string;
  readonly count: number;
  readonly milliseconds: number;
}

/** A store that changes all the time is counted so often at most. */
const betweenMilliseconds = 250;

export function useCount(kv: LiveKv, prefix: string): Found | undefined {
  const revision = useStatus((status) => status.revision);
  const [found, setFound] = useState<Found>();
  const last = useRef({ prefix: '', at: 0 });
  useEffect(() => {
    let isWanted = true;
    const count = (): void => {
      const begun = performance.now();
      last.current = { prefix, at: begun };
      kv.count({ prefix, level: 'local' }).then(
        (counted) => {
          if (isWanted) setFound({ prefix, count: counted, milliseconds: performance.now() - begun });
        },
        // There is no copy: the next one that comes is counted.
        () => undefined,
      );
    };
    const due = last.current.prefix === prefix ? last.current.at + betweenMilliseconds - performance.now() : 0;
    const timer = due > 0 ? setTimeout(count, due) : undefined;
    if (timer === undefined) count();
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [kv, prefix, revision]);
  return found;
}
