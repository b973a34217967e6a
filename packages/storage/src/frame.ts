// A frame: the unit of the log on disk, whole or not there. It carries its place in the order (sequence), what was known to be
// durable when it was written (floor), and two checksums seeded with the segment's salt. `wal.ts` writes frames, `segment-scan.ts` reads them.
import { crc32c } from '@raftkv/wire';
import { getUint53, putUint53 } from './file-format.ts';

/**
 * `batch`: one LogBatch. `mark`: where the log begins and which snapshot is the latest. `seal`: the last frame of a
 * segment; the log goes on in the next one. `floor`: nothing but its floor, written on a clean close.
 */
export const frameTypes = { batch: 1, mark: 2, seal: 3, floor: 4 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export const frameHeaderBytes = 32;
/** Frames begin at multiples of this, so that a search for them after damage is short. */
export const frameAlignment = 8;
/** The largest payload of one frame; at the limit `append` throws `batch_too_large`. */
export const maxPayloadBytes = 256 * 1024 * 1024;

export interface FrameHeader {
  readonly type: FrameType;
  readonly payloadBytes: number;
  readonly sequence: number;
  readonly floor: number;
  readonly payloadChecksum: number;
}

/** How many bytes a frame takes: header, payload, padding. */
export function frameBytes(payloadBytes: number): number {
  return frameHeaderBytes + padded(payloadBytes);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / frameAlignment) * frameAlignment;
}

export interface FrameSeal {
  readonly type: FrameType;
  readonly payloadBytes: number;
  readonly sequence: number;
  readonly floor: number;
  readonly salt: number;
}

/** Writes the header of a frame whose payload and zero padding stand in `bytes` already, at `offset`. */
export function sealFrame(bytes: Uint8Array, view: DataView, offset: number, seal: FrameSeal): void {
  const start = offset + frameHeaderBytes;
  view.setUint32(offset + 4, crc32c(bytes.subarray(start, start + padded(seal.payloadBytes)), seal.salt), true);
  view.setUint32(offset + 8, seal.payloadBytes, true);
  view.setUint32(offset + 12, seal.type, true);
  putUint53(view, offset + 16, seal.sequence);
  putUint53(view, offset + 24, seal.floor);
  view.setUint32(offset, crc32c(bytes.subarray(offset + 4, start), seal.salt), true);
}

/** The header at `offset`, or undefined if none of this salt begins there. Its payload is not looked at: a header alone proves its floor. */
export function readFrameHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  salt: number,
): FrameHeader | undefined {
  if (offset + frameHeaderBytes > bytes.length) return undefined;
  const type = toFrameType(view.getUint32(offset + 12, true));
  const payloadBytes = view.getUint32(offset + 8, true);
  if (type === undefined || payloadBytes > maxPayloadBytes) return undefined;
  const checksum = crc32c(bytes.subarray(offset + 4, offset + frameHeaderBytes), salt);
  if (view.getUint32(offset, true) !== checksum) return undefined;
  const sequence = getUint53(view, offset + 16);
  const floor = getUint53(view, offset + 24);
  if (sequence === undefined || floor === undefined || floor >= sequence) return undefined;
  return { type, payloadBytes, sequence, floor, payloadChecksum: view.getUint32(offset + 4, true) };
}

/** The payload of the frame at `offset`, as a view, or undefined if it does not match the header. */
export function readFramePayload(
  bytes: Uint8Array,
  offset: number,
  header: FrameHeader,
  salt: number,
): Uint8Array | undefined {
  const start = offset + frameHeaderBytes;
  const end = start + padded(header.payloadBytes);
  if (end > bytes.length) return undefined;
  if (crc32c(bytes.subarray(start, end), salt) !== header.payloadChecksum) return undefined;
  return bytes.subarray(start, start + header.payloadBytes);
}

function toFrameType(value: number): FrameType | undefined {
  switch (value) {
    case frameTypes.batch:
    case frameTypes.mark:
    case frameTypes.seal:
    case frameTypes.floor:
      return value;
    default:
      return undefined;
  }
}
