// What may hold others of its kind, as transactions and their answers do: counted, so that nothing hostile exhausts the stack. Apart from `layout.ts`, since a
// page may never need it.
import { RaftkvError } from './error.ts';
import type { Layout, Walk } from './layout.ts';

/** Transactions nest at most this deep; the outermost counts as 1. */
const maxNesting = 8;

/** What may hold others of its kind, and they again. */
export function nesting<T>(layout: Layout<T>): Layout<T> {
  const inside = (walk: Walk): Walk => {
    walk.depth += 1;
    if (walk.depth > maxNesting) {
      throw new RaftkvError('invalid_argument', `transactions nest more than ${maxNesting} deep`);
    }
    return walk;
  };
  return {
    size: layout.size,
    write(writer, value, walk) {
      layout.write(writer, value, inside(walk));
      walk.depth -= 1;
    },
    read(reader, walk, into) {
      if (walk.depth >= maxNesting) reader.fail(`it nests more than ${maxNesting} deep`);
      const value = layout.read(reader, inside(walk), into);
      walk.depth -= 1;
      return value;
    },
  };
}
