// What an observer is fed with: the messages as values, and the payloads inside them. A payload is encoded once for all observers at the same
// position, compressed or not, and only wrapped into each one's messages; it is stored as it came, so it carries a version of its own.
import type { Change, ChangeEvent, DeleteEvent, KeyRange, KeyValue, PutEvent } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import { boxed, fields, key, list, tagged, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { entries, entry } from './plain-result.ts';
import { decodeVersioned, encodeVersioned } from './versioned.ts';

/**
 * Open a feed: `feedSnapshot` and `feedChanges` with this id, until `cancel` or `watchCancelled`. What was consumed is reported by
 * `watchConsumed` in `feedBytes`. Ids share one space with watches.
 */
export interface ObserveRequest {
  readonly type: 'observe';
  readonly id: number;
  /** The observer has everything up to and including this revision; 0 = it has nothing. */
  readonly from: number;
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
}

interface FeedMessage {
  readonly id: number;
  /** The payload is raw DEFLATE; inflated it is no longer than the `maxFrameBytes` of the welcome. */
  readonly isDeflated: boolean;
  /** Everything up to and including this revision was delivered. */
  readonly revision: number;
  /** Every entry of the log up to this one is contained. */
  readonly index: number;
  /** The content hash of the store at `revision` (16 hexadecimal digits). Only for feeds of all keys, and not in the middle of a snapshot. */
  readonly hash: string | undefined;
}
/**
 * A piece of the present state: entries in key order, from `encodeFeedEntries`. With `isFirst`, what came before is to be forgotten once `isDone` has
 * come. In between `feedChanges` may come for keys already sent; with `isDone` the copy is consistent, as of `revision`.
 */
export interface FeedSnapshot extends FeedMessage {
  readonly type: 'feedSnapshot';
  readonly isFirst: boolean;
  readonly isDone: boolean;
  readonly payload: Uint8Array;
}
/** Whole revisions in order, from `encodeFeedChanges`. An empty payload holds none: the message then only says how far the feed has come. */
export interface FeedChanges extends FeedMessage {
  readonly type: 'feedChanges';
  readonly payload: Uint8Array;
}

/** How much of a feed's window a message takes: the one measure of server and client. Never 0. */
export function feedBytes(message: { readonly payload: Uint8Array }): number {
  return 64 + message.payload.length;
}

const boxedEntry = boxed(entry);
/** By hand, since changes come by the thousand. */
const put: Layout<Omit<PutEvent, 'type' | 'previous'>> = {
  size: 1,
  /** @server */
  write: (writer, { entry: made }, walk) => boxedEntry.write(writer, made, walk),
  read: (reader, walk): PutEvent => ({ type: 'put', entry: boxedEntry.read(reader, walk), previous: undefined }),
};
const eventLayout = tagged<Omit<PutEvent, 'previous'> | Omit<DeleteEvent, 'previous'>>('event', {
  put: [1, put],
  delete: [2, fields({ key, revision: uint })],
});
const changesLayout = list(boxed(fields({ revision: uint, events: list(eventLayout as Layout<ChangeEvent>) })));

/**
 * The changes of whole revisions as a payload. What was there before them is left out.
 *
 * @example
 * decodeFeedChanges(encodeFeedChanges(changes)); // the same, without `previous`
 */
export function encodeFeedChanges(changes: readonly Change[]): Uint8Array {
  return encodeVersioned(changesLayout, changes, changesHint(changes));
}

/**
 * What `encodeFeedChanges` made; nothing, if there is no byte. Values are views over `payload`. Throws `bad_frame` or `unsupported_version`,
 * also for revisions that do not rise, an event of another revision than the one it stands in, and an empty key.
 */
export function decodeFeedChanges(payload: Uint8Array): Change[] {
  const changes = decodePayload(changesLayout, payload);
  let before = 0;
  for (const { revision, events } of changes) {
    if (revision <= before) throw bad('revisions do not rise');
    before = revision;
    for (const each of events) {
      const written = each.type === 'put' ? each.entry : each;
      if (written.key.length === 0) throw bad('a key has at least one byte');
      if (written.revision !== revision) throw bad('an event is of another revision');
    }
  }
  return changes;
}

/** Entries in key order as a payload. */
export function encodeFeedEntries(made: readonly KeyValue[]): Uint8Array {
  let bytes = 6;
  for (const each of made) bytes += 32 + each.key.length + each.value.length;
  return encodeVersioned(entries, made, bytes);
}

/** What `encodeFeedEntries` made; nothing, if there is no byte. Values are views over `payload`. Throws `bad_frame`, also for keys out of order, or `unsupported_version`. */
export function decodeFeedEntries(payload: Uint8Array): KeyValue[] {
  const read = decodePayload(entries, payload);
  let before = '';
  for (const { key: made } of read) {
    if (made <= before) throw bad('keys are out of order');
    before = made;
  }
  return read;
}

function decodePayload<T>(layout: Layout<readonly T[]>, payload: Uint8Array): T[] {
  return payload.length === 0 ? [] : (decodeVersioned(layout, payload, "a feed's payload") as T[]);
}

function bad(problem: string): RaftkvError {
  return new RaftkvError('bad_frame', `in a feed's payload ${problem}`);
}

function changesHint(changes: readonly Change[]): number {
  let bytes = 6;
  for (const { events } of changes) {
    bytes += 16;
    for (const event of events) {
      bytes += 32 + (event.type === 'put' ? event.entry.key.length + event.entry.value.length : event.key.length);
    }
  }
  return bytes;
}
