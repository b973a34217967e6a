// Frames from a client to a server. `write` and `get` come by the ten thousand a second: they are flat and nothing is copied but
// the command into the frame.
import type { ClientHello, ClientMessage, GetRequest, ReadLevel, ScanRequest, WatchRequest } from './client.ts';
import { readObserve, writeObserve } from './feed-message.ts';
import { readRange, readScanOptions, writeRange, writeScanOptions } from './fields.ts';
import { decodeFrame, encodeFrame, encodeFrames, expectElements } from './frame.ts';
import { formatLimits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const helloTag = 1;
const writeTag = 2;
const getTag = 3;
const scanTag = 4;
const watchTag = 5;
const watchConsumedTag = 6;
const cancelTag = 7;
const statusTag = 8;
const pingTag = 9;
const observeTag = 10;
/** Elements of the message with each tag; 0 = no such tag. */
const elements: readonly number[] = [0, 3, 3, 6, 10, 6, 3, 2, 2, 2, 4];

const levels: readonly ReadLevel[] = ['linearizable', 'session', 'local'];

/** One frame with all of them; see `encodeClientFrames` for the limit. */
export function encodeClientFrame(messages: readonly ClientMessage[]): Uint8Array {
  return encodeFrame(messages, writeClientMessage, sizeHint(messages));
}

/** As few frames as possible, none above `maxFrameBytes`. Throws `frame_too_large` if one message alone is. */
export function encodeClientFrames(messages: readonly ClientMessage[], maxFrameBytes: number): Uint8Array[] {
  const capacityBytes = Math.min(sizeHint(messages), maxFrameBytes + 1);
  return encodeFrames(messages, writeClientMessage, { maxFrameBytes, capacityBytes });
}

/** Commands are views over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeClientFrame(bytes: Uint8Array): ClientMessage[] {
  return decodeFrame(bytes, readClientMessage);
}

/** About how many bytes these take in a frame; never less for writes and gets of ASCII ids. */
function sizeHint(messages: readonly ClientMessage[]): number {
  let bytes = 1;
  for (const message of messages) {
    if (message.type === 'write') bytes += 20 + message.command.length;
    else if (message.type === 'get') bytes += 40 + message.key.length;
    else bytes += 64;
  }
  return bytes;
}

function writeClientMessage(writer: Writer, message: ClientMessage): void {
  switch (message.type) {
    case 'write':
      writer.array(3);
      writer.uint(writeTag);
      writer.uint(message.id);
      return writer.bin(message.command);
    case 'get':
      return writeGet(writer, message);
    case 'scan':
      return writeScan(writer, message);
    case 'watch':
      return writeWatch(writer, message);
    case 'watchConsumed':
      writer.array(3);
      writer.uint(watchConsumedTag);
      writer.uint(message.id);
      return writer.uint(message.bytes);
    case 'hello':
      return writeHello(writer, message);
    case 'cancel':
      return writeBare(writer, cancelTag, message.id);
    case 'status':
      return writeBare(writer, statusTag, message.id);
    case 'ping':
      return writeBare(writer, pingTag, message.id);
    case 'observe':
      writer.array(4);
      writer.uint(observeTag);
      writer.uint(message.id);
      return writeObserve(writer, message);
  }
}

function readClientMessage(reader: Reader, tag: number, count: number): ClientMessage {
  expectElements(reader, tag, count, elements);
  if (tag === helloTag) return readHello(reader);
  const id = reader.uint();
  switch (tag) {
    case writeTag:
      return { type: 'write', id, command: reader.bin() };
    case getTag:
      return readGet(reader, id);
    case scanTag:
      return readScan(reader, id);
    case watchTag:
      return readWatch(reader, id);
    case watchConsumedTag:
      return { type: 'watchConsumed', id, bytes: reader.uint() };
    case cancelTag:
      return { type: 'cancel', id };
    case statusTag:
      return { type: 'status', id };
    case observeTag:
      return readObserve(reader, id);
    default:
      return { type: 'ping', id };
  }
}

function writeBare(writer: Writer, tag: number, id: number): void {
  writer.array(2);
  writer.uint(tag);
  writer.uint(id);
}

function writeGet(writer: Writer, message: GetRequest): void {
  writer.array(6);
  writer.uint(getTag);
  writer.uint(message.id);
  writer.key(message.key);
  writer.uint(levels.indexOf(message.level));
  writer.uint(message.minRevision);
  writer.optionalUint(message.revision);
}

function readGet(reader: Reader, id: number): GetRequest {
  const key = reader.key();
  const level = levels[reader.small(2)]!;
  const minRevision = reader.uint();
  return { type: 'get', id, key, level, minRevision, revision: reader.optionalUint() };
}

function writeScan(writer: Writer, message: ScanRequest): void {
  writer.array(10);
  writer.uint(scanTag);
  writer.uint(message.id);
  writeRange(writer, message.range, formatLimits);
  writer.uint(levels.indexOf(message.level));
  writer.uint(message.minRevision);
  writeScanOptions(writer, message.options);
}

function readScan(reader: Reader, id: number): ScanRequest {
  const range = readRange(reader, formatLimits);
  const level = levels[reader.small(2)]!;
  const minRevision = reader.uint();
  return { type: 'scan', id, range, level, minRevision, options: readScanOptions(reader) };
}

function writeWatch(writer: Writer, message: WatchRequest): void {
  writer.array(6);
  writer.uint(watchTag);
  writer.uint(message.id);
  writeRange(writer, message.range, formatLimits);
  writer.uint(message.from);
  writer.uint((message.previous ? 1 : 0) | (message.progress ? 2 : 0));
}

function readWatch(reader: Reader, id: number): WatchRequest {
  const range = readRange(reader, formatLimits);
  const from = reader.uint();
  const flags = reader.small(3);
  return { type: 'watch', id, range, from, previous: (flags & 1) !== 0, progress: (flags & 2) !== 0 };
}

function writeHello(writer: Writer, message: ClientHello): void {
  writer.array(3);
  writer.uint(helloTag);
  writer.array(message.versions.length);
  for (const version of message.versions) writer.uint(version);
  writer.optionalText(message.clusterId);
}

function readHello(reader: Reader): ClientHello {
  const versions: number[] = [];
  for (let left = reader.array(); left > 0; left -= 1) versions.push(reader.uint());
  return { type: 'hello', versions, clusterId: reader.optionalText() };
}
