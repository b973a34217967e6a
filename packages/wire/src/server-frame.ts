// Frames from a server to a client: which message has which tag, and what follows it.
import type { ErrorMessage, ResultMessage, ServerMessage, ServerWelcome, WatchCancelled } from './client.ts';
import { isErrorCode } from './error.ts';
import type { ErrorCode } from './error.ts';
import { feedChanges, feedSnapshot } from './feed-message.ts';
import { decodeFrame, encodeFrame, encodeFrames } from './frame.ts';
import { bin, bool, fields, optional, positive, tagged, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import type { Reader } from './reader.ts';
import { members } from './member-address.ts';
import { statusAnswer, watchChanges } from './rare.ts';
import { result } from './result.ts';

const id = fields({ id: uint });
const revisionOfId = fields({ id: uint, revision: uint });
const errorCode: Layout<ErrorCode> = { ...text, read: readErrorCode };

/** By hand, since it is the answer to every call. */
const answer: Layout<Omit<ResultMessage, 'type'>> = {
  size: 2,
  /** @server */
  write(writer, message, walk) {
    writer.uint(message.id);
    result.write(writer, message.result, walk);
  },
  read: (reader, walk): ResultMessage => ({ type: 'result', id: reader.uint(), result: result.read(reader, walk) }),
};

const serverMessage = tagged<ServerMessage>('message', {
  welcome: [
    1,
    fields<Omit<ServerWelcome, 'type'>>({
      version: uint,
      clusterId: text,
      memberId: text,
      memberName: text,
      limits: fields({ maxFrameBytes: positive, maxCommandBytes: positive, maxInflightRequests: positive }),
      leader: optional(text),
      members,
    }),
  ],
  leader: [2, fields({ leader: optional(text) })],
  result: [3, answer],
  error: [
    4,
    fields<Omit<ErrorMessage, 'type'>>({
      id: uint,
      code: errorCode,
      message: text,
      definite: bool,
      compactedRevision: optional(uint),
      leader: optional(text),
    }),
  ],
  watchCreated: [5, revisionOfId],
  watchEvents: watchChanges,
  watchProgress: [7, revisionOfId],
  watchCancelled: [
    8,
    fields<Omit<WatchCancelled, 'type'>>({
      id: uint,
      code: errorCode,
      message: text,
      compactedRevision: optional(uint),
    }),
  ],
  statusResult: statusAnswer,
  pong: [10, id],
  feedSnapshot,
  feedChanges,
  members: [13, fields({ members })],
  adminResult: [14, fields({ id: uint, result: bin })],
});

/** One frame with all of them; see `encodeServerFrames` for the limit. */
export function encodeServerFrame(messages: readonly ServerMessage[]): Uint8Array {
  return encodeFrame(messages, serverMessage, sizeHint(messages));
}

/**
 * As few frames as possible, none above `maxFrameBytes`. A message that alone is too large is handed to `replace` (to become an
 * error with the same id); without it this throws `frame_too_large`.
 */
export function encodeServerFrames(
  messages: readonly ServerMessage[],
  maxFrameBytes: number,
  replace?: (message: ServerMessage) => ServerMessage,
): Uint8Array[] {
  const capacityBytes = Math.min(sizeHint(messages), maxFrameBytes + 1);
  return encodeFrames(messages, serverMessage, { maxFrameBytes, capacityBytes }, replace);
}

/** Values are views over `bytes`. Throws `bad_frame` or `unsupported_version`. An error code that is not known here becomes `internal`. */
export function decodeServerFrame(bytes: Uint8Array): ServerMessage[] {
  return decodeFrame(bytes, serverMessage);
}

function sizeHint(messages: readonly ServerMessage[]): number {
  let bytes = 1;
  for (const message of messages) {
    bytes += 32;
    if ('payload' in message) bytes += 40 + message.payload.length;
    if (message.type !== 'result') continue;
    const answered = message.result;
    if (answered.type === 'get' && answered.entry !== undefined) {
      bytes += 48 + answered.entry.key.length + answered.entry.value.length;
    }
  }
  return bytes;
}

/** A newer server may know more codes: its message still tells a person what happened. */
export function readErrorCode(reader: Reader): ErrorCode {
  const code = reader.text();
  return isErrorCode(code) ? code : 'internal';
}
