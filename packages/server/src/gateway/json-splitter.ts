// Cuts a stream of JSON values, as a watch's request body is, into the texts of its values. Knows only brackets and
// strings; whether a text is JSON is found out by whoever parses it.
import { refusals } from './refusal.ts';

export class JsonSplitter {
  readonly #maxLength: number;
  #held = '';
  #depth = 0;
  #isInString = false;
  /** The next unit of the string stands for itself. */
  #isEscaped = false;

  /** A value longer than `maxLength` units is refused (`request_too_large`). */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The values that this chunk completes. Throws a refusal at the limit. Looks at each unit once, however small the chunks are. */
  push(chunk: string): string[] {
    const values: string[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (!this.#step(chunk.charCodeAt(at))) continue;
      values.push(this.#held + chunk.slice(start, at + 1));
      this.#held = '';
      start = at + 1;
    }
    this.#held += chunk.slice(start);
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
      if (this.#isEscaped) this.#isEscaped = false;
      else if (unit === 92) this.#isEscaped = true;
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
