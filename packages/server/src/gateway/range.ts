// RangeRequest: reading one, the scan that it takes, and the answer's text. etcd sorts and filters after fetching, and
// so must we where the order is not the key's: those requests fetch the whole range. Used alone and inside transactions.
import type { GetOp, Key, KeyRange, KeyValue, ScanOp, ScanOptions } from '@raftkv/kv';
import { booleanField, countField, enumField, fieldName, keyField } from './fields.ts';
import { formatKeyValue, listPiece, numberPiece, objectOf, truePiece } from './format.ts';
import type { JsonObject } from './json.ts';
import { refusals } from './refusal.ts';

export const names = { key: fieldName('key'), rangeEnd: fieldName('range_end') } as const;

const rangeNames = {
  limit: fieldName('limit'),
  revision: fieldName('revision'),
  sortOrder: fieldName('sort_order'),
  sortTarget: fieldName('sort_target'),
  serializable: fieldName('serializable'),
  keysOnly: fieldName('keys_only'),
  countOnly: fieldName('count_only'),
  minModRevision: fieldName('min_mod_revision'),
  maxModRevision: fieldName('max_mod_revision'),
  minCreateRevision: fieldName('min_create_revision'),
  maxCreateRevision: fieldName('max_create_revision'),
} as const;

const sortOrderType = { goName: 'etcdserverpb.RangeRequest_SortOrder', names: ['NONE', 'ASCEND', 'DESCEND'] };
const sortTargetType = {
  goName: 'etcdserverpb.RangeRequest_SortTarget',
  names: ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'],
};
const noOrder = 0;
const descending = 2;
/** A higher order is taken as "sorted after all was fetched, by nothing", as etcd takes it. */
const lastOrder = descending;
const byKey = 0;
const byVersion = 1;
const byCreate = 2;
const byMod = 3;
const byValue = 4;

export interface RangeRequest {
  readonly key: Key;
  /** Undefined: just the key. */
  readonly range: KeyRange | undefined;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: number;
  readonly sortTarget: number;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

/** `[key, range_end)` as a range: a single zero byte as the end means "no end"; an end at or below the key, nothing. */
export function keyRange(key: Key, rangeEnd: Key): KeyRange | undefined {
  if (rangeEnd === '') return undefined;
  if (rangeEnd === '\0') return { from: key, to: undefined };
  return { from: key, to: rangeEnd < key ? key : rangeEnd };
}

/** Throws a refusal if the key is missing or a field is off. */
export function readRange(message: JsonObject): RangeRequest {
  const key = keyField(message, names.key);
  const rangeEnd = keyField(message, names.rangeEnd);
  const request: RangeRequest = {
    key,
    range: keyRange(key, rangeEnd),
    limit: Math.max(0, countField(message, rangeNames.limit)),
    revision: Math.max(0, countField(message, rangeNames.revision)),
    sortOrder: enumField(message, rangeNames.sortOrder, sortOrderType),
    sortTarget: enumField(message, rangeNames.sortTarget, sortTargetType),
    serializable: booleanField(message, rangeNames.serializable),
    keysOnly: booleanField(message, rangeNames.keysOnly),
    countOnly: booleanField(message, rangeNames.countOnly),
    minModRevision: countField(message, rangeNames.minModRevision),
    maxModRevision: countField(message, rangeNames.maxModRevision),
    minCreateRevision: countField(message, rangeNames.minCreateRevision),
    maxCreateRevision: countField(message, rangeNames.maxCreateRevision),
  };
  if (key === '') throw refusals.keyMissing();
  return request;
}

/** The scan that fetches what `formatRange` needs: one entry beyond the limit tells whether there is more. */
export function scanOptions(request: RangeRequest): ScanOptions {
  return {
    limit: request.countOnly || mustFetchAll(request) || request.limit === 0 ? 0 : request.limit + 1,
    reverse: isReverseScan(request),
    keysOnly: request.keysOnly && request.sortTarget !== byValue,
    countOnly: request.countOnly,
    withCount: true,
    revision: request.revision,
  };
}

/** A range inside a transaction is cut (with `more`) at this many bytes: it is too late to refuse it once the rest is done. */
const maxTxnRangeBytes = 8 * 1024 * 1024;

/** The same as a step of a transaction. */
export function rangeOp(request: RangeRequest): GetOp | ScanOp {
  if (request.range === undefined) return { type: 'get', key: request.key, revision: request.revision };
  return { type: 'scan', range: request.range, ...scanOptions(request), maxBytes: maxTxnRangeBytes };
}

/** A RangeResponse. `header` is the ready piece, `count` the number of keys in the whole range. */
export function formatRange(
  request: RangeRequest,
  header: string,
  fetched: { readonly entries: readonly KeyValue[]; readonly count: number; readonly more?: boolean },
): string {
  if (request.countOnly) return objectOf(header, numberPiece('count', fetched.count));
  let entries = sorted(request, filtered(request, fetched.entries));
  const isOverLimit = request.limit > 0 && entries.length > request.limit;
  if (isOverLimit) entries = entries.slice(0, request.limit);
  const more = isOverLimit || fetched.more === true;
  const texts = entries.map((entry) => formatKeyValue(request.keysOnly ? { ...entry, value: noBytes } : entry));
  return objectOf(header, listPiece('kvs', texts), truePiece('more', more), numberPiece('count', fetched.count));
}

const noBytes = new Uint8Array(0);

function isReverseScan(request: RangeRequest): boolean {
  return request.sortTarget === byKey && request.sortOrder === descending;
}

function hasFilter(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

/** As in etcd, a target other than the key with no order given is sorted after the limit was applied. */
function mustFetchAll(request: RangeRequest): boolean {
  return hasFilter(request) || (request.sortOrder !== noOrder && request.sortTarget !== byKey);
}

function filtered(request: RangeRequest, entries: readonly KeyValue[]): readonly KeyValue[] {
  if (!hasFilter(request)) return entries;
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return entries.filter(
    (entry) =>
      (minModRevision === 0 || entry.revision >= minModRevision) &&
      (maxModRevision === 0 || entry.revision <= maxModRevision) &&
      (minCreateRevision === 0 || entry.createRevision >= minCreateRevision) &&
      (maxCreateRevision === 0 || entry.createRevision <= maxCreateRevision),
  );
}

function sorted(request: RangeRequest, entries: readonly KeyValue[]): readonly KeyValue[] {
  const compare = comparisonBy(request.sortTarget);
  if (compare === undefined || request.sortOrder < noOrder || request.sortOrder > lastOrder) return entries;
  const sign = request.sortOrder === descending ? -1 : 1;
  return entries.toSorted((a, b) => sign * compare(a, b));
}

function comparisonBy(target: number): ((a: KeyValue, b: KeyValue) => number) | undefined {
  switch (target) {
    case byVersion:
      return (a, b) => a.version - b.version;
    case byCreate:
      return (a, b) => a.createRevision - b.createRevision;
    case byMod:
      return (a, b) => a.revision - b.revision;
    case byValue:
      return (a, b) => compareBytes(a.value, b.value);
    default:
      // The key's own order, which the scan already has.
      return undefined;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
