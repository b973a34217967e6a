// Waiting for something outside this process to become true, with a limit and a reason when it does not.

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/**
 * Asks again every `intervalMilliseconds` until `probe` gives something other than undefined or false. A probe that throws is
 * asked again; its last error is the cause when time runs out.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMilliseconds = 60_000, intervalMilliseconds = 50 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMilliseconds;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMilliseconds} ms in vain: ${what}`, { cause: lastError });
    await sleep(intervalMilliseconds);
  }
}

/**
 * How long something may take that must come soon, told by how often one looks for it: looks that come late, since the machine had no time for whom one looks
 * at, count as one that came in time. Of no use where nobody answers.
 */
export class Patience {
  readonly #mostMillisecondsOfALook: number;
  #left: number;
  #lookedAt = performance.now();

  constructor(milliseconds: number, intervalMilliseconds: number) {
    this.#left = milliseconds;
    this.#mostMillisecondsOfALook = 3 * intervalMilliseconds;
  }

  /** Asked once after each look. */
  isOver(): boolean {
    const now = performance.now();
    this.#left -= Math.min(now - this.#lookedAt, this.#mostMillisecondsOfALook);
    this.#lookedAt = now;
    return this.#left < 0;
  }
}

/** Throws when it took longer: as what came too late, of which `npm test` makes sure once more, alone. */
export function expectWithin(milliseconds: number, what: string, tookMilliseconds: number): void {
  if (tookMilliseconds >= milliseconds)
    throw new Error(`not within ${milliseconds} ms: ${what}, which took ${Math.round(tookMilliseconds)} ms`);
}

/** Rejects when the promise is still pending after the time. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
