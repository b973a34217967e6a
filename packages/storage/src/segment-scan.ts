// Reads the frames of one segment and decides what a stop means: the end, a torn tail, or damage to something that was
// acknowledged. Pure functions over the bytes of the file; `recovery.ts` walks the segments with them.
import { frameAlignment, frameBytes, frameTypes, readFrameHeader, readFramePayload } from './frame.ts';
import { viewOf } from './file-format.ts';
import { segmentHeaderBytes } from './segment.ts';
import type { FrameType } from './frame.ts';

export interface ScannedFrame {
  readonly type: FrameType;
  readonly sequence: number;
  readonly floor: number;
  readonly offset: number;
  readonly payload: Uint8Array;
}

export interface SegmentScan {
  readonly frames: readonly ScannedFrame[];
  /** Where the first byte after the last whole frame is. */
  readonly endOffset: number;
  readonly isSealed: boolean;
}

/** The whole frames from the beginning of a segment on, in sequence. `firstSequence` undefined: whatever the first frame says. */
export function scanSegment(bytes: Uint8Array, salt: number, firstSequence: number | undefined): SegmentScan {
  const view = viewOf(bytes);
  const frames: ScannedFrame[] = [];
  let offset = segmentHeaderBytes;
  let expected = firstSequence;
  for (;;) {
    const header = readFrameHeader(bytes, view, offset, salt);
    if (header === undefined || (expected !== undefined && header.sequence !== expected)) break;
    const payload = readFramePayload(bytes, offset, header, salt);
    if (payload === undefined) break;
    const { type, sequence, floor } = header;
    frames.push({ type, sequence, floor, offset, payload });
    offset += frameBytes(header.payloadBytes);
    expected = sequence + 1;
    if (type === frameTypes.seal) return { frames, endOffset: offset, isSealed: true };
  }
  return { frames, endOffset: offset, isSealed: false };
}

/**
 * Looks behind a stop for proof that the frame which should stand there was durable: a header, whatever became of its payload, whose
 * floor is at or above that frame's sequence. Frames of one group share a floor below the group, so a group that reached the disk in
 * part proves nothing against itself. Returns the offset of the proof.
 */
export function findProof(bytes: Uint8Array, from: number, salt: number, missingSequence: number): number | undefined {
  return findHeader(bytes, from, salt, missingSequence);
}

function findHeader(bytes: Uint8Array, from: number, salt: number, minFloor: number): number | undefined {
  const view = viewOf(bytes);
  const last = bytes.length - frameAlignment;
  for (let offset = from; offset <= last; offset += frameAlignment) {
    // Zeros are most of what is searched; a header of zeros is none.
    if (view.getUint32(offset, true) === 0 && view.getUint32(offset + 4, true) === 0) continue;
    const header = readFrameHeader(bytes, view, offset, salt);
    if (header !== undefined && header.floor >= minFloor) return offset;
  }
  return undefined;
}

export interface SegmentEnd {
  readonly bytes: Uint8Array;
  readonly salt: number;
  readonly isRecycled: boolean;
  readonly endOffset: number;
}

/**
 * Where the torn tail behind the last whole frame ends; endOffset if there is none. In a fresh segment anything but zeros is torn. In a recycled
 * one the remains of its former life are harmless, and only a header of its own salt tells of frames that reached the disk in part.
 */
export function tornEnd({ bytes, salt, isRecycled, endOffset }: SegmentEnd): number {
  if (isRecycled) return findHeader(bytes, endOffset, salt, 0) === undefined ? endOffset : bytes.length;
  return endOfNonZero(bytes, endOffset);
}

/** The offset after the last byte that is not zero, or `from` if there is none behind it. */
export function endOfNonZero(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end;
}
