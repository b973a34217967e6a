// Keys in order, with what each holds: found by name in a hash map, by order in sorted runs of a few hundred keys. A library's B+ tree would
// be a fifth of all that a tab may load; this is a page. It knows nothing of entries, revisions or bytes.

/** Keys from `from` (inclusive) to `to` (exclusive); `to` undefined = no upper end. */
export interface Bounds {
  readonly from: string;
  readonly to: string | undefined;
}

/** A run that grows past this is cut in two. Moving half a run is a memmove of 2 KiB: less than a step in a tree. */
const maxRunLength = 512;

export class OrderedMap<Value> {
  readonly #values = new Map<string, Value>();
  /** Each in ascending order, each below the next one, none empty (but the first, when there is nothing). */
  readonly #runs: string[][] = [[]];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Answers what was there before. */
  set(key: string, value: Value): Value | undefined {
    const before = this.#values.get(key);
    const isNew = before === undefined && !this.#values.has(key);
    this.#values.set(key, value);
    if (isNew) this.#insert(key);
    return before;
  }

  /** Answers what was there. */
  delete(key: string): Value | undefined {
    const before = this.#values.get(key);
    if (!this.#values.delete(key)) return undefined;
    const at = this.#runOf(key);
    const run = this.#runs[at]!;
    run.splice(lowerBound(run, key), 1);
    if (run.length === 0 && this.#runs.length > 1) this.#runs.splice(at, 1);
    return before;
  }

  /** Visits the keys within the bounds in order (or from the last one down) until `visit` answers false. The map must not be changed meanwhile. */
  walk({ from, to }: Bounds, isReverse: boolean, visit: (value: Value, key: string) => boolean | void): void {
    const step = isReverse ? -1 : 1;
    const edge = isReverse ? to : from;
    let at = edge === undefined ? this.#runs.length - 1 : this.#runOf(edge);
    let run = this.#runs[at];
    let i = edge === undefined ? run!.length : lowerBound(run!, edge);
    if (isReverse) i -= 1;
    while (run !== undefined) {
      for (let key = run[i]; key !== undefined; key = run[(i += step)]) {
        const isOutside = isReverse ? key < from : to !== undefined && key >= to;
        if (isOutside || visit(this.#values.get(key)!, key) === false) return;
      }
      run = this.#runs[(at += step)];
      i = isReverse && run !== undefined ? run.length - 1 : 0;
    }
  }

  #insert(key: string): void {
    const at = this.#runOf(key);
    const run = this.#runs[at]!;
    // A copy that is fetched comes in order: then this is a push.
    if (run.length === 0 || key > run[run.length - 1]!) run.push(key);
    else run.splice(lowerBound(run, key), 0, key);
    if (run.length <= maxRunLength) return;
    // In order, the left one stays full and the right one has room for what comes.
    const isAtEnd = at === this.#runs.length - 1 && run[run.length - 1] === key;
    this.#runs.splice(at + 1, 0, run.splice(isAtEnd ? maxRunLength : maxRunLength >>> 1));
  }

  /** The run that holds the key or would: the last one that begins at or below it. */
  #runOf(key: string): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#runs[middle]![0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The first position whose key is not below this one. */
function lowerBound(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (run[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
