// The layout of what a command asks for: puts, deletes, reads and their combinations, each an array that begins with a small tag.
// `command.ts` puts an envelope around it. Every limit is checked both when writing and when reading.
import type { BatchCommand, Command, DeleteOp, DeleteRangeOp, PutOp, TxnCommand, TxnOp } from '@raftkv/kv';
import { readCompare, writeCompare } from './compare.ts';
import { RaftkvError } from './error.ts';
import { checkKey, checkValue, readKey, readRange, readScanOptions, writeRange, writeScanOptions } from './fields.ts';
import type { Limits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Transactions nest at most this deep; the outermost counts as 1. */
export const maxNesting = 8;

const putTag = 1;
const deleteTag = 2;
const deleteRangeTag = 3;
const batchTag = 4;
const txnTag = 5;
const compactTag = 6;
const openSessionTag = 7;
const keepAliveTag = 8;
const closeSessionTag = 9;
const getTag = 10;
const scanTag = 11;

/** What is left of the allowances while one command is walked through. */
export interface Budget {
  readonly limits: Limits;
  ops: number;
}

export function writeCommand(writer: Writer, command: Command, budget: Budget): void {
  switch (command.type) {
    case 'put':
      return writePut(writer, command, budget);
    case 'delete':
      return writeDelete(writer, command, budget);
    case 'deleteRange':
      return writeDeleteRange(writer, command, budget);
    case 'batch':
      writer.array(2);
      writer.uint(batchTag);
      writer.array(command.ops.length);
      for (const op of command.ops) writeTxnOp(writer, op, budget, 1);
      return;
    case 'txn':
      return writeTxn(writer, command, budget, 1);
    case 'compact':
      return writeNumbered(writer, compactTag, command.revision);
    case 'openSession':
      writer.array(1);
      return writer.uint(openSessionTag);
    case 'keepAlive':
      return writeNumbered(writer, keepAliveTag, command.clientId);
    case 'closeSession':
      return writeNumbered(writer, closeSessionTag, command.clientId);
  }
}

export function readCommand(reader: Reader, budget: Budget): Command {
  const count = reader.array();
  const tag = reader.uint();
  switch (tag) {
    case batchTag:
      expectCount(reader, count, 2);
      return readBatch(reader, budget);
    case compactTag:
      expectCount(reader, count, 2);
      return { type: 'compact', revision: reader.uint() };
    case openSessionTag:
      expectCount(reader, count, 1);
      return { type: 'openSession' };
    case keepAliveTag:
      expectCount(reader, count, 2);
      return { type: 'keepAlive', clientId: reader.positive() };
    case closeSessionTag:
      expectCount(reader, count, 2);
      return { type: 'closeSession', clientId: reader.positive() };
    case getTag:
    case scanTag:
      return reader.fail('a read is no command');
    default:
      return readTaggedOp(reader, tag, count, budget, 1) as Command;
  }
}

function writeTxnOp(writer: Writer, op: TxnOp, budget: Budget, depth: number): void {
  switch (op.type) {
    case 'put':
      return writePut(writer, op, budget);
    case 'delete':
      return writeDelete(writer, op, budget);
    case 'deleteRange':
      return writeDeleteRange(writer, op, budget);
    case 'txn':
      return writeTxn(writer, op, budget, depth + 1);
    case 'get':
      spend(budget);
      checkKey(op.key, budget.limits);
      writer.array(3);
      writer.uint(getTag);
      writer.key(op.key);
      return writer.optionalUint(op.revision);
    case 'scan':
      spend(budget);
      writer.array(7);
      writer.uint(scanTag);
      writeRange(writer, op.range, budget.limits);
      return writeScanOptions(writer, op);
  }
}

function readTaggedOp(reader: Reader, tag: number, count: number, budget: Budget, depth: number): TxnOp {
  switch (tag) {
    case putTag:
      expectCount(reader, count, 4);
      return readPut(reader, budget);
    case deleteTag:
      expectCount(reader, count, 3);
      return readDelete(reader, budget);
    case deleteRangeTag:
      expectCount(reader, count, 4);
      return readDeleteRange(reader, budget);
    case txnTag:
      expectCount(reader, count, 4);
      return readTxn(reader, budget, depth);
    case getTag: {
      expectCount(reader, count, 3);
      spend(budget);
      const key = readKey(reader, budget.limits);
      return { type: 'get', key, revision: reader.optionalUint() };
    }
    case scanTag: {
      expectCount(reader, count, 7);
      spend(budget);
      const range = readRange(reader, budget.limits);
      return { type: 'scan', range, ...readScanOptions(reader) };
    }
    default:
      return reader.fail(`there is no operation ${tag}`);
  }
}

function writePut(writer: Writer, op: PutOp, budget: Budget): void {
  spend(budget);
  checkKey(op.key, budget.limits);
  checkValue(op.value, budget.limits);
  writer.array(4);
  writer.uint(putTag);
  writer.uint(op.returnPrevious === true ? 1 : 0);
  writer.key(op.key);
  writer.bin(op.value);
}

function readPut(reader: Reader, budget: Budget): PutOp {
  spend(budget);
  const returnPrevious = reader.small(1) === 1;
  const key = readKey(reader, budget.limits);
  const value = reader.bin();
  checkValue(value, budget.limits);
  return { type: 'put', key, value, returnPrevious };
}

function writeDelete(writer: Writer, op: DeleteOp, budget: Budget): void {
  spend(budget);
  checkKey(op.key, budget.limits);
  writer.array(3);
  writer.uint(deleteTag);
  writer.uint(op.returnPrevious === true ? 1 : 0);
  writer.key(op.key);
}

function readDelete(reader: Reader, budget: Budget): DeleteOp {
  spend(budget);
  const returnPrevious = reader.small(1) === 1;
  return { type: 'delete', key: readKey(reader, budget.limits), returnPrevious };
}

function writeDeleteRange(writer: Writer, op: DeleteRangeOp, budget: Budget): void {
  spend(budget);
  writer.array(4);
  writer.uint(deleteRangeTag);
  writer.uint(op.returnPrevious === true ? 1 : 0);
  writeRange(writer, op.range, budget.limits);
}

function readDeleteRange(reader: Reader, budget: Budget): DeleteRangeOp {
  spend(budget);
  const returnPrevious = reader.small(1) === 1;
  return { type: 'deleteRange', range: readRange(reader, budget.limits), returnPrevious };
}

function readBatch(reader: Reader, budget: Budget): BatchCommand {
  const ops: (PutOp | DeleteOp | DeleteRangeOp)[] = [];
  for (let left = reader.array(); left > 0; left -= 1) {
    const count = reader.array();
    const tag = reader.uint();
    if (tag > deleteRangeTag) reader.fail('only puts and deletes go into a batch');
    ops.push(readTaggedOp(reader, tag, count, budget, 1) as PutOp | DeleteOp | DeleteRangeOp);
  }
  return { type: 'batch', ops };
}

function writeTxn(writer: Writer, txn: TxnCommand, budget: Budget, depth: number): void {
  if (depth > maxNesting) throw new RaftkvError('invalid_argument', `transactions nest more than ${maxNesting} deep`);
  spend(budget);
  writer.array(4);
  writer.uint(txnTag);
  writer.array(txn.compare.length);
  for (const compare of txn.compare) {
    spend(budget);
    writeCompare(writer, compare, budget.limits);
  }
  writer.array(txn.then.length);
  for (const op of txn.then) writeTxnOp(writer, op, budget, depth);
  writer.array(txn.otherwise.length);
  for (const op of txn.otherwise) writeTxnOp(writer, op, budget, depth);
}

function readTxn(reader: Reader, budget: Budget, depth: number): TxnCommand {
  if (depth > maxNesting) reader.fail(`transactions nest more than ${maxNesting} deep`);
  spend(budget);
  const compare: TxnCommand['compare'][number][] = [];
  for (let left = reader.array(); left > 0; left -= 1) {
    spend(budget);
    compare.push(readCompare(reader, budget.limits));
  }
  const then = readBranch(reader, budget, depth);
  return { type: 'txn', compare, then, otherwise: readBranch(reader, budget, depth) };
}

function readBranch(reader: Reader, budget: Budget, depth: number): TxnOp[] {
  const ops: TxnOp[] = [];
  for (let left = reader.array(); left > 0; left -= 1) {
    const count = reader.array();
    ops.push(readTaggedOp(reader, reader.uint(), count, budget, depth + 1));
  }
  return ops;
}

function writeNumbered(writer: Writer, tag: number, value: number): void {
  writer.array(2);
  writer.uint(tag);
  writer.uint(value);
}

function spend(budget: Budget): void {
  budget.ops -= 1;
  if (budget.ops < 0) {
    throw new RaftkvError('batch_too_large', `more than ${budget.limits.maxOps} operations in one command`);
  }
}

function expectCount(reader: Reader, count: number, expected: number): void {
  if (count !== expected) reader.fail(`an operation has ${count} elements instead of ${expected}`);
}
