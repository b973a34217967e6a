// PutRequest, DeleteRangeRequest and CompactionRequest: reading them, the commands they become, and their answers' text.
// Puts and deletes are used alone and inside transactions.
import type { DeleteOp, DeleteRangeOp, DeleteResult, Key, KeyRange, PutOp, PutResult } from '@raftkv/kv';
import { booleanField, bytesField, countField, fieldName, int64Field, keyField } from './fields.ts';
import { formatKeyValue, listPiece, numberPiece, objectOf } from './format.ts';
import type { JsonObject } from './json.ts';
import { keyRange, names } from './range.ts';
import { refusals } from './refusal.ts';

const putNames = {
  value: fieldName('value'),
  lease: fieldName('lease'),
  previous: fieldName('prev_kv'),
  ignoreValue: fieldName('ignore_value'),
  ignoreLease: fieldName('ignore_lease'),
  revision: fieldName('revision'),
} as const;

const noBytes = new Uint8Array(0);

export interface PutRequest {
  readonly op: PutOp;
  readonly lease: bigint;
  /** Write the present value again; the key must exist. */
  readonly ignoreValue: boolean;
  /** Keep the present lease; the key must exist. */
  readonly ignoreLease: boolean;
}

export function readPut(message: JsonObject): PutRequest {
  const key = keyField(message, names.key);
  const value = bytesField(message, putNames.value) ?? noBytes;
  const lease = int64Field(message, putNames.lease);
  const returnPrevious = booleanField(message, putNames.previous);
  const ignoreValue = booleanField(message, putNames.ignoreValue);
  const ignoreLease = booleanField(message, putNames.ignoreLease);
  if (key === '') throw refusals.keyMissing();
  if (ignoreValue && value.length !== 0) throw refusals.valueProvided();
  if (ignoreLease && lease !== 0n) throw refusals.leaseProvided();
  return { op: { type: 'put', key, value, returnPrevious }, lease, ignoreValue, ignoreLease };
}

/** A PutResponse, or a put's part of a TxnResponse. */
export function formatPut(header: string, result: PutResult): string {
  const previous = result.previous === undefined ? '' : `"prev_kv":${formatKeyValue(result.previous)}`;
  return objectOf(header, previous);
}

export interface DeleteRequest {
  readonly key: Key;
  readonly range: KeyRange | undefined;
  readonly op: DeleteOp | DeleteRangeOp;
}

export function readDelete(message: JsonObject): DeleteRequest {
  const key = keyField(message, names.key);
  const range = keyRange(key, keyField(message, names.rangeEnd));
  const returnPrevious = booleanField(message, putNames.previous);
  if (key === '') throw refusals.keyMissing();
  const op: DeleteOp | DeleteRangeOp =
    range === undefined ? { type: 'delete', key, returnPrevious } : { type: 'deleteRange', range, returnPrevious };
  return { key, range, op };
}

/** A DeleteRangeResponse, or a delete's part of a TxnResponse. */
export function formatDelete(header: string, result: DeleteResult): string {
  const previous = (result.previous ?? []).map(formatKeyValue);
  return objectOf(header, numberPiece('deleted', result.deleted), listPiece('prev_kvs', previous));
}

export function readCompaction(message: JsonObject): number {
  return countField(message, putNames.revision);
}
