// What a tab that feeds another one says to it, and hears: each a frame of a channel between the two, with a version in front. Both sides read it as
// hostile: what does not look as it must throws, and the channel ends. What is brought is believed by nobody; see `vetting.ts`.
import type { KeyRange } from '@raftkv/kv';
import {
  RaftkvError,
  bin,
  bool,
  decodeVersioned,
  encodeVersioned,
  fields,
  list,
  optional,
  tagged,
  text,
  uint,
} from '@raftkv/wire';

/** A part of the present state or whole revisions, as in a feed of a member, but without what only a member may say (index and hash). */
export type Piece = SnapshotPiece | ChangesPiece;

interface PieceBody {
  /** Of the observation that it belongs to. */
  readonly round: number;
  readonly isDeflated: boolean;
  /** Everything up to and including this revision was delivered. */
  readonly revision: number;
  readonly payload: Uint8Array;
}
export interface SnapshotPiece extends PieceBody {
  readonly type: 'snapshot';
  readonly isFirst: boolean;
  readonly isDone: boolean;
}
export interface ChangesPiece extends PieceBody {
  readonly type: 'changes';
}

export type FeederMessage =
  /** First of all. */
  | { readonly type: 'challenge'; readonly nonce: Uint8Array }
  /** `path`: who feeds the feeder, and so on up to the one that a member feeds; itself first. */
  | { readonly type: 'welcome'; readonly proof: Uint8Array; readonly path: readonly string[] }
  | { readonly type: 'path'; readonly path: readonly string[] }
  /** In place of a welcome. */
  | { readonly type: 'refused'; readonly reason: string }
  | Piece;

export type FedMessage =
  | {
      readonly type: 'hello';
      readonly id: string;
      readonly nonce: Uint8Array;
      readonly proof: Uint8Array;
      readonly clusterId: string;
    }
  /** As the request of that name to a member. A later one takes the place of an earlier one. */
  | {
      readonly type: 'observe';
      readonly round: number;
      readonly from: number;
      readonly ranges: readonly KeyRange[];
    }
  | { readonly type: 'consumed'; readonly bytes: number };

/** More of either and the message is refused. */
const maxPath = 32;
const maxRanges = 64;

const path = list(fields({ id: text }));
const piece = { round: uint, isDeflated: bool, revision: uint, payload: bin };

type Wired = { readonly path: readonly { readonly id: string }[] };
type WiredMessage = Exclude<FeederMessage, { readonly path: readonly string[] }> | WiredPath;
type WiredPath =
  | ({ readonly type: 'welcome'; readonly proof: Uint8Array } & Wired)
  | ({ readonly type: 'path' } & Wired);

const feederLayout = tagged<WiredMessage>('message', {
  challenge: [1, fields({ nonce: bin })],
  welcome: [2, fields({ proof: bin, path })],
  path: [3, fields({ path })],
  refused: [4, fields({ reason: text })],
  snapshot: [5, fields({ ...piece, isFirst: bool, isDone: bool })],
  changes: [6, fields(piece)],
});
const fedLayout = tagged<FedMessage>('message', {
  hello: [1, fields({ id: text, nonce: bin, proof: bin, clusterId: text })],
  observe: [2, fields({ round: uint, from: uint, ranges: list(fields<KeyRange>({ from: text, to: optional(text) })) })],
  consumed: [3, fields({ bytes: uint })],
});

export function encodeFeederMessage(message: FeederMessage): Uint8Array {
  const wired = 'path' in message ? { ...message, path: message.path.map((id) => ({ id })) } : message;
  return encodeVersioned(feederLayout, wired, 'payload' in message ? 64 + message.payload.length : 256);
}

/** Payloads are views over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeFeederMessage(bytes: Uint8Array): FeederMessage {
  const message = decodeVersioned(feederLayout, bytes, 'what a feeder says');
  if (!('path' in message)) return message;
  checkCount('ids in a path', message.path.length, maxPath);
  return { ...message, path: message.path.map(({ id }) => id) };
}

export function encodeFedMessage(message: FedMessage): Uint8Array {
  return encodeVersioned(fedLayout, message, 256);
}

/** Throws `bad_frame` or `unsupported_version`. */
export function decodeFedMessage(bytes: Uint8Array): FedMessage {
  const message = decodeVersioned(fedLayout, bytes, 'what a feeder is told');
  if (message.type === 'observe') checkCount('ranges', message.ranges.length, maxRanges);
  return message;
}

/** How much of the window a piece takes, as both sides count. */
export function pieceBytes({ payload }: Piece): number {
  return 64 + payload.length;
}

function checkCount(what: string, count: number, limit: number): void {
  if (count > limit) throw new RaftkvError('bad_frame', `${count} ${what}; the limit is ${limit}`);
}
