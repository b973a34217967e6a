// A scan as its user holds it. How it is walked, page by page, is in `scan-pages.ts`.
import { checkedNumber } from './checks.ts';
import type { Entry, UserKey } from './entry.ts';
import type { ScanOptions } from './requests.ts';

export interface Page<Value = unknown, K extends UserKey = string> {
  readonly entries: readonly Entry<Value, K>[];
  /** The revision that the whole scan reads at. */
  readonly revision: number;
  /** More entries follow, within the scan's limit. */
  readonly more: boolean;
}

/** Begins a walk. */
export type WalkPages<Value, K extends UserKey> = () => AsyncGenerator<Page<Value, K>, void, undefined>;

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
  /** Page by page; at least one, which may be empty. */
  readonly pages: WalkPages<Value, K>;

  /** Throws `invalid_argument` for limits that are none. */
  constructor({ limit, pageSize }: ScanOptions, pages: WalkPages<Value, K>) {
    checkedNumber('limit', limit, 0);
    checkedNumber('pageSize', pageSize, 1);
    this.pages = pages;
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
}

/** Begins a walk whose code may have to be loaded. */
export async function* pagesOf<Value, K extends UserKey>(
  walk: () => Promise<ReturnType<WalkPages<Value, K>>>,
): ReturnType<WalkPages<Value, K>> {
  yield* await walk();
}
