// The layout of a number that is no integer: a MessagePack float64. Apart from `layout.ts`, since only a node's status has such numbers, which a page may never
// ask for.
import type { Layout } from './layout.ts';

const head = 0xcb;

export const float: Layout<number> = {
  size: 1,
  /** @server */
  write(writer, value) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value);
    writer.byte(head);
    writer.raw(bytes);
  },
  read(reader) {
    if (reader.byte() !== head) reader.fail('expected a float');
    const bytes = Uint8Array.from({ length: 8 }, () => reader.byte());
    return new DataView(bytes.buffer).getFloat64(0);
  },
};
