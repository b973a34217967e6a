// The layout of an observer's messages inside client and server frames: the request, and pieces of a snapshot or of changes around
// payloads that are copied in as they are. What the payloads hold is in `feed.ts`.
import type { KeyRange } from '@raftkv/kv';
import type { FeedChanges, FeedSnapshot, ObserveRequest } from './feed.ts';
import { readRange, writeRange } from './fields.ts';
import { formatLimits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const firstFlag = 1;
const doneFlag = 2;
const deflatedFlag = 4;

/** After tag and id: from, and one array of two elements a range. */
export function writeObserve(writer: Writer, message: ObserveRequest): void {
  writer.uint(message.from);
  writer.array(message.ranges.length * 2);
  for (const range of message.ranges) writeRange(writer, range, formatLimits);
}

export function readObserve(reader: Reader, id: number): ObserveRequest {
  const from = reader.uint();
  const count = reader.array();
  if (count % 2 !== 0) reader.fail('a range has two elements');
  const ranges: KeyRange[] = [];
  for (let left = count; left > 0; left -= 2) ranges.push(readRange(reader, formatLimits));
  return { type: 'observe', id, from, ranges };
}

/** After tag and id: flags, revision, index, hash or nil, payload. */
export function writeFeed(writer: Writer, message: FeedSnapshot | FeedChanges): void {
  const isSnapshot = message.type === 'feedSnapshot';
  writer.uint(
    (isSnapshot && message.isFirst ? firstFlag : 0) |
      (isSnapshot && message.isDone ? doneFlag : 0) |
      (message.isDeflated ? deflatedFlag : 0),
  );
  writer.uint(message.revision);
  writer.uint(message.index);
  writer.optionalText(message.hash);
  writer.bin(message.payload);
}

export function readFeedSnapshot(reader: Reader, id: number): FeedSnapshot {
  const flags = reader.small(firstFlag | doneFlag | deflatedFlag);
  const isFirst = (flags & firstFlag) !== 0;
  const isDone = (flags & doneFlag) !== 0;
  return { type: 'feedSnapshot', id, isFirst, isDone, ...readBody(reader, flags) };
}

export function readFeedChanges(reader: Reader, id: number): FeedChanges {
  const flags = reader.small(deflatedFlag);
  if (flags !== 0 && flags !== deflatedFlag) reader.fail('only snapshots have a first and a last piece');
  return { type: 'feedChanges', id, ...readBody(reader, flags) };
}

function readBody(reader: Reader, flags: number): Omit<FeedChanges, 'type' | 'id'> {
  const isDeflated = (flags & deflatedFlag) !== 0;
  const revision = reader.uint();
  const index = reader.uint();
  const hash = reader.optionalText();
  if (hash !== undefined && !/^[0-9a-f]{16}$/.test(hash)) reader.fail('a content hash has 16 hexadecimal digits');
  return { isDeflated, revision, index, hash, payload: reader.bin() };
}
