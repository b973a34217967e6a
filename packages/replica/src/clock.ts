// The replica's only source of time, injected, so that the simulator can own it.

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /**
   * Milliseconds since 1970, if there is a clock for it. Only for leases: it tells that a machine slept while its monotonic clock stood still.
   * Being set to another time does no harm but a lease.
   */
  wallNow?(): number;
  /** Runs `callback` once after at least `milliseconds`; answers a function that cancels it. */
  schedule(callback: () => void, milliseconds: number): () => void;
  /** Runs `callback` soon, after the events that are already queued: what lets a burst of inputs become one batch. */
  defer(callback: () => void): void;
}
