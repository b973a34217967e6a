// Whether the other end of a connection is still there: what is heard of it, how long it may be silent before it is asked, and how long its answer may take.
// It knows no frames and no timers; `connection.ts` tells it what arrives, looks once a tick, and does what it is told.

/** A connection is looked after this often. */
export const tickMilliseconds = 500;
/** With requests open, nothing answered for so long draws a ping … */
const silenceMilliseconds = 500;
/** … with watches open nothing heard for so long … */
const watchSilenceMilliseconds = 3_000;
/**
 * … and no sign of life for this long after a ping ends the connection. News are a sign of life, behind which the answer may wait, on a slow line too;
 * but not for longer than twice the keep-alive: a node that tells and does not hear, since one way of the line is dead, is of no use.
 */
const pingTimeoutMilliseconds = 1_500;

export class VitalSigns {
  readonly #keepAliveMilliseconds: number;
  #heardAt = 0;
  #answeredAt = 0;
  #tickedAt = 0;
  #pingSentAt: number | undefined;
  /** What the channel held at the last tick. */
  #unsentBytes = 0;

  constructor(keepAliveMilliseconds: number) {
    this.#keepAliveMilliseconds = keepAliveMilliseconds;
  }

  /** It stands, and ticks from now on. */
  begin(now: number): void {
    this.#tickedAt = now;
    this.answered(now);
  }

  /** Something came in. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  /** What this side asked was answered: it is heard. */
  answered(now: number): void {
    this.#answeredAt = now;
  }

  ponged(now: number): void {
    this.#pingSentAt = undefined;
    this.answered(now);
  }

  /** What is to be done at this tick, while so many calls and watches are open. */
  look(now: number, unsentBytes: number, calls: number, watches: number): 'ping' | 'end' | undefined {
    // This process itself was stopped for a while: what the node sent meanwhile has not been read yet. And what leaves is taken by somebody: a large value
    // on a slow line, behind which the ping waits.
    const isExcused = now - this.#tickedAt > 4 * tickMilliseconds || unsentBytes < this.#unsentBytes;
    this.#tickedAt = now;
    this.#unsentBytes = unsentBytes;
    const keepAlive = this.#keepAliveMilliseconds;
    if (this.#pingSentAt !== undefined) {
      if (isExcused) this.#pingSentAt = now;
      const isSilent = now - Math.max(this.#pingSentAt, this.#heardAt) >= pingTimeoutMilliseconds;
      return isSilent || now - this.#pingSentAt >= Math.max(2 * keepAlive, pingTimeoutMilliseconds) ? 'end' : undefined;
    }
    const patience = calls > 0 ? silenceMilliseconds : watches > 0 ? watchSilenceMilliseconds : keepAlive;
    if (now - (calls > 0 ? this.#answeredAt : this.#heardAt) < Math.min(patience, keepAlive)) return undefined;
    this.#pingSentAt = now;
    return 'ping';
  }
}
