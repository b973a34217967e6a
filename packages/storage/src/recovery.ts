// Reads the whole log back: walks the segments, tells a torn tail from damage, and replays the frames to a log and a hard state.
// It only reads; `mend.ts` then makes what was found durable and erases what was cut, before anything is appended.
import { RaftkvError } from '@raftkv/wire';
import { readWhole } from './disk.ts';
import { corrupt } from './file-format.ts';
import { lastMark, pathOf, replay } from './replay.ts';
import { decodeSegmentHeader, parseSegmentName, segmentHeaderBytes, segmentName } from './segment.ts';
import { findProof, scanSegment, tornEnd } from './segment-scan.ts';
import type { Disk } from './disk.ts';
import type { Mark } from './mark.ts';
import type { RecoveredSegment, ReplayedLog } from './replay.ts';
import type { SegmentScan } from './segment-scan.ts';
import type { StorageIdentity } from './storage.ts';

/** A larger segment file than this was not written by this program. */
const maxSegmentBytes = 1024 * 1024 * 1024;

export interface RecoveredLog extends ReplayedLog {
  /** Those with frames and those prepared behind them, in order. */
  readonly segments: readonly RecoveredSegment[];
  /** Which of them is written next. */
  readonly activePosition: number;
  readonly lastSequence: number;
  /** The highest sequence that the frames themselves prove to be durable. */
  readonly provenSequence: number;
  readonly mark: Mark | undefined;
  /** Segments that a mark has released and that a crash left behind. */
  readonly releasedNames: readonly string[];
  readonly repairs: readonly string[];
}

/** @throws RaftkvError `storage_missing` if there is no log, `storage_corrupt` with file and offset, `unsupported_version` */
export async function recoverLog(
  disk: Disk,
  names: readonly string[],
  identity: StorageIdentity,
): Promise<RecoveredLog> {
  const numbers = segmentNumbers(names);
  if (numbers.length === 0) {
    throw new RaftkvError(
      'storage_missing',
      `${disk.label} has an identity but its log is gone; restore the whole directory, or remove it and join as a new member`,
    );
  }
  const firstNumber = startOfLastRun(numbers);
  const segments = await readSegments(disk, numbers.slice(numbers.indexOf(firstNumber)), identity);
  const repairs: string[] = [];
  const activePosition = findActive(disk, segments, repairs);
  const { mark, resetSequence } = lastMark(disk, segments);
  const neededNumber = mark?.firstSegment ?? 1;
  if (firstNumber > neededNumber) {
    throw corrupt(pathOf(disk, firstNumber - 1), 0, 'this segment of the log is missing');
  }
  const replayed = replay(disk, segments, mark, resetSequence);
  let lastSequence = 0;
  let provenSequence = 0;
  for (const { frames } of segments) {
    for (const { sequence, floor } of frames) {
      lastSequence = sequence;
      provenSequence = Math.max(provenSequence, floor);
    }
  }
  return {
    segments: segments.filter(({ number }) => number >= neededNumber),
    activePosition: segments.slice(0, activePosition).filter(({ number }) => number >= neededNumber).length,
    lastSequence,
    provenSequence,
    mark,
    ...replayed,
    releasedNames: numbers.filter((number) => number < neededNumber).map(segmentName),
    repairs,
  };
}

/** The numbers of the segments among these names, in order. */
export function segmentNumbers(names: readonly string[]): number[] {
  const numbers: number[] = [];
  for (const name of names) {
    const number = parseSegmentName(name);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** Released segments may be gone in any order, so only the last run without a gap is the log; the mark says whether that is enough. */
function startOfLastRun(numbers: readonly number[]): number {
  let position = numbers.length - 1;
  while (position > 0 && numbers[position - 1] === numbers[position]! - 1) position -= 1;
  return numbers[position]!;
}

async function readSegments(
  disk: Disk,
  numbers: readonly number[],
  identity: StorageIdentity,
): Promise<RecoveredSegment[]> {
  const segments: RecoveredSegment[] = [];
  // Segment 1 begins with frame 1; a later one that is now the first begins with whatever follows what was released.
  let expected: number | undefined = numbers[0] === 1 ? 1 : undefined;
  let isBroken = false;
  for (const number of numbers) {
    const bytes = await readWhole(disk, segmentName(number), maxSegmentBytes);
    const header = decodeSegmentHeader(bytes, pathOf(disk, number), identity);
    const scan: SegmentScan = isBroken
      ? { frames: [], endOffset: segmentHeaderBytes, isSealed: false }
      : scanSegment(bytes, header.salt, expected);
    isBroken ||= !scan.isSealed;
    const last = scan.frames.at(-1);
    if (last !== undefined) expected = last.sequence + 1;
    segments.push({ ...header, ...scan, bytes, lastIndex: 0 });
  }
  return segments;
}

/** The position of the segment in which the log ends. Throws if the end is not a possible one. */
function findActive(disk: Disk, segments: readonly RecoveredSegment[], repairs: string[]): number {
  const position = segments.findIndex(({ isSealed }) => !isSealed);
  const active = segments[position];
  if (active === undefined) {
    throw corrupt(pathOf(disk, segments.at(-1)!.number + 1), 0, 'this segment of the log is missing');
  }
  const path = pathOf(disk, active.number);
  const previous = active.frames.at(-1) ?? segments[position - 1]?.frames.at(-1);
  if (previous === undefined && active.number !== 1) {
    throw corrupt(
      path,
      active.endOffset,
      'the first frame of the log is unreadable, or segments before it are missing',
    );
  }
  const missing = (previous?.sequence ?? 0) + 1;
  for (const segment of segments.slice(position)) {
    const proof = findProof(segment.bytes, segment.endOffset, segment.salt, missing);
    if (proof !== undefined) {
      const witness = `${segmentName(segment.number)} at byte ${proof}`;
      throw corrupt(path, active.endOffset, `frame ${missing} is unreadable, but was durable according to ${witness}`);
    }
    const cutBytes = tornEnd(segment) - segment.endOffset;
    if (cutBytes > 0) {
      repairs.push(
        `cut a torn tail of ${cutBytes} bytes, never acknowledged, from ${pathOf(disk, segment.number)} at byte ${segment.endOffset}`,
      );
    }
  }
  return position;
}
