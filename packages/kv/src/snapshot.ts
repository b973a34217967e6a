// A consistent view of the store and its bytes. The format is in docs/snapshot-format.md; `restore.ts` reads it. Encoding goes on lazily
// while the store is written to, so it looks only at what was frozen when the view was taken.
import type { Tree } from './key-index.ts';
import type { KeyRecord } from './record.ts';
import type { Keyspace } from './keyspace.ts';
import type { Session, SessionTable } from './sessions.ts';
import { assert } from './assert.ts';
import { ChunkWriter } from './bytes.ts';
import { defaultChunkBytes } from './limits.ts';
import { recordAt } from './record.ts';
import { writeResult } from './result-codec.ts';

/** One consistent view of the whole state, cheap to take, unaffected by later writes. Call `release` when done: until then no history is trimmed. */
export interface StoreSnapshot {
  readonly appliedIndex: number;
  readonly revision: number;
  /**
   * Encoded lazily, in order; two replicas at the same applied index give the same bytes, however they came there. All chunks but the last have
   * `chunkBytes` (default 256 KiB), and each belongs to the caller. Throws InvariantError once the view is released.
   */
  chunks(chunkBytes?: number): IterableIterator<Uint8Array>;
  /** May be called more than once. */
  release(): void;
}

/** "RKVS", then the version of the format. */
export const snapshotMagic: readonly number[] = [0x52, 0x4b, 0x56, 0x53, 1];

export const tombstoneFlag = 1;
/** The key has an older version, which follows. */
export const olderFlag = 2;

interface View {
  readonly appliedIndex: number;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly sessions: readonly Session[];
  readonly tree: Tree;
}

export function takeSnapshot(appliedIndex: number, keyspace: Keyspace, table: SessionTable): StoreSnapshot {
  const { revision, compactedRevision } = keyspace;
  let view: View | undefined = {
    appliedIndex,
    revision,
    compactedRevision,
    sessions: table.freeze(),
    tree: keyspace.pin(),
  };
  return {
    appliedIndex,
    revision,
    *chunks(chunkBytes = defaultChunkBytes) {
      assert(
        Number.isSafeInteger(chunkBytes) && chunkBytes > 0,
        () => `chunkBytes must be a positive integer, not ${chunkBytes}`,
      );
      assert(view !== undefined, 'the snapshot is released');
      const writer = new ChunkWriter(chunkBytes);
      for (const _ of encode(writer, view)) {
        yield* writer.takeFull();
        assert(view !== undefined, 'the snapshot was released while it was read');
      }
      yield* writer.takeFull();
    },
    release() {
      if (view !== undefined) keyspace.unpin();
      view = undefined;
    },
  };
}

/** Yields whenever a chunk is full, so that one step costs about a chunk. */
function* encode(writer: ChunkWriter, view: View): Generator<void, void, void> {
  for (const byte of snapshotMagic) writer.byte(byte);
  writer.uint(view.appliedIndex);
  writer.uint(view.revision);
  writer.uint(view.compactedRevision);
  yield* encodeSessions(writer, view.sessions);
  yield* encodeKeys(writer, view);
  writer.finish();
}

/** Least recently used first: the order is itself replicated state, since it decides who is evicted. */
function* encodeSessions(writer: ChunkWriter, sessions: readonly Session[]): Generator<void, void, void> {
  writer.uint(sessions.length);
  for (const session of sessions) {
    writer.uint(session.clientId);
    writer.uint(session.lastUsedIndex);
    writer.uint(session.floor);
    writer.uint(session.answers.size);
    for (const [sequence, answer] of session.answers) {
      writer.uint(sequence);
      yield* writeResult(writer, answer);
      if (writer.isFull) yield;
    }
  }
}

function* encodeKeys(writer: ChunkWriter, view: View): Generator<void, void, void> {
  let keyCount = 0;
  let versionCount = 0;
  for (const [key, cell] of view.tree.entries()) {
    // Writes go on meanwhile, in the same cells.
    const newest = recordAt(cell.newest, view.revision);
    if (newest === undefined || !isKept(newest, view.compactedRevision)) continue;
    keyCount++;
    writer.string(key);
    let record: KeyRecord | undefined = newest;
    while (record !== undefined) {
      const older: KeyRecord | undefined = olderKept(record, view.compactedRevision);
      encodeVersion(writer, record, older !== undefined);
      versionCount++;
      record = older;
      if (writer.isFull) yield;
    }
  }
  writer.uint(0);
  writer.uint(keyCount);
  writer.uint(versionCount);
}

/** A tombstone is history: it goes once its revision lies below the compacted one. How far memory was trimmed must not show. */
function isKept(record: KeyRecord, compactedRevision: number): boolean {
  return record.entry !== undefined || record.revision >= compactedRevision;
}

/** The next older version that some read or watch can still ask for. */
function olderKept(record: KeyRecord, compactedRevision: number): KeyRecord | undefined {
  const older = record.revision > compactedRevision ? record.previous : undefined;
  return older !== undefined && isKept(older, compactedRevision) ? older : undefined;
}

function encodeVersion(writer: ChunkWriter, record: KeyRecord, hasOlder: boolean): void {
  const { entry } = record;
  writer.byte((entry === undefined ? tombstoneFlag : 0) | (hasOlder ? olderFlag : 0));
  writer.uint(record.revision);
  writer.uint(record.order);
  if (entry === undefined) return;
  writer.uint(entry.createRevision);
  writer.uint(entry.version);
  writer.blob(entry.value);
}
