// The layout of what a command asks for: puts, deletes, reads and their combinations, each an array that begins with a small tag.
// `command.ts` puts an envelope around it.
import type { BatchCommand, Command, DeleteOp, GetOp, Key, PutOp, ScanOp, TxnCommand, TxnOp } from '@raftkv/kv';
import { compare } from './compare.ts';
import { RaftkvError } from './error.ts';
import { checkKey, checkValue, checkedKey, range, scanOptions } from './fields.ts';
import { boxed, fields, flags, joined, list, nesting, optional, positive, tagged, uint } from './layout.ts';
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

const writes: {
  readonly [T in 'put' | 'delete' | 'deleteRange']: Variant<Extract<Command, { readonly type: T }>>;
} = {
  put: [1, put],
  delete: [2, spent<Omit<DeleteOp, 'type'>>(joined(options, fields({ key: checkedKey })))],
  deleteRange: [3, spent(joined(options, fields({ range })))],
};

const ops: Layout<BatchCommand['ops']> = list(tagged('operation', writes));

const txnOps: Layout<readonly TxnOp[]> = list<TxnOp>({
  size: 1,
  write: (writer, op, walk) => txnOp.write(writer, op, walk),
  /** @server */
  read: (reader, walk) => txnOp.read(reader, walk),
});
const txn: Variant<TxnCommand> = [
  5,
  nesting(spent(fields({ compare: list(spent(boxed(compare))), then: txnOps, otherwise: txnOps }))),
];
const txnOp: Layout<TxnOp> = tagged<TxnOp>('operation', {
  ...writes,
  txn,
  get: [10, spent<Omit<GetOp, 'type'>>(fields({ key: checkedKey, revision: optional(uint) }))],
  scan: [11, spent<Omit<ScanOp, 'type'>>(joined(fields({ range }), scanOptions))],
});

export const command: Layout<Command> = tagged<Command>('command', {
  ...writes,
  batch: [4, fields({ ops })],
  txn,
  compact: [6, fields({ revision: uint })],
  openSession: [7, fields({})],
  keepAlive: [8, fields({ clientId: positive })],
  closeSession: [9, fields({ clientId: positive })],
});

function checkPut(key: Key, value: Uint8Array, walk: Walk): void {
  spend(walk);
  checkKey(key, walk.limits);
  checkValue(value, walk.limits);
}

/** It counts as one operation. */
function spent<T>(layout: Layout<T>): Layout<T> {
  return {
    size: layout.size,
    write(writer, value, walk) {
      spend(walk);
      layout.write(writer, value, walk);
    },
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
