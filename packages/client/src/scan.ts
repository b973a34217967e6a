// A scan as its user walks it: pages fetched on demand, all at the revision of the first, so that the whole is one consistent view.
import type { KeyRange, ScanResult } from '@raftkv/kv';
import type { ReadLevel } from '@raftkv/wire';
import { checkedNumber } from './checks.ts';
import type { Entry, UserKey, View } from './entry.ts';
import { toEntry, toKeyEntry } from './entry.ts';
import type { ScanOptions } from './requests.ts';

export interface Page<Value = unknown, K extends UserKey = string> {
  readonly entries: readonly Entry<Value, K>[];
  /** The revision that the whole scan reads at. */
  readonly revision: number;
  /** More entries follow, within the scan's limit. */
  readonly more: boolean;
}

export interface PageRequest {
  readonly range: KeyRange;
  readonly level: ReadLevel;
  /** undefined: now. */
  readonly revision: number | undefined;
  readonly limit: number;
}

/** Asks for one page; `options` gives signal, timeout, direction and keysOnly. A walk gets its own one, which may remember where it is. */
export type FetchPage = (request: PageRequest, options: ScanOptions) => Promise<ScanResult>;

const defaultPageSize = 1_000;

/**
 * The entries of a scan. Nothing is fetched before it is asked for, and each iteration scans anew.
 *
 * @example
 * ```ts
 * for await (const { key, value } of kv.scan({ prefix: 'user/' })) console.log(key, value);
 * const firstTen = await kv.scan({ prefix: 'user/', limit: 10 }).all();
 * ```
 */
export class Scan<Value = unknown, K extends UserKey = string> implements AsyncIterable<Entry<Value, K>> {
  readonly #begin: () => FetchPage;
  readonly #view: View<Value, K>;
  readonly #range: KeyRange;
  readonly #options: ScanOptions;

  /** Throws `invalid_argument` for limits that are none. */
  constructor(begin: () => FetchPage, view: View<Value, K>, range: KeyRange, options: ScanOptions) {
    checkedNumber('limit', options.limit, 0);
    checkedNumber('pageSize', options.pageSize, 1);
    this.#begin = begin;
    this.#view = view;
    this.#range = range;
    this.#options = options;
  }

  /** Entry by entry. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Entry<Value, K>, void, undefined> {
    for await (const page of this.pages()) yield* page.entries;
  }

  /** Everything at once: for ranges that are known to be small. */
  async all(): Promise<Entry<Value, K>[]> {
    const entries: Entry<Value, K>[] = [];
    for await (const page of this.pages()) for (const entry of page.entries) entries.push(entry);
    return entries;
  }

  /** Page by page; at least one, which may be empty. */
  async *pages(): AsyncGenerator<Page<Value, K>, void, undefined> {
    const { pageSize = defaultPageSize, reverse = false, keysOnly = false } = this.#options;
    const convert = keysOnly ? toKeyEntry : toEntry;
    const fetch = this.#begin();
    let { level = 'linearizable', revision } = this.#options;
    let left = this.#options.limit ?? Infinity;
    let range = this.#range;
    for (;;) {
      const request: PageRequest = { range, level, revision, limit: Math.max(1, Math.min(pageSize, left)) };
      const result = await fetch(request, this.#options);
      const found = left === 0 ? [] : result.entries;
      left -= found.length;
      const last = found.at(-1);
      const more = result.more && left > 0 && last !== undefined;
      revision ??= result.revision;
      yield { entries: found.map((entry) => convert(this.#view, entry)), revision, more };
      if (!more) return;
      range = reverse ? { from: range.from, to: last.key } : { from: `${last.key}\0`, to: range.to };
      // Whoever has come as far as the first page's node can serve the others: no further round through the quorum.
      level = 'session';
    }
  }
}
