// Scans as they are asked for: the walk, whose pages are fetched on demand, all at the revision of the first, so that the whole is one consistent view; and counts.
// A page may never need them: they are had from `rare.ts`, which in a page's production build loads them.
import type { KeyRange, KeyValue, ScanOptions as StoreScanOptions, ScanResult } from '@raftkv/kv';
import { expectType } from './answers.ts';
import type { Answer, Request } from './call.ts';
import type { CallOptions } from './dispatcher.ts';
import type { UserKey, View } from './entry.ts';
import { toEntry } from './entry.ts';
import { toKeyEntry } from './rare-entry.ts';
import type { ReadOptions, ScanOptions } from './requests.ts';
import type { Page } from './scan.ts';

/** Whoever carries the questions: the client. */
export interface Asker {
  ask<T>(kind: 'read', request: () => Request, options: CallOptions, convert: (answer: Answer) => T): Promise<T>;
  /** What a node must have come to before it may answer. Throws for what is no level and no revision. */
  leastRevision(options: ReadOptions): number;
}

/** What a scan is shown from where nobody need be asked. */
export interface ScannedCopy {
  readonly revision: number;
  /** In key order, as long as `visit` answers true. */
  walk(range: KeyRange, visit: (entry: KeyValue) => boolean, isReverse: boolean): void;
}

/** A copy that may answer this read, for this turn only; undefined: the cluster must be asked. */
export type ReachCopy = (range: KeyRange, options: ReadOptions) => Promise<ScannedCopy | undefined>;

type FoundPage = Pick<ScanResult, 'entries' | 'revision' | 'more'>;
type FetchPage = (limit: number) => Promise<FoundPage>;

const defaultPageSize = 1_000;

/** `left`: those of the options that say how long it may take. */
export async function countKeys(
  asker: Asker,
  range: KeyRange,
  options: ReadOptions,
  left: CallOptions,
): Promise<number> {
  const asked = { ...options, ...left };
  const { count = 0 } = await askScan(asker, range, asked, { countOnly: true, revision: asked.revision });
  return count;
}

/** `left`: of the first page, which may have less time than the others. */
export async function* scanPages<Value, K extends UserKey>(
  asker: Asker,
  reach: ReachCopy | undefined,
  view: View<Value, K>,
  whole: KeyRange,
  options: ScanOptions,
  left: CallOptions,
): AsyncGenerator<Page<Value, K>, void, undefined> {
  const { pageSize = defaultPageSize, reverse = false, keysOnly = false } = options;
  const convert = keysOnly ? toKeyEntry : toEntry;
  let { level, revision, limit: missing = Infinity } = options;
  let range = whole;
  let asked: ScanOptions = { ...options, ...left };
  let fetch: FetchPage = (limit) =>
    askScan(asker, range, { ...asked, level, revision }, { limit, revision, reverse, keysOnly });
  const copy = await reach?.(range, asked);
  if (copy !== undefined) fetch = givenOut(copy, range, missing, reverse);
  for (;;) {
    const result = await fetch(Math.max(1, Math.min(pageSize, missing)));
    asked = options;
    const found = missing === 0 ? [] : result.entries;
    missing -= found.length;
    const last = found.at(-1);
    const more = result.more && missing > 0 && last !== undefined;
    revision ??= result.revision;
    yield { entries: found.map((entry) => convert(view, entry)), revision, more };
    if (!more) return;
    range = reverse ? { from: range.from, to: last.key } : { from: `${last.key}\0`, to: range.to };
    // Whoever has come as far as the first page's node can serve the others: no further round through the quorum.
    level = 'session';
  }
}

/** A copy has no past: what the whole walk is to show is collected at its first page. */
function givenOut(copy: ScannedCopy, range: KeyRange, most: number, isReverse: boolean): FetchPage {
  const { revision } = copy;
  const entries: KeyValue[] = [];
  if (most > 0) copy.walk(range, (entry) => entries.push(entry) < most, isReverse);
  let given = 0;
  return async (limit) => {
    const found = entries.slice(given, given + limit);
    given += found.length;
    return { entries: found, revision, more: given < entries.length };
  };
}

function askScan(
  asker: Asker,
  range: KeyRange,
  options: ReadOptions,
  scanOptions: StoreScanOptions,
): Promise<ScanResult> {
  const request = (): Request => {
    const { level = 'linearizable' } = options;
    return { type: 'scan', id: 0, range, level, minRevision: asker.leastRevision(options), options: scanOptions };
  };
  return asker.ask('read', request, options, (answer) => expectType(answer, 'scan'));
}
