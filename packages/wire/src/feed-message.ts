// The layout of an observer's messages inside client and server frames: the request, and pieces of a snapshot or of changes around
// payloads that are copied in as they are. What the payloads hold is in `feed.ts`.
import type { FeedChanges, FeedSnapshot, ObserveRequest } from './feed.ts';
import { range } from './fields.ts';
import { bin, fields, flags, joined, list, optional, text, uint } from './layout.ts';
import type { Layout, Variant } from './layout.ts';

const digits: Layout<string> = {
  ...text,
  read(reader) {
    const hash = reader.text();
    return /^[0-9a-f]{16}$/.test(hash) ? hash : reader.fail('a content hash has 16 hexadecimal digits');
  },
};
const id = fields({ id: uint });
const body = fields({ revision: uint, index: uint, hash: optional(digits), payload: bin });

/** From, and one array of two elements a range. */
export const observe: Variant<ObserveRequest> = [10, fields({ id: uint, from: uint, ranges: list(range) })];

export const feedSnapshot = [
  11,
  joined(joined(id, flags('isFirst', 'isDone', 'isDeflated')), body),
] as Variant<FeedSnapshot>;
/** Only snapshots have a first and a last piece. */
export const feedChanges = [
  12,
  joined(joined(id, flags(undefined, undefined, 'isDeflated')), body),
] as Variant<FeedChanges>;
