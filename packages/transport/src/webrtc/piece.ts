// What travels through a data port: frames in numbered pieces, the end, and how much was taken. The layouts, and reading them from bytes that
// are hostile. What to do with pieces is for `outbox.ts` and `port-channel.ts`.
import { RaftkvError } from '@raftkv/wire';
import { fromCloseFrame, toCloseFrame } from '../close-code.ts';

/** No browser has trouble with messages of this size; larger ones are cut or refused by some, and hold up others. */
export const maxPieceBytes = 16 * 1024;

/** The number of the first piece: near the end of the circle, so that each run goes round and a mistake there cannot hide. */
export const firstNumber = 0xffff_ffc0;

/**
 * `first` begins a frame and says how long it is, `next` goes on with it. `first`, `next` and `end` share one row of numbers, which goes round
 * after 32 bits. `taken` is how many bytes were taken since the start, cut to 32 bits; it and `endTaken` have no number, since the last one heard counts.
 */
export type Piece =
  | { readonly kind: 'first'; readonly number: number; readonly totalBytes: number; readonly bytes: Uint8Array }
  | { readonly kind: 'next'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly number: number; readonly error: RaftkvError | undefined }
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'endTaken' };
export type NumberedPiece = Extract<Piece, { number: number }>;

/** The highest four bits of the first byte: the version of the format. */
const version = 0x10;
/** Values of the protocol: never change or reuse one. */
const kinds = ['first', 'next', 'end', 'taken', 'endTaken'] as const;

const firstHeaderBytes = 9;
const nextHeaderBytes = 5;
const endHeaderBytes = 7;

/** The piece of the frame that begins at `offset`, and where the next one begins. */
export function cutPiece(
  frame: Uint8Array,
  offset: number,
  number: number,
): { readonly piece: Uint8Array<ArrayBuffer>; readonly nextOffset: number } {
  const headerBytes = offset === 0 ? firstHeaderBytes : nextHeaderBytes;
  const nextOffset = Math.min(frame.length, offset + maxPieceBytes - headerBytes);
  const { piece, view } = allocate(offset === 0 ? 'first' : 'next', headerBytes + nextOffset - offset);
  view.setUint32(1, number);
  if (offset === 0) view.setUint32(5, frame.length);
  piece.set(frame.subarray(offset, nextOffset), headerBytes);
  return { piece, nextOffset };
}

export function encodeEnd(number: number, error: RaftkvError | undefined): Uint8Array<ArrayBuffer> {
  const { code, reason } = toCloseFrame(error);
  const text = new TextEncoder().encode(reason);
  const { piece, view } = allocate('end', endHeaderBytes + text.length);
  view.setUint32(1, number);
  view.setUint16(5, code);
  piece.set(text, endHeaderBytes);
  return piece;
}

export function encodeTaken(bytes: number): Uint8Array<ArrayBuffer> {
  const { piece, view } = allocate('taken', 5);
  view.setUint32(1, bytes);
  return piece;
}

export function encodeEndTaken(): Uint8Array<ArrayBuffer> {
  return allocate('endTaken', 1).piece;
}

/** Throws `bad_frame`, or `unsupported_version` for what a later build says. The bytes are views on the message. `remote` is for sentences. */
export function decodePiece(message: Uint8Array, remote: string): Piece {
  const head = message[0] ?? 0;
  if ((head & 0xf0) !== version) {
    throw new RaftkvError('unsupported_version', `${remote} sends pieces of version ${head >> 4}`);
  }
  const kind = kinds[head & 0x0f];
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (kind === 'first' && message.length >= firstHeaderBytes) {
    const bytes = message.subarray(firstHeaderBytes);
    return { kind, number: view.getUint32(1), totalBytes: view.getUint32(5), bytes };
  }
  if (kind === 'next' && message.length > nextHeaderBytes) {
    return { kind, number: view.getUint32(1), bytes: message.subarray(nextHeaderBytes) };
  }
  if (kind === 'end' && message.length >= endHeaderBytes) {
    const reason = new TextDecoder().decode(message.subarray(endHeaderBytes));
    return { kind, number: view.getUint32(1), error: fromCloseFrame(view.getUint16(5), reason, remote) };
  }
  if (kind === 'taken' && message.length === 5) return { kind, bytes: view.getUint32(1) };
  if (kind === 'endTaken' && message.length === 1) return { kind };
  throw new RaftkvError('bad_frame', `${remote} sent a piece that makes no sense`);
}

function allocate(
  kind: Piece['kind'],
  length: number,
): { readonly piece: Uint8Array<ArrayBuffer>; readonly view: DataView } {
  const piece = new Uint8Array(length);
  piece[0] = version | kinds.indexOf(kind);
  return { piece, view: new DataView(piece.buffer) };
}
