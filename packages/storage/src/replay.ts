// From frames to a log: finds the last mark, then replays the batches that it leaves valid. Called by `recovery.ts` when it knows which
// frames count; a gap or a batch that does not decode is damage, since its checksum was right.
import { RaftkvError, decodeLogBatch } from '@raftkv/wire';
import { corrupt } from './file-format.ts';
import { frameTypes } from './frame.ts';
import { decodeMark } from './mark.ts';
import { segmentName } from './segment.ts';
import type { Entry, HardState } from '@raftkv/raft';
import type { Disk } from './disk.ts';
import type { Mark } from './mark.ts';
import type { SegmentHeader } from './segment.ts';
import type { ScannedFrame, SegmentScan } from './segment-scan.ts';

export interface RecoveredSegment extends SegmentHeader, SegmentScan {
  readonly bytes: Uint8Array;
  /** The highest index of any entry in it that is not void; 0 for none. */
  lastIndex: number;
}

/** The last mark, and the sequence of the last one that voided what was before it. */
export function lastMark(
  disk: Disk,
  segments: readonly RecoveredSegment[],
): { mark: Mark | undefined; resetSequence: number } {
  let mark: Mark | undefined;
  let resetSequence = 0;
  for (const segment of segments) {
    for (const frame of segment.frames) {
      if (frame.type !== frameTypes.mark) continue;
      mark = decodeMarkOf(disk, segment, frame);
      if (mark.isReset) resetSequence = frame.sequence;
    }
  }
  return { mark, resetSequence };
}

function decodeMarkOf(disk: Disk, segment: RecoveredSegment, frame: ScannedFrame): Mark {
  const mark = decodeMark(frame.payload);
  if (mark === undefined) throw corrupt(pathOf(disk, segment.number), frame.offset, 'a mark makes no sense');
  return mark;
}

export interface ReplayedLog {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly compactedIndex: number;
  readonly compactedTerm: number;
}

/** Replays batches in order, leaving out what the last mark made void or unwanted. */
export function replay(
  disk: Disk,
  segments: readonly RecoveredSegment[],
  mark: Mark | undefined,
  resetSequence: number,
): ReplayedLog {
  const compactedIndex = mark?.compactedIndex ?? 0;
  const entries: Entry[] = [];
  let hardState: HardState | undefined;
  for (const segment of segments) {
    for (const frame of segment.frames) {
      if (frame.type === frameTypes.mark) hardState = decodeMarkOf(disk, segment, frame).hardState;
      if (frame.type !== frameTypes.batch) continue;
      const batch = decodeFrame(disk, segment, frame);
      if (batch.hardState !== undefined) hardState = batch.hardState;
      const first = batch.entries[0];
      if (first === undefined || frame.sequence < resetSequence) continue;
      segment.lastIndex = Math.max(segment.lastIndex, first.index + batch.entries.length - 1);
      const keep = Math.max(0, first.index - compactedIndex - 1);
      if (keep > entries.length) {
        const expected = compactedIndex + entries.length + 1;
        throw corrupt(
          pathOf(disk, segment.number),
          frame.offset,
          `entry ${first.index} follows where ${expected} should`,
        );
      }
      entries.length = keep;
      for (const entry of batch.entries) if (entry.index > compactedIndex) entries.push(entry);
    }
  }
  return { hardState, entries, compactedIndex, compactedTerm: mark?.compactedTerm ?? 0 };
}

function decodeFrame(disk: Disk, segment: RecoveredSegment, frame: ScannedFrame): ReturnType<typeof decodeLogBatch> {
  try {
    return decodeLogBatch(frame.payload);
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    const path = pathOf(disk, segment.number);
    if (code === 'unsupported_version') throw new RaftkvError(code, `${path} at byte ${frame.offset}: ${message}`);
    throw corrupt(path, frame.offset, `a batch does not decode (${message})`);
  }
}

export function pathOf(disk: Disk, number: number): string {
  return `${disk.label}/${segmentName(number)}`;
}
