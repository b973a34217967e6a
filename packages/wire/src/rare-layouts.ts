// The layouts of transactions and of their answers, each of which may hold others of its kind. With those of scans, of watches and of a node's status they are
// what a page may never need: in its production build they are loaded later, by `rare-later.ts`. Everybody else has them from `rare.ts`.
import type { GetOp, ScanOp, TxnCommand, TxnOp, TxnOpResult } from '@raftkv/kv';
import type { StatusMessage } from './client.ts';
import { compare } from './compare.ts';
import { checkedKey, range } from './fields.ts';
import { bool, boxed, fields, joined, list, optional, tagged, uint } from './layout.ts';
import type { Layout, Variant } from './layout.ts';
import { getResult, writes as answersToWrites } from './plain-result.ts';
import { nesting } from './nesting.ts';
import type { AnyResult } from './plain-result.ts';
import { scanOptions, scanResult } from './scan-layouts.ts';
import { status } from './status.ts';
import { spent, writes } from './write-operation.ts';

export { scan, scanResult } from './scan-layouts.ts';
export { watch, watchChanges } from './watch-layouts.ts';

export const statusAnswer: Variant<StatusMessage> = [9, fields({ id: uint, status })];

const txnOps: Layout<readonly TxnOp[]> = list<TxnOp>({
  size: 1,
  write: (writer, op, walk) => txnOp.write(writer, op, walk),
  /** @server */
  read: (reader, walk) => txnOp.read(reader, walk),
});
export const txn: Variant<TxnCommand> = [
  5,
  nesting(spent(fields({ compare: list(spent(boxed(compare))), then: txnOps, otherwise: txnOps }))),
];
const txnOp: Layout<TxnOp> = tagged<TxnOp>('operation', {
  ...writes,
  txn,
  get: [10, spent<Omit<GetOp, 'type'>>(fields({ key: checkedKey, revision: optional(uint) }))],
  scan: [11, spent<Omit<ScanOp, 'type'>>(joined(fields({ range }), scanOptions))],
});

const txnOpResults: Layout<readonly TxnOpResult[]> = list<TxnOpResult>({
  size: 1,
  /** @server */
  write: (writer, value, walk) => txnOpResult.write(writer, value, walk),
  read: (reader, walk) => txnOpResult.read(reader, walk),
});
export const txnResult: Variant<Extract<AnyResult, { readonly type: 'txn' }>> = [
  6,
  nesting(fields({ revision: uint, succeeded: bool, results: txnOpResults })),
];
const txnOpResult: Layout<TxnOpResult> = tagged<TxnOpResult>('result', {
  ...answersToWrites,
  get: getResult,
  scan: scanResult,
  txn: txnResult,
});
