// The walk of a scan: pages fetched on demand, all at the revision of the first, so that the whole is one consistent view. A page may never need it: it is had
// from `rare.ts`, which in a page's production build loads it.
import type { KeyRange, KeyValue, ScanResult } from '@raftkv/kv';
import type { ReadLevel } from '@raftkv/wire';
import type { UserKey, View } from './entry.ts';
import { toEntry } from './entry.ts';
import { toKeyEntry } from './rare-entry.ts';
import type { ScanOptions } from './requests.ts';
import type { Page } from './scan.ts';

export interface PageRequest {
  readonly range: KeyRange;
  readonly level: ReadLevel;
  /** undefined: now. */
  readonly revision: number | undefined;
  readonly limit: number;
}

type FoundPage = Pick<ScanResult, 'entries' | 'revision' | 'more'>;

/** What a whole walk is to show. */
export interface Collected {
  readonly entries: readonly KeyValue[];
  readonly revision: number;
}

export interface ScanSource {
  /** Asks for one page; `options` gives signal, timeout, direction and keysOnly. */
  fetch(request: PageRequest, options: ScanOptions): Promise<FoundPage>;
  /** Everything at the first page, up to the limit of the options, by who has no past; undefined: it must be fetched. */
  collect?(request: PageRequest, options: ScanOptions): Promise<Collected | undefined>;
}

const defaultPageSize = 1_000;

/** `first`: the options of the first page, where it has less time than the others. */
export async function* scanPages<Value, K extends UserKey>(
  source: ScanSource,
  view: View<Value, K>,
  whole: KeyRange,
  options: ScanOptions,
  first = options,
): AsyncGenerator<Page<Value, K>, void, undefined> {
  const { pageSize = defaultPageSize, reverse = false, keysOnly = false } = options;
  const convert = keysOnly ? toKeyEntry : toEntry;
  let { level = 'linearizable', revision } = options;
  let left = options.limit ?? Infinity;
  let range = whole;
  let asked = first;
  let fetch = (request: PageRequest): Promise<FoundPage> => source.fetch(request, asked);
  if (source.collect !== undefined) {
    const collected = await source.collect({ range, level, revision, limit: left }, first);
    if (collected !== undefined) fetch = givenOut(collected);
  }
  for (;;) {
    const result = await fetch({ range, level, revision, limit: Math.max(1, Math.min(pageSize, left)) });
    asked = options;
    const found = left === 0 ? [] : result.entries;
    left -= found.length;
    const last = found.at(-1);
    const more = result.more && left > 0 && last !== undefined;
    revision ??= result.revision;
    yield { entries: found.map((entry) => convert(view, entry)), revision, more };
    if (!more) return;
    range = reverse ? { from: range.from, to: last.key } : { from: `${last.key}\0`, to: range.to };
    // Whoever has come as far as the first page's node can serve the others: no further round through the quorum.
    level = 'session';
  }
}

/** What was collected, page by page. */
function givenOut({ entries, revision }: Collected): (request: PageRequest) => Promise<FoundPage> {
  let given = 0;
  return async ({ limit }) => {
    const found = entries.slice(given, given + limit);
    given += found.length;
    return { entries: found, revision, more: given < entries.length };
  };
}
