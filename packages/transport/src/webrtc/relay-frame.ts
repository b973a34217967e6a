// What two members that find no way to each other send through the relay: the pieces of their data ports, and what opens and ends a link. Bytes, beside the
// signals, which are JSON; both the relay and the members read them as hostile. What to do with them is for `relayed-links.ts` and `relay-lanes.ts`.
import { RaftkvError } from '@raftkv/wire';
import { fromCloseFrame, toCloseFrame } from '../close-code.ts';
import { maxPieceBytes } from './piece.ts';

/**
 * `open` asks for a link and `opened` agrees. `urgent` and `bulk` carry a message of that port; `takenUrgent` and `takenBulk` say how many bytes of it came
 * since the link was opened, cut to 32 bits. `end` ends the link for a reason; `absent`, from the relay alone, every link with that member.
 */
export type RelayFrameKind = (typeof kinds)[number];

export interface RelayFrame {
  readonly kind: RelayFrameKind;
  /** On the way to the relay: for whom. On the way from it: from whom. */
  readonly peer: string;
  /** Chosen by the one that opens it. */
  readonly link: number;
  readonly payload: Uint8Array;
}

/** Values of the protocol: never change or reuse one. */
const kinds = ['open', 'opened', 'urgent', 'bulk', 'takenUrgent', 'takenBulk', 'end', 'absent'] as const;

/** No JSON begins with a byte of this bit. The three bits below it are the version, the lowest four the kind. */
const bytesBit = 0x80;
const version = 1;
const headerBytes = 7;
const maxPeerBytes = 512;

export const nothing = new Uint8Array(0);

export function isRelayFrame(frame: Uint8Array): boolean {
  return ((frame[0] ?? 0) & bytesBit) !== 0;
}

export function encodeRelayFrame({ kind, peer, link, payload }: RelayFrame): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(peer);
  const frame = new Uint8Array(headerBytes + name.length + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, bytesBit | (version << 4) | kinds.indexOf(kind));
  view.setUint16(1, name.length);
  view.setUint32(3, link);
  frame.set(name, headerBytes);
  frame.set(payload, headerBytes + name.length);
  return frame;
}

/** The payload is a view. Throws `bad_frame`, `frame_too_large`, `unsupported_version`. */
export function decodeRelayFrame(frame: Uint8Array): RelayFrame {
  const first = frame[0] ?? 0;
  if (((first >> 4) & 7) !== version)
    throw new RaftkvError('unsupported_version', 'a relayed frame of another version');
  if (frame.length < headerBytes) throw new RaftkvError('bad_frame', 'half a relayed frame');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const payloadAt = headerBytes + view.getUint16(1);
  const kind = kinds[first & 0x0f];
  if (
    kind === undefined ||
    payloadAt === headerBytes ||
    payloadAt > Math.min(frame.length, headerBytes + maxPeerBytes)
  ) {
    throw new RaftkvError('bad_frame', 'a relayed frame that makes no sense');
  }
  if (frame.length - payloadAt > maxPieceBytes) {
    throw new RaftkvError('frame_too_large', `${frame.length} bytes of a relayed frame`);
  }
  return {
    kind,
    peer: readName(frame.subarray(headerBytes, payloadAt)),
    link: view.getUint32(3),
    payload: frame.subarray(payloadAt),
  };
}

/** Of `takenUrgent` and `takenBulk`. */
export function encodeCount(bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, bytes >>> 0);
  return payload;
}

export function decodeCount(payload: Uint8Array): number {
  if (payload.length !== 4) throw new RaftkvError('bad_frame', 'a count of another size');
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
}

/** Of `end`: as in a close frame. */
export function encodeReason(error: RaftkvError | undefined): Uint8Array {
  const { code, reason } = toCloseFrame(error);
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(text, 2);
  return payload;
}

export function decodeReason(payload: Uint8Array, remote: string): RaftkvError | undefined {
  if (payload.length < 2) throw new RaftkvError('bad_frame', 'an end without a reason');
  const code = new DataView(payload.buffer, payload.byteOffset, 2).getUint16(0);
  return fromCloseFrame(code, new TextDecoder().decode(payload.subarray(2)), remote);
}

function readName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RaftkvError('bad_frame', 'a name that is no text', { cause: error });
  }
}
