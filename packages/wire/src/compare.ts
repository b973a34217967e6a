// The layout of one condition of a transaction: [target, operator, key, range, operand].
import type { Compare, CompareOperator, KeyRange } from '@raftkv/kv';
import { checkKey, checkedValue, range } from './fields.ts';
import { bool, boxed, fields, key, oneOf, optional, uint } from './layout.ts';
import type { Layout, Walk } from './layout.ts';

const operators: readonly CompareOperator[] = ['equal', 'notEqual', 'greater', 'less'];
const targets: readonly Compare['target'][] = ['value', 'revision', 'createRevision', 'version', 'exists'];

interface Head {
  readonly target: Compare['target'];
  readonly operator: CompareOperator;
  readonly key: string;
  readonly range?: KeyRange;
}

const head: Layout<Head> = fields({
  target: oneOf(targets),
  operator: oneOf(operators),
  key,
  range: optional(boxed(range)),
});
/** By their names in a Compare. */
const operands: Readonly<Record<string, Layout<unknown>>> = { value: checkedValue, exists: bool, number: uint };

export const compare: Layout<Compare> = {
  size: head.size + 1,
  write(writer, value, walk) {
    checkComparedKey(value, walk);
    head.write(writer, value, walk);
    const name = operandOf(value);
    operands[name]!.write(writer, (value as unknown as Record<string, unknown>)[name], walk);
  },
  /** @server */
  read(reader, walk) {
    const value = head.read(reader, walk);
    checkComparedKey(value, walk);
    const name = operandOf(value);
    return { ...value, [name]: operands[name]!.read(reader, walk) } as unknown as Compare;
  },
};

function operandOf({ target }: Head): string {
  return target in operands ? target : 'number';
}

/** With a range the key says nothing, and may be empty. */
function checkComparedKey(compared: Head, { limits }: Walk): void {
  if (compared.range === undefined || compared.key.length > 0) checkKey(compared.key, limits);
}
