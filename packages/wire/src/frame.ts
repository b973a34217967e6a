// What frames of every kind have in common: a first byte with the version that their messages need, then messages one after the other, each an array
// that begins with a tag. Here lists of messages are cut into frames under a limit, and frames are walked through.
import { RaftkvError } from './error.ts';
import type { Layout } from './layout.ts';
import { openReader, openWriter, startWalk } from './versioned.ts';

/** Writes and reads one message with the array around it. */
export interface Message<M> extends Pick<Layout<M>, 'write' | 'read'> {
  /** The oldest version of frames that can hold it; a frame has the highest of its messages. Default: 1 for all. */
  readonly versionOf?: (message: M) => number;
  /** The newest that can be read. Default 1. */
  readonly newestVersion?: number;
}

export function encodeFrame<M>(messages: readonly M[], layout: Message<M>, capacityBytes: number): Uint8Array {
  const writer = openWriter(capacityBytes);
  const walk = startWalk();
  let version = 1;
  for (const message of messages) {
    layout.write(writer, message, walk);
    version = Math.max(version, layout.versionOf?.(message) ?? 1);
  }
  writer.bytes[0] = version;
  return writer.finish();
}

/**
 * As few frames as keep the order, none above `maxFrameBytes`. A message that alone is too large is given to `replace`, whose answer
 * takes its place; without one this throws `frame_too_large`.
 */
export function encodeFrames<M>(
  messages: readonly M[],
  layout: Message<M>,
  limits: { readonly maxFrameBytes: number; readonly capacityBytes: number },
  replace?: (message: M) => M,
): Uint8Array[] {
  const { maxFrameBytes } = limits;
  const frames: Uint8Array[] = [];
  const walk = startWalk();
  let writer = openWriter(limits.capacityBytes);
  for (const message of messages) {
    let start = writer.offset;
    layout.write(writer, message, walk);
    const version = layout.versionOf?.(message) ?? 1;
    const earlier = writer.bytes[0]!;
    if (version > earlier) writer.bytes[0] = version;
    if (writer.offset <= maxFrameBytes) continue;
    if (start > 1) {
      // Close the frame before this message and begin the next one with its bytes.
      const overhang = writer.bytes.subarray(start, writer.offset);
      writer.bytes[0] = earlier;
      frames.push(writer.bytes.slice(0, start));
      writer = openWriter(Math.max(limits.capacityBytes, overhang.length + 1));
      writer.bytes[0] = version;
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
    layout.write(writer, replace(message), walk);
  }
  if (writer.offset > 1) frames.push(writer.finish());
  return frames;
}

export function decodeFrame<M>(bytes: Uint8Array, layout: Message<M>): M[] {
  const reader = openReader(bytes, 'a frame', layout.newestVersion);
  const messages: M[] = [];
  const walk = startWalk(bytes[0]);
  while (!reader.isAtEnd) messages.push(layout.read(reader, walk));
  return messages;
}
