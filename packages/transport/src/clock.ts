// The mesh's only source of time, injected so that a test or a simulator can own it. The replica's Clock fits it.

export interface TransportClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Runs `callback` once after at least `milliseconds`; answers a function that cancels it. */
  schedule(callback: () => void, milliseconds: number): () => void;
}

/** The runtime's own timers. */
export const systemClock: TransportClock = {
  now: () => performance.now(),
  schedule: (callback, milliseconds) => {
    const handle = setTimeout(callback, milliseconds);
    return () => clearTimeout(handle);
  },
};
