// What users see of the store's values, and how it is made from what the wire gives.
import type { Key, KeyValue } from '@raftkv/kv';
import { keyToBytes, keyToString } from '@raftkv/wire';
import type { Codec } from './codec.ts';
import { decodeValue } from './coding.ts';

/** What keys in answers are: text, or with `keys: 'bytes'` bytes. */
export type UserKey = string | Uint8Array;

/** One key with its value and its history in brief. */
export interface Entry<Value = unknown, K extends UserKey = string> {
  readonly key: K;
  readonly value: Value;
  /** The revision that wrote this value. */
  readonly revision: number;
  /** The revision that created the key since it last did not exist. */
  readonly createRevision: number;
  /** Writes since then, from 1. */
  readonly version: number;
}

export interface PutEvent<Value = unknown, K extends UserKey = string> {
  readonly type: 'put';
  readonly key: K;
  readonly entry: Entry<Value, K>;
  readonly previous: Entry<Value, K> | undefined;
}
export interface DeleteEvent<Value = unknown, K extends UserKey = string> {
  readonly type: 'delete';
  readonly key: K;
  readonly revision: number;
  readonly previous: Entry<Value, K> | undefined;
}
export type WatchEvent<Value = unknown, K extends UserKey = string> = PutEvent<Value, K> | DeleteEvent<Value, K>;

/** Turns the wire's values into the user's. */
export interface View<Value, K extends UserKey> {
  readonly codec: Codec<Value>;
  readonly key: (key: Key) => K;
}

export function viewOf<Value, K extends UserKey>(codec: Codec<Value>, keys: 'text' | 'bytes'): View<Value, K> {
  return { codec, key: (keys === 'bytes' ? keyToBytes : keyToString) as (key: Key) => K };
}

export function toEntry<Value, K extends UserKey>(view: View<Value, K>, found: KeyValue): Entry<Value, K> {
  const { revision, createRevision, version } = found;
  return {
    key: view.key(found.key),
    value: decodeValue(view.codec, found.value),
    revision,
    createRevision,
    version,
  };
}

export function toOptionalEntry<Value, K extends UserKey>(
  view: View<Value, K>,
  found: KeyValue | undefined,
): Entry<Value, K> | undefined {
  return found === undefined ? undefined : toEntry(view, found);
}
