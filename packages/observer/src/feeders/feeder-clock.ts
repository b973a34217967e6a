// Time for those who feed each other: the process's, unless a test gives another; and the pauses that are made of it.
export interface FeederClock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Answers how to call it off. */
  schedule(callback: () => void, milliseconds: number): () => void;
}

export const processClock: FeederClock = {
  now: () => performance.now(),
  schedule: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

export function pause(clock: FeederClock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.schedule(resolve, Math.max(0, milliseconds)));
}
