// The payload of a mark frame: all small state of the log at one moment, so that older segments can go. The latest mark
// decides where the log begins, which segment is the first, and which snapshot file counts; a file without a mark does not count.
import { decodeLogBatch, encodeLogBatch } from '@raftkv/wire';
import { getUint53, putUint53, viewOf } from './file-format.ts';
import type { HardState } from '@raftkv/raft';

/** The latest snapshot: which file, what it covers, and the checksum that its footer must have. */
export interface SnapshotMark {
  readonly number: number;
  readonly lastIncludedIndex: number;
  readonly lastIncludedTerm: number;
  readonly checksum: number;
}

export interface Mark {
  /** The whole log before this frame is void; the log begins anew after compactedIndex. */
  readonly isReset: boolean;
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** Segments before this one are not needed, and may be gone. */
  readonly firstSegment: number;
  readonly snapshot: SnapshotMark | undefined;
  readonly hardState: HardState | undefined;
}

const fixedBytes = 64;

export function encodeMark(mark: Mark): Uint8Array {
  const tail = encodeLogBatch({ hardState: mark.hardState, entries: [] });
  const bytes = new Uint8Array(fixedBytes + tail.length);
  const view = viewOf(bytes);
  view.setUint32(0, mark.isReset ? 1 : 0, true);
  view.setUint32(4, mark.snapshot?.checksum ?? 0, true);
  putUint53(view, 8, mark.compactedIndex);
  putUint53(view, 16, mark.compactedTerm);
  putUint53(view, 24, mark.firstSegment);
  putUint53(view, 32, mark.snapshot?.number ?? 0);
  putUint53(view, 40, mark.snapshot?.lastIncludedIndex ?? 0);
  putUint53(view, 48, mark.snapshot?.lastIncludedTerm ?? 0);
  bytes.set(tail, fixedBytes);
  return bytes;
}

/** Undefined if the bytes make no sense. */
export function decodeMark(bytes: Uint8Array): Mark | undefined {
  if (bytes.length < fixedBytes) return undefined;
  const view = viewOf(bytes);
  const compactedIndex = getUint53(view, 8);
  const compactedTerm = getUint53(view, 16);
  const firstSegment = getUint53(view, 24);
  const number = getUint53(view, 32);
  const lastIncludedIndex = getUint53(view, 40);
  const lastIncludedTerm = getUint53(view, 48);
  if (compactedIndex === undefined || compactedTerm === undefined || firstSegment === undefined) return undefined;
  if (number === undefined || lastIncludedIndex === undefined || lastIncludedTerm === undefined) return undefined;
  return {
    isReset: view.getUint32(0, true) === 1,
    compactedIndex,
    compactedTerm,
    firstSegment,
    snapshot:
      number === 0 ? undefined : { number, lastIncludedIndex, lastIncludedTerm, checksum: view.getUint32(4, true) },
    hardState: decodeLogBatch(bytes.subarray(fixedBytes)).hardState,
  };
}
