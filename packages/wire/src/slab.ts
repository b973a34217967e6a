// Room for many small encodings in one allocation: for whoever encodes thousands of them a second and lets go of them soon.

const slabBytes = 64 * 1024;

/**
 * Hands out pieces of larger buffers. A piece keeps its whole buffer alive, so this is for what does not live long: commands on their way
 * out, not values in a store.
 */
export class Slab {
  #bytes = new Uint8Array(0);
  #used = 0;

  /** A buffer with at least `count` free bytes from `used` on. */
  reserve(count: number): Uint8Array {
    if (this.#used + count > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(slabBytes, count));
      this.#used = 0;
    }
    return this.#bytes;
  }

  get used(): number {
    return this.#used;
  }

  /** The bytes up to `end` of the reserved buffer are taken. */
  take(end: number): void {
    this.#used = end;
  }
}
