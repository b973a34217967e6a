// A stopwatch for what must not wait in a process: it does not count that the machine had no time for it. Used where a suite shows that something came by an event and
// not by the timer that stands behind it.

const tickMilliseconds = 5;

/** Starts one. What it gives stops it, and answers the milliseconds, of which none counts in which nothing ran here for longer than a few ticks. */
export function startStopwatch(): () => number {
  let [sum, last] = [0, performance.now()];
  const count = (): void => {
    const now = performance.now();
    sum += Math.min(now - last, 3 * tickMilliseconds);
    last = now;
  };
  const timer = setInterval(count, tickMilliseconds);
  return () => {
    count();
    clearInterval(timer);
    return sum;
  };
}
