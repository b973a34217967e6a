// When a loop that wakes too late is worth a complaint: a leader that stalls for a good part of an election timeout again and again makes all
// its clients wait, and comes near to being deposed each time. One stall is nobody's fault. Called by pulse.ts.

/** A shorter one is not noticed by anybody. */
const leastStallMilliseconds = 100;
/** In election timeouts. */
const windowTimeouts = 60;
const enoughPoints = 3;

export class StallWatch {
  readonly #electionTimeoutMilliseconds: number;
  readonly #onStalling: () => void;
  /** When the last few happened; one of a whole election timeout stands here twice. */
  #points: number[] = [];

  constructor(electionTimeoutMilliseconds: number, onStalling: () => void) {
    this.#electionTimeoutMilliseconds = electionTimeoutMilliseconds;
    this.#onStalling = onStalling;
  }

  /** The loop woke so much too late. */
  late(milliseconds: number, now: number): void {
    const timeout = this.#electionTimeoutMilliseconds;
    if (milliseconds < Math.max(timeout / 2, leastStallMilliseconds)) return;
    this.#points = this.#points.filter((at) => now - at < windowTimeouts * timeout);
    this.#points.push(now);
    if (milliseconds >= timeout) this.#points.push(now);
    if (this.#points.length < enoughPoints) return;
    this.#points = [];
    this.#onStalling();
  }
}
