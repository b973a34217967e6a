// Frames from a server to a client. `result` is the hot one; the rest is rare.
import type { ChangeEvent } from '@raftkv/kv';
import type { ErrorMessage, ServerMessage, ServerWelcome, WatchCancelled, WatchEvents } from './client.ts';
import { isErrorCode } from './error.ts';
import type { ErrorCode } from './error.ts';
import { readFeedChanges, readFeedSnapshot, writeFeed } from './feed-message.ts';
import { decodeFrame, encodeFrame, encodeFrames, expectElements } from './frame.ts';
import type { Reader } from './reader.ts';
import { readEntry, readOptionalEntry, readResult, writeEntry, writeOptionalEntry, writeResult } from './result.ts';
import { readMembers, readStatus, writeMembers, writeStatus } from './status.ts';
import type { Writer } from './writer.ts';

const welcomeTag = 1;
const leaderTag = 2;
const resultTag = 3;
const errorTag = 4;
const watchCreatedTag = 5;
const watchEventsTag = 6;
const watchProgressTag = 7;
const watchCancelledTag = 8;
const statusTag = 9;
const pongTag = 10;
const feedSnapshotTag = 11;
const feedChangesTag = 12;
/** Elements of the message with each tag; 0 = no such tag. */
const elements: readonly number[] = [0, 10, 2, 3, 7, 3, 3, 3, 5, 3, 2, 7, 7];

/** One frame with all of them; see `encodeServerFrames` for the limit. */
export function encodeServerFrame(messages: readonly ServerMessage[]): Uint8Array {
  return encodeFrame(messages, writeServerMessage, sizeHint(messages));
}

/**
 * As few frames as possible, none above `maxFrameBytes`. A message that alone is too large is handed to `replace` (to become an
 * error with the same id); without it this throws `frame_too_large`.
 */
export function encodeServerFrames(
  messages: readonly ServerMessage[],
  maxFrameBytes: number,
  replace?: (message: ServerMessage) => ServerMessage,
): Uint8Array[] {
  const capacityBytes = Math.min(sizeHint(messages), maxFrameBytes + 1);
  return encodeFrames(messages, writeServerMessage, { maxFrameBytes, capacityBytes }, replace);
}

/** Values are views over `bytes`. Throws `bad_frame` or `unsupported_version`. An error code that is not known here becomes `internal`. */
export function decodeServerFrame(bytes: Uint8Array): ServerMessage[] {
  return decodeFrame(bytes, readServerMessage);
}

function sizeHint(messages: readonly ServerMessage[]): number {
  let bytes = 1;
  for (const message of messages) {
    bytes += 32;
    if ('payload' in message) bytes += 40 + message.payload.length;
    if (message.type !== 'result') continue;
    const result = message.result;
    if (result.type === 'get' && result.entry !== undefined) {
      bytes += 48 + result.entry.key.length + result.entry.value.length;
    }
  }
  return bytes;
}

function writeServerMessage(writer: Writer, message: ServerMessage): void {
  switch (message.type) {
    case 'result':
      writer.array(3);
      writer.uint(resultTag);
      writer.uint(message.id);
      return writeResult(writer, message.result);
    case 'error':
      return writeError(writer, message);
    case 'watchEvents':
      return writeWatchEvents(writer, message);
    case 'watchProgress':
      return writeNumber(writer, watchProgressTag, message.id, message.revision);
    case 'watchCreated':
      return writeNumber(writer, watchCreatedTag, message.id, message.revision);
    case 'watchCancelled':
      return writeWatchCancelled(writer, message);
    case 'statusResult':
      writer.array(3);
      writer.uint(statusTag);
      writer.uint(message.id);
      return writeStatus(writer, message.status);
    case 'feedSnapshot':
    case 'feedChanges':
      writer.array(7);
      writer.uint(message.type === 'feedSnapshot' ? feedSnapshotTag : feedChangesTag);
      writer.uint(message.id);
      return writeFeed(writer, message);
    case 'pong':
      writer.array(2);
      writer.uint(pongTag);
      return writer.uint(message.id);
    case 'leader':
      writer.array(2);
      writer.uint(leaderTag);
      return writer.optionalText(message.leader);
    case 'welcome':
      return writeWelcome(writer, message);
  }
}

function readServerMessage(reader: Reader, tag: number, count: number): ServerMessage {
  expectElements(reader, tag, count, elements);
  if (tag === welcomeTag) return readWelcome(reader);
  if (tag === leaderTag) return { type: 'leader', leader: reader.optionalText() };
  const id = reader.uint();
  switch (tag) {
    case resultTag:
      return { type: 'result', id, result: readResult(reader) };
    case errorTag:
      return readError(reader, id);
    case watchCreatedTag:
      return { type: 'watchCreated', id, revision: reader.uint() };
    case watchEventsTag:
      return readWatchEvents(reader, id);
    case watchProgressTag:
      return { type: 'watchProgress', id, revision: reader.uint() };
    case watchCancelledTag:
      return readWatchCancelled(reader, id);
    case statusTag:
      return { type: 'statusResult', id, status: readStatus(reader) };
    case feedSnapshotTag:
      return readFeedSnapshot(reader, id);
    case feedChangesTag:
      return readFeedChanges(reader, id);
    default:
      return { type: 'pong', id };
  }
}

function writeNumber(writer: Writer, tag: number, id: number, value: number): void {
  writer.array(3);
  writer.uint(tag);
  writer.uint(id);
  writer.uint(value);
}

function writeError(writer: Writer, message: ErrorMessage): void {
  writer.array(7);
  writer.uint(errorTag);
  writer.uint(message.id);
  writer.text(message.code);
  writer.text(message.message);
  writer.bool(message.definite);
  writer.optionalUint(message.compactedRevision);
  writer.optionalText(message.leader);
}

function readError(reader: Reader, id: number): ErrorMessage {
  const code = readErrorCode(reader);
  const message = reader.text();
  const definite = reader.bool();
  const compactedRevision = reader.optionalUint();
  return { type: 'error', id, code, message, definite, compactedRevision, leader: reader.optionalText() };
}

/** A newer server may know more codes: its message still tells a person what happened. */
export function readErrorCode(reader: Reader): ErrorCode {
  const code = reader.text();
  return isErrorCode(code) ? code : 'internal';
}

function writeWatchEvents(writer: Writer, message: WatchEvents): void {
  writer.array(3);
  writer.uint(watchEventsTag);
  writer.uint(message.id);
  writer.array(message.changes.length);
  for (const change of message.changes) {
    writer.array(2);
    writer.uint(change.revision);
    writer.array(change.events.length);
    for (const event of change.events) writeEvent(writer, event);
  }
}

function readWatchEvents(reader: Reader, id: number): WatchEvents {
  const changes: { revision: number; events: ChangeEvent[] }[] = [];
  for (let left = reader.array(); left > 0; left -= 1) {
    reader.tuple(2);
    const revision = reader.uint();
    const events: ChangeEvent[] = [];
    for (let more = reader.array(); more > 0; more -= 1) events.push(readEvent(reader));
    changes.push({ revision, events });
  }
  return { type: 'watchEvents', id, changes };
}

/** put: [1, entry, previous]; delete: [2, key, revision, previous]. */
function writeEvent(writer: Writer, event: ChangeEvent): void {
  if (event.type === 'put') {
    writer.array(3);
    writer.uint(1);
    writeEntry(writer, event.entry);
  } else {
    writer.array(4);
    writer.uint(2);
    writer.key(event.key);
    writer.uint(event.revision);
  }
  writeOptionalEntry(writer, event.previous);
}

function readEvent(reader: Reader): ChangeEvent {
  const count = reader.array();
  const tag = reader.uint();
  if (tag === 1 && count === 3) {
    const entry = readEntry(reader);
    return { type: 'put', entry, previous: readOptionalEntry(reader) };
  }
  if (tag !== 2 || count !== 4) reader.fail('there is no such event');
  const key = reader.key();
  const revision = reader.uint();
  return { type: 'delete', key, revision, previous: readOptionalEntry(reader) };
}

function writeWatchCancelled(writer: Writer, message: WatchCancelled): void {
  writer.array(5);
  writer.uint(watchCancelledTag);
  writer.uint(message.id);
  writer.text(message.code);
  writer.text(message.message);
  writer.optionalUint(message.compactedRevision);
}

function readWatchCancelled(reader: Reader, id: number): WatchCancelled {
  const code = readErrorCode(reader);
  const message = reader.text();
  return { type: 'watchCancelled', id, code, message, compactedRevision: reader.optionalUint() };
}

function writeWelcome(writer: Writer, message: ServerWelcome): void {
  writer.array(10);
  writer.uint(welcomeTag);
  writer.uint(message.version);
  writer.text(message.clusterId);
  writer.text(message.memberId);
  writer.text(message.memberName);
  writer.uint(message.limits.maxFrameBytes);
  writer.uint(message.limits.maxCommandBytes);
  writer.uint(message.limits.maxInflightRequests);
  writer.optionalText(message.leader);
  writeMembers(writer, message.members);
}

function readWelcome(reader: Reader): ServerWelcome {
  const version = reader.uint();
  const clusterId = reader.text();
  const memberId = reader.text();
  const memberName = reader.text();
  const maxFrameBytes = reader.positive();
  const maxCommandBytes = reader.positive();
  const maxInflightRequests = reader.positive();
  const leader = reader.optionalText();
  return {
    type: 'welcome',
    version,
    clusterId,
    memberId,
    memberName,
    limits: { maxFrameBytes, maxCommandBytes, maxInflightRequests },
    leader,
    members: readMembers(reader),
  };
}
