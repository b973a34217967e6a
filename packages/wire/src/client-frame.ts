// Frames from a client to a server: which message has which tag, and what follows it.
import type { ClientMessage, GetRequest, WriteRequest } from './client.ts';
import { observe } from './feed-message.ts';
import { decodeFrame, encodeFrame, encodeFrames } from './frame.ts';
import { bin, fields, list, optional, tagged, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { level } from './level.ts';
import { scan, watch } from './rare.ts';

const bare = fields({ id: uint });

// These two by hand: they come by the ten thousand a second, and nothing but the command is copied into the frame.
const write: Layout<Omit<WriteRequest, 'type'>> = {
  size: 2,
  write(writer, message) {
    writer.uint(message.id);
    writer.bin(message.command);
  },
  /** @server */
  read: (reader): WriteRequest => ({ type: 'write', id: reader.uint(), command: reader.bin() }),
};
const get: Layout<Omit<GetRequest, 'type'>> = {
  size: 5,
  write(writer, message, walk) {
    writer.uint(message.id);
    writer.key(message.key);
    level.write(writer, message.level, walk);
    writer.uint(message.minRevision);
    writer.optionalUint(message.revision);
  },
  /** @server */
  read(reader, walk): GetRequest {
    const id = reader.uint();
    const key = reader.key();
    const wanted = level.read(reader, walk);
    const minRevision = reader.uint();
    return { type: 'get', id, key, level: wanted, minRevision, revision: reader.optionalUint() };
  },
};

const clientMessage = tagged<ClientMessage>('message', {
  hello: [1, fields({ versions: list(uint), clusterId: optional(text) })],
  write: [2, write],
  get: [3, get],
  scan,
  watch,
  watchConsumed: [6, fields({ id: uint, bytes: uint })],
  cancel: [7, bare],
  status: [8, bare],
  ping: [9, bare],
  observe,
  admin: [11, fields({ id: uint, request: bin })],
});

/** One frame with all of them; see `encodeClientFrames` for the limit. */
export function encodeClientFrame(messages: readonly ClientMessage[]): Uint8Array {
  return encodeFrame(messages, clientMessage, sizeHint(messages));
}

/** As few frames as possible, none above `maxFrameBytes`. Throws `frame_too_large` if one message alone is. */
export function encodeClientFrames(messages: readonly ClientMessage[], maxFrameBytes: number): Uint8Array[] {
  const capacityBytes = Math.min(sizeHint(messages), maxFrameBytes + 1);
  return encodeFrames(messages, clientMessage, { maxFrameBytes, capacityBytes });
}

/** Commands are views over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeClientFrame(bytes: Uint8Array): ClientMessage[] {
  return decodeFrame(bytes, clientMessage);
}

/** About how many bytes these take in a frame; never less for writes and gets of ASCII ids. */
function sizeHint(messages: readonly ClientMessage[]): number {
  let bytes = 1;
  for (const message of messages) {
    if (message.type === 'write') bytes += 20 + message.command.length;
    else if (message.type === 'get') bytes += 40 + message.key.length;
    else bytes += 64;
  }
  return bytes;
}
