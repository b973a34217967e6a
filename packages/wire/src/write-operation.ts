// The layout of the operations that write: what a command is by itself, what a batch is a list of, and what a transaction may do.
// `operation.ts` and `rare-layouts.ts` put them together.
import type { Command, DeleteOp, Key, PutOp } from '@raftkv/kv';
import { RaftkvError } from './error.ts';
import { checkKey, checkValue, checkedKey, range } from './fields.ts';
import { fields, flags, joined } from './layout.ts';
import type { Layout, Variant, Walk } from './layout.ts';

const options = flags('returnPrevious');

/** By hand, since most commands are this one. */
const put: Layout<Omit<PutOp, 'type'>> = {
  size: 3,
  write(writer, { key, value, returnPrevious }, walk) {
    checkPut(key, value, walk);
    writer.uint(returnPrevious === true ? 1 : 0);
    writer.key(key);
    writer.bin(value);
  },
  /** @server */
  read(reader, walk): PutOp {
    const returnPrevious = reader.small(1) === 1;
    const key = reader.key();
    const value = reader.bin();
    checkPut(key, value, walk);
    return { type: 'put', key, value, returnPrevious };
  },
};

export const writes: {
  readonly [T in 'put' | 'delete' | 'deleteRange']: Variant<Extract<Command, { readonly type: T }>>;
} = {
  put: [1, put],
  delete: [2, spent<Omit<DeleteOp, 'type'>>(joined(options, fields({ key: checkedKey })))],
  deleteRange: [3, spent(joined(options, fields({ range })))],
};

function checkPut(key: Key, value: Uint8Array, walk: Walk): void {
  spend(walk);
  checkKey(key, walk.limits);
  checkValue(value, walk.limits);
}

/** It counts as one operation. */
export function spent<T>(layout: Layout<T>): Layout<T> {
  return {
    size: layout.size,
    write(writer, value, walk) {
      spend(walk);
      layout.write(writer, value, walk);
    },
    /** @server */
    read(reader, walk, into) {
      spend(walk);
      return layout.read(reader, walk, into);
    },
  };
}

function spend(walk: Walk): void {
  walk.ops -= 1;
  if (walk.ops < 0) {
    throw new RaftkvError('batch_too_large', `more than ${walk.limits.maxOps} operations in one command`);
  }
}
