// Reading a view: one key or a range, as it is now or as it was at a revision of the window. Used by the store's own
// reads and by the reads inside a transaction, which see what the transaction has written so far.
import type { CommandError, GetResult, Key, KeyRange, KeyValue, ScanOptions, ScanResult } from './command.ts';
import type { Keyspace } from './keyspace.ts';
import type { Visitor } from './key-index.ts';
import { compacted, futureRevision, invalidArgument } from './refusal.ts';
import { stop } from './key-index.ts';
import { recordAt } from './record.ts';

const noEntries: readonly KeyValue[] = [];
const noBytes = new Uint8Array(0);

/** Why a read as of `revision` (undefined or 0 = now) cannot be answered, if so. */
export function refuseRead(keyspace: Keyspace, revision: number | undefined): CommandError | undefined {
  if (revision === undefined || revision === 0) return undefined;
  if (!(Number.isSafeInteger(revision) && revision > 0)) return invalidArgument('a revision is a whole number');
  if (revision > keyspace.revision) return futureRevision(revision, keyspace.revision);
  // As in etcd, the compacted revision itself can still be read.
  if (revision < keyspace.compactedRevision) return compacted(revision, keyspace.compactedRevision);
  return undefined;
}

/** The caller has asked `refuseRead`. */
export function readKey(keyspace: Keyspace, key: Key, revision: number | undefined): GetResult {
  const newest = keyspace.index.find(key)?.newest;
  const record = revision === undefined || revision === 0 ? newest : recordAt(newest, revision);
  return { type: 'get', revision: keyspace.openRevision, entry: record?.entry };
}

/** The caller has asked `refuseRead` and checked the options. */
export function readRange(keyspace: Keyspace, range: KeyRange, options: ScanOptions): ScanResult {
  if (options.countOnly === true) {
    const count = countRange(keyspace, range, options.revision);
    return { type: 'scan', revision: keyspace.openRevision, entries: noEntries, more: false, count };
  }
  const page = new Page(options);
  if (options.reverse === true) keyspace.index.walkBackward(range, page.visit);
  else keyspace.index.walkForward(range, page.visit);
  const { entries, more } = page;
  const result = { type: 'scan', revision: keyspace.openRevision, entries, more } as const;
  return options.withCount === true ? { ...result, count: page.count } : result;
}

function countRange(keyspace: Keyspace, range: KeyRange, revision: number | undefined): number {
  const isNow = revision === undefined || revision === 0;
  if (isNow && range.from === '' && range.to === undefined) return keyspace.keys;
  let count = 0;
  keyspace.index.walkForward(range, (_key, { newest }) => {
    if ((isNow ? newest : recordAt(newest, revision))?.entry !== undefined) count++;
  });
  return count;
}

/** Collects a scan's answer during a walk; `visit` is a field so that the walk calls it without binding. */
class Page {
  readonly entries: KeyValue[] = [];
  more = false;
  count = 0;
  #bytes = 0;
  #isFull = false;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #revision: number;
  readonly #keysOnly: boolean;
  readonly #withCount: boolean;

  constructor(options: ScanOptions) {
    this.#limit = options.limit === undefined || options.limit === 0 ? Infinity : options.limit;
    this.#maxBytes = options.maxBytes ?? Infinity;
    this.#revision = options.revision === undefined || options.revision === 0 ? Infinity : options.revision;
    this.#keysOnly = options.keysOnly === true;
    this.#withCount = options.withCount === true;
  }

  readonly visit: Visitor = (_key, { newest }) => {
    const entry = recordAt(newest, this.#revision)?.entry;
    if (entry === undefined) return undefined;
    this.count++;
    if (this.#isFull) {
      this.more = true;
      return this.#withCount ? undefined : stop;
    }
    const answered = this.#keysOnly ? { ...entry, value: noBytes } : entry;
    this.entries.push(answered);
    this.#bytes += answered.key.length + answered.value.length;
    this.#isFull = this.entries.length >= this.#limit || this.#bytes >= this.#maxBytes;
    return undefined;
  };
}
