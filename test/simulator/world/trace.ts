// What happened, as numbers that are hashed and, when somebody looks, as lines. The hash covers every event; two runs of one seed must agree in it
// byte for byte, in whatever runtime. Lines are made only when they are wanted, but for the few that tell of faults and changes of role.

const recentLines = 60;

export class Trace {
  /** Everything is told: lines go to `sink`. */
  readonly #sink: ((line: string) => void) | undefined;
  readonly #now: () => number;
  readonly #recent: string[] = [];
  #first = 0x811c9dc5;
  #second = 0x9e3779b9;

  constructor(now: () => number, sink?: (line: string) => void) {
    this.#now = now;
    this.#sink = sink;
  }

  get isVerbose(): boolean {
    return this.#sink !== undefined;
  }

  get recent(): readonly string[] {
    return this.#recent;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#first) + hex(this.#second);
  }

  /** Something that is not worth a line: what, and two numbers about it. */
  mark(what: number, a: number, b: number): void {
    const time = this.#now();
    this.#mix(what ^ Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35));
    // Times are compared to the last bit that a millionth of a millisecond has.
    this.#mix((time * 1e6) | 0);
  }

  note(line: string): void {
    const stamped = `${this.#now().toFixed(3).padStart(10)}  ${line}`;
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.mark(1, line.length, 0);
    this.#recent.push(stamped);
    if (this.#recent.length > recentLines) this.#recent.shift();
    this.#sink?.(stamped);
  }

  /** A line for whoever replays; it does not count. */
  detail(make: () => string): void {
    this.#sink?.(`${this.#now().toFixed(3).padStart(10)}  ${make()}`);
  }

  #mix(word: number): void {
    this.#first = Math.imul(this.#first ^ word, 0x01000193);
    this.#second = (Math.imul(this.#second, 0x5bd1e995) + word) | 0;
    this.#first ^= this.#first >>> 15;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
