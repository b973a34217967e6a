// What an observer is fed with: the messages as values, and the payloads inside them. A payload is encoded once for all observers at the same
// position, compressed or not, and only wrapped into each one's messages; it is stored as it came, so it carries a version of its own.
import type { Change, ChangeEvent, KeyRange, KeyValue } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import { Reader } from './reader.ts';
import { readEntries, readEntry, writeEntries, writeEntry } from './result.ts';
import { Writer } from './writer.ts';

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

/** Version 1 of the payloads, as their first byte. */
const payloadVersion = 1;
const putTag = 1;
const deleteTag = 2;

/**
 * The changes of whole revisions as a payload. What was there before them is left out.
 *
 * @example
 * decodeFeedChanges(encodeFeedChanges(changes)); // the same, without `previous`
 */
export function encodeFeedChanges(changes: readonly Change[]): Uint8Array {
  const writer = openPayload(changesHint(changes));
  writer.array(changes.length);
  for (const { revision, events } of changes) {
    writer.array(2);
    writer.uint(revision);
    writer.array(events.length);
    for (const event of events) writeEvent(writer, event);
  }
  return writer.finish();
}

/**
 * What `encodeFeedChanges` made; nothing, if there is no byte. Values are views over `payload`. Throws `bad_frame` or `unsupported_version`,
 * also for revisions that do not rise, an event of another revision than the one it stands in, and an empty key.
 */
export function decodeFeedChanges(payload: Uint8Array): Change[] {
  if (payload.length === 0) return [];
  const reader = readPayload(payload);
  const changes: Change[] = [];
  let before = 0;
  for (let left = reader.array(); left > 0; left -= 1) {
    reader.tuple(2);
    const revision = reader.uint();
    if (revision <= before) reader.fail('revisions do not rise');
    before = revision;
    const events: ChangeEvent[] = [];
    for (let more = reader.array(); more > 0; more -= 1) events.push(readEvent(reader, revision));
    changes.push({ revision, events });
  }
  reader.expectEnd();
  return changes;
}

/** Entries in key order as a payload. */
export function encodeFeedEntries(entries: readonly KeyValue[]): Uint8Array {
  let bytes = 6;
  for (const entry of entries) bytes += 32 + entry.key.length + entry.value.length;
  const writer = openPayload(bytes);
  writeEntries(writer, entries);
  return writer.finish();
}

/** What `encodeFeedEntries` made; nothing, if there is no byte. Values are views over `payload`. Throws `bad_frame`, also for keys out of order, or `unsupported_version`. */
export function decodeFeedEntries(payload: Uint8Array): KeyValue[] {
  if (payload.length === 0) return [];
  const reader = readPayload(payload);
  const entries = readEntries(reader);
  let before = '';
  for (const { key } of entries) {
    if (key <= before) reader.fail('keys are out of order');
    before = key;
  }
  reader.expectEnd();
  return entries;
}

function openPayload(capacityBytes: number): Writer {
  const writer = new Writer(capacityBytes);
  writer.byte(payloadVersion);
  return writer;
}

function readPayload(payload: Uint8Array): Reader {
  const reader = new Reader(payload);
  const version = reader.byte();
  if (version === payloadVersion) return reader;
  throw new RaftkvError('unsupported_version', `a feed's payload of version ${version}, which is not known here`);
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

/** put: [1, entry]; delete: [2, key, revision]. */
function writeEvent(writer: Writer, event: ChangeEvent): void {
  if (event.type === 'put') {
    writer.array(2);
    writer.uint(putTag);
    return writeEntry(writer, event.entry);
  }
  writer.array(3);
  writer.uint(deleteTag);
  writer.key(event.key);
  writer.uint(event.revision);
}

function readEvent(reader: Reader, revision: number): ChangeEvent {
  const count = reader.array();
  const tag = reader.uint();
  let event: ChangeEvent;
  if (tag === putTag && count === 2) {
    event = { type: 'put', entry: readEntry(reader), previous: undefined };
  } else {
    if (tag !== deleteTag || count !== 3) reader.fail('there is no such event');
    event = { type: 'delete', key: reader.key(), revision: reader.uint(), previous: undefined };
  }
  const { key, revision: written } = event.type === 'put' ? event.entry : event;
  if (key.length === 0) reader.fail('a key has at least one byte');
  if (written !== revision) reader.fail('an event is of another revision');
  return event;
}
