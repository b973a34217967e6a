// A cache that is bounded by the bytes of what it holds; what was put in first goes first. It knows nothing of what that is.

export class ByteCache<Value extends { readonly payload: Uint8Array }> {
  readonly #maxBytes: number;
  readonly #values = new Map<string, Value>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** What is larger than a quarter of the cache is not kept. */
  set(key: string, value: Value): void {
    this.delete(key);
    const bytes = sizeOf(key, value);
    if (bytes * 4 > this.#maxBytes) return;
    this.#values.set(key, value);
    this.#bytes += bytes;
    for (const oldest of this.#values.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= sizeOf(key, value);
  }

  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}

function sizeOf(key: string, value: { readonly payload: Uint8Array }): number {
  return 256 + key.length + value.payload.length;
}
