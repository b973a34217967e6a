// Cuts a stream of JSON values, as a watch's request body is, into the texts of its values. Knows only brackets and
// strings; whether a text is JSON is found out by whoever parses it.
import { refusals } from './refusal.ts';

export class JsonSplitter {
  readonly #maxLength: number;
  #held = '';
  /** How far `#held` was looked at, and what was found there. */
  #at = 0;
  #depth = 0;
  #isInString = false;

  /** A value longer than `maxLength` units is refused (`request_too_large`). */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The values that this chunk completes. Throws a refusal at the limit. */
  push(chunk: string): string[] {
    this.#held += chunk;
    const values: string[] = [];
    for (; this.#at < this.#held.length; this.#at++) {
      if (this.#step(this.#held.charCodeAt(this.#at))) {
        values.push(this.#held.slice(0, this.#at + 1));
        this.#held = this.#held.slice(this.#at + 1);
        this.#at = -1;
      }
    }
    if (this.#held.length > this.#maxLength) throw refusals.requestTooLarge();
    return values;
  }

  /** What is left at the end: an incomplete value, or a bare one, or nothing. */
  finish(): string {
    return this.#held.trim();
  }

  /** Whether this unit ends a value. */
  #step(unit: number): boolean {
    if (this.#isInString) {
      if (unit === 92) this.#at++;
      else if (unit === 34) this.#isInString = false;
      return false;
    }
    if (unit === 34) this.#isInString = true;
    else if (unit === 123 || unit === 91) this.#depth++;
    else if (unit === 125 || unit === 93) {
      this.#depth = Math.max(0, this.#depth - 1);
      return this.#depth === 0;
    }
    return false;
  }
}
