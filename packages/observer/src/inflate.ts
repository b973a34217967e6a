// What the feed deflated is inflated by the platform, which every runtime that has a WebSocket can do: a library for it would be a seventh of
// what a tab may load. Bounded: a payload that grows past the limit is refused while it grows.
import { RaftkvError } from '@raftkv/wire';

/** Rejects with `bad_frame` for what is no raw DEFLATE, `frame_too_large` past the limit. */
export type Inflate = (deflated: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

export const platformInflate: Inflate = async (deflated, maxBytes) => {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  // What goes wrong in here is told by the reading side as well.
  writer.write(deflated as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      bytes += step.value.length;
      if (bytes > maxBytes)
        throw new RaftkvError('frame_too_large', `a payload inflates to more than ${maxBytes} bytes`);
      chunks.push(step.value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw RaftkvError.from(error, 'bad_frame');
  }
  return joined(chunks, bytes);
};

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
