// What frames of every kind have in common: a first byte with the protocol's version, then messages one after the other, each an array
// that begins with a tag. Here lists of messages are cut into frames under a limit, and frames are walked through.
import { RaftkvError } from './error.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Version 1 of the messages, as the first byte of a frame. */
const messagesVersion = 1;

export type WriteMessage<M> = (writer: Writer, message: M) => void;
export type ReadMessage<M> = (reader: Reader, tag: number, count: number) => M;

export function encodeFrame<M>(messages: readonly M[], write: WriteMessage<M>, capacityBytes: number): Uint8Array {
  const writer = new Writer(capacityBytes);
  writer.byte(messagesVersion);
  for (const message of messages) write(writer, message);
  return writer.finish();
}

/**
 * As few frames as keep the order, none above `maxFrameBytes`. A message that alone is too large is given to `replace`, whose answer
 * takes its place; without one this throws `frame_too_large`.
 */
export function encodeFrames<M>(
  messages: readonly M[],
  write: WriteMessage<M>,
  limits: { readonly maxFrameBytes: number; readonly capacityBytes: number },
  replace?: (message: M) => M,
): Uint8Array[] {
  const { maxFrameBytes } = limits;
  const frames: Uint8Array[] = [];
  let writer = new Writer(limits.capacityBytes);
  writer.byte(messagesVersion);
  for (const message of messages) {
    let start = writer.offset;
    write(writer, message);
    if (writer.offset <= maxFrameBytes) continue;
    if (start > 1) {
      // Close the frame before this message and begin the next one with its bytes.
      const overhang = writer.bytes.subarray(start, writer.offset);
      frames.push(writer.bytes.slice(0, start));
      writer = new Writer(Math.max(limits.capacityBytes, overhang.length + 1));
      writer.byte(messagesVersion);
      writer.bytes.set(overhang, 1);
      writer.offset = 1 + overhang.length;
      start = 1;
    }
    if (writer.offset <= maxFrameBytes) continue;
    if (replace === undefined) {
      throw new RaftkvError(
        'frame_too_large',
        `a message of ${writer.offset - start} bytes; a frame holds ${maxFrameBytes}`,
      );
    }
    writer.offset = start;
    write(writer, replace(message));
  }
  if (writer.offset > 1) frames.push(writer.finish());
  return frames;
}

export function decodeFrame<M>(bytes: Uint8Array, read: ReadMessage<M>): M[] {
  const reader = new Reader(bytes);
  const version = reader.byte();
  if (version !== messagesVersion) {
    throw new RaftkvError('unsupported_version', `a frame of version ${version}, which is not known here`);
  }
  const messages: M[] = [];
  while (!reader.isAtEnd) {
    const count = reader.array();
    messages.push(read(reader, reader.uint(), count));
  }
  return messages;
}

/** Checks the number of elements against the one that belongs to the tag. */
export function expectElements(reader: Reader, tag: number, count: number, counts: readonly number[]): void {
  const expected = counts[tag];
  if (expected === undefined || expected === 0) reader.fail(`there is no message ${tag}`);
  if (count !== expected) reader.fail(`message ${tag} has ${count} elements instead of ${expected}`);
}
