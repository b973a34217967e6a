// The layout of one condition of a transaction: [target, operator, key, range, operand].
import type { Compare, CompareOperator, Key, KeyRange } from '@raftkv/kv';
import { checkKey, checkValue, readRange, writeRange } from './fields.ts';
import type { Limits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const operators: readonly CompareOperator[] = ['equal', 'notEqual', 'greater', 'less'];
const targets: readonly Compare['target'][] = ['value', 'revision', 'createRevision', 'version', 'exists'];

export function writeCompare(writer: Writer, compare: Compare, limits: Limits): void {
  checkComparedKey(compare.key, compare.range, limits);
  writer.array(5);
  writer.uint(targets.indexOf(compare.target));
  writer.uint(operators.indexOf(compare.operator));
  writer.key(compare.key);
  if (compare.range === undefined) writer.nil();
  else {
    writer.array(2);
    writeRange(writer, compare.range, limits);
  }
  if (compare.target === 'value') {
    checkValue(compare.value, limits);
    writer.bin(compare.value);
  } else if (compare.target === 'exists') writer.bool(compare.exists);
  else writer.uint(compare.number);
}

export function readCompare(reader: Reader, limits: Limits): Compare {
  reader.tuple(5);
  const target = targets[reader.small(targets.length - 1)]!;
  const operator = operators[reader.small(operators.length - 1)]!;
  const key = reader.key();
  let range: Compare['range'];
  if (!reader.nil()) {
    reader.tuple(2);
    range = readRange(reader, limits);
  }
  checkComparedKey(key, range, limits);
  if (target === 'exists') return { key, range, operator, target, exists: reader.bool() };
  if (target !== 'value') return { key, range, operator, target, number: reader.uint() };
  const value = reader.bin();
  checkValue(value, limits);
  return { key, range, operator, target, value };
}

/** With a range the key says nothing, and may be empty. */
function checkComparedKey(key: Key, range: KeyRange | undefined, limits: Limits): void {
  if (range === undefined || key.length > 0) checkKey(key, limits);
}
