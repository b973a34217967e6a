// Reads all that a database holds, but for the content of its snapshot, and checks it: what `open-storage.ts` starts from. Everything that is
// missing although the fence or the mark says that it was there is `storage_corrupt`, with the record.
import { promisifyRequest } from 'idb-keyval';
import type { Entry, HardState } from '@raftkv/raft';
import { corrupt } from '../file-format.ts';
import type { LogBatch, StoredState } from '../storage.ts';
import type { LogChunk } from './log-chunks.ts';
import {
  allLogKeys,
  allSnapshotKeys,
  decodeLogChunk,
  decodeRecord,
  fenceKey,
  identityKey,
  logKey,
  markKey,
  snapshotKey,
} from './records.ts';
import type { Fence, Mark } from './records.ts';

/** Chunks of the log that are read with one request: at most some megabytes come at once. */
const chunksARead = 128;

export interface FoundDatabase {
  readonly fence: Fence;
  readonly mark: Mark;
  readonly state: StoredState;
  readonly chunks: readonly LogChunk[];
  readonly nextSnapshotNumber: number;
  readonly leftovers: { readonly snapshots: readonly number[]; readonly hasLog: boolean };
}

export async function readDatabase(store: IDBObjectStore, place: string): Promise<FoundDatabase> {
  const [identityValue, fenceValue, markValue, logKeys, snapshotKeys] = await Promise.all([
    promisifyRequest<unknown>(store.get(identityKey.key)),
    promisifyRequest<unknown>(store.get(fenceKey.key)),
    promisifyRequest<unknown>(store.get(markKey.key)),
    promisifyRequest(store.getAllKeys(allLogKeys())),
    promisifyRequest(store.getAllKeys(allSnapshotKeys())),
  ]);
  const identity = decodeRecord(identityKey, identityValue, place);
  const fence = decodeRecord(fenceKey, fenceValue, place);
  const mark = decodeRecord(markKey, markValue, place);
  const leftovers = checkSnapshots(snapshotKeys, mark, place);
  const sequences = liveSequences(logKeys, mark, fence, place);
  const log = await readLog(store, sequences, mark, place);
  const { hardState, entries } = log;
  const { compactedIndex, compactedTerm } = mark;
  const repairs = leftovers.map((number) => `removed snapshot ${number} of ${place}, which is not the latest one`);
  return {
    fence,
    mark,
    state: { identity, hardState, snapshot: mark.snapshot?.meta, entries, compactedIndex, compactedTerm, repairs },
    chunks: log.chunks,
    nextSnapshotNumber: Math.max(0, mark.snapshot?.number ?? 0, ...leftovers) + 1,
    leftovers: { snapshots: leftovers, hasLog: sequences.length < logKeys.length },
  };
}

/** The numbers of snapshots that nothing points at. Throws if a chunk of the latest one is missing. */
function checkSnapshots(keys: readonly IDBValidKey[], { snapshot }: Mark, place: string): number[] {
  const leftovers = new Set<number>();
  const positions = new Set<number>();
  for (const key of keys) {
    const [number, position] = key as number[];
    if (number === snapshot?.number) positions.add(position!);
    else leftovers.add(number!);
  }
  if (snapshot !== undefined) {
    const count = Math.ceil(snapshot.bytes / snapshot.chunkBytes);
    for (let position = 0; position < count; position += 1) {
      if (positions.has(position)) continue;
      throw corrupt(`${place}/${snapshotKey(snapshot.number, position).label}`, 0, 'the record is missing');
    }
  }
  return [...leftovers];
}

/** The chunks that count: all from the first that the mark needs to the last that the fence knows. */
function liveSequences(keys: readonly IDBValidKey[], mark: Mark, fence: Fence, place: string): number[] {
  const sequences = (keys as number[]).filter((sequence) => sequence >= mark.firstSequence);
  const count = Math.max(0, fence.lastSequence + 1 - mark.firstSequence);
  for (let i = 0; i < Math.max(count, sequences.length); i += 1) {
    const expected = mark.firstSequence + i;
    if (sequences[i] === expected && i < count) continue;
    const path = `${place}/${logKey(Math.min(expected, sequences[i] ?? expected)).label}`;
    throw corrupt(path, 0, i < count ? 'the record is missing' : `it is beyond the last chunk, ${fence.lastSequence}`);
  }
  return sequences;
}

interface ReadLog {
  readonly chunks: readonly LogChunk[];
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
}

/** Replays the batches of all chunks in order, leaving out what is compacted. */
async function readLog(
  store: IDBObjectStore,
  sequences: readonly number[],
  mark: Mark,
  place: string,
): Promise<ReadLog> {
  const chunks: LogChunk[] = [];
  const entries: Entry[] = [];
  let { hardState } = mark;
  for (let from = 0; from < sequences.length; from += chunksARead) {
    const part = sequences.slice(from, from + chunksARead);
    const values = await promisifyRequest<unknown[]>(store.getAll(IDBKeyRange.bound(part[0], part.at(-1))));
    for (const [i, sequence] of part.entries()) {
      const value = values[i];
      const chunk: LogChunk = { sequence, lastIndex: 0, bytes: value instanceof Uint8Array ? value.length : 0 };
      chunks.push(chunk);
      for (const batch of decodeLogChunk(sequence, value, place)) {
        if (batch.hardState !== undefined && sequence >= mark.nextSequence) hardState = batch.hardState;
        if (!replay(batch, entries, mark.compactedIndex)) {
          const expected = mark.compactedIndex + entries.length + 1;
          const path = `${place}/${logKey(sequence).label}`;
          throw corrupt(path, 16, `entry ${batch.entries[0]?.index} follows where ${expected} should`);
        }
        chunk.lastIndex = Math.max(chunk.lastIndex, batch.entries.at(-1)?.index ?? 0);
      }
    }
  }
  return { chunks, entries, hardState };
}

/** False if the batch leaves a gap. */
function replay(batch: LogBatch, entries: Entry[], compactedIndex: number): boolean {
  const first = batch.entries[0];
  if (first === undefined) return true;
  const keep = Math.max(0, first.index - compactedIndex - 1);
  if (keep > entries.length) return false;
  entries.length = keep;
  for (const entry of batch.entries) if (entry.index > compactedIndex) entries.push(entry);
  return true;
}
