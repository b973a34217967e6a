// Learns when not to try to compress. Used for commands here, and by servers for what they feed.

const missesBeforeRest = 4;
const shortestRest = 16;
const longestRest = 1024;

/**
 * Says whether trying to compress is worth it, from how the last tries went: after four in a row that did not pay it rests for 16
 * payloads, then 32, … up to 1,024, and one that pays ends the rest. One gate a stream of like payloads (a client has one).
 */
export class CompressionGate {
  #misses = 0;
  #restLength = shortestRest;
  #restLeft = 0;

  shouldTry(): boolean {
    if (this.#restLeft === 0) return true;
    this.#restLeft -= 1;
    return false;
  }

  record(paid: boolean): void {
    if (paid) {
      this.#misses = 0;
      this.#restLength = shortestRest;
      return;
    }
    this.#misses += 1;
    if (this.#misses < missesBeforeRest) return;
    this.#restLeft = this.#restLength;
    this.#restLength = Math.min(longestRest, this.#restLength * 2);
  }
}
