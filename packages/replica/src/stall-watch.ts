// When a loop that wakes too late is worth a complaint. A hand-over costs all clients a refusal or two, so it must save them more: only a stall
// that would have cost the leadership anyway counts, and only the third in a while. What is shorter is a busy machine: the followers
// wait on, and another leader on it would do no better. Called by pulse.ts.

/** However short the election timeout is: less than that is what a collection of garbage takes, or a machine with much to do. */
const leastStallMilliseconds = 100;
/** In election timeouts. */
const windowTimeouts = 60;
const enoughStalls = 3;

export class StallWatch {
  readonly #electionTimeoutMilliseconds: number;
  readonly #onStalling: () => void;
  /** When the last few happened. */
  #stalls: number[] = [];

  constructor(electionTimeoutMilliseconds: number, onStalling: () => void) {
    this.#electionTimeoutMilliseconds = electionTimeoutMilliseconds;
    this.#onStalling = onStalling;
  }

  /** The loop woke so much too late. Followers campaign when they have heard nothing for an election timeout, at the earliest. */
  late(milliseconds: number, now: number): void {
    const timeout = this.#electionTimeoutMilliseconds;
    if (milliseconds < Math.max(timeout, leastStallMilliseconds)) return;
    this.#stalls = this.#stalls.filter((at) => now - at < windowTimeouts * timeout);
    this.#stalls.push(now);
    if (this.#stalls.length < enoughStalls) return;
    this.#stalls = [];
    this.#onStalling();
  }
}
