// A kept write as a command: from what an app writes to bytes that need only a stamp, back to what the app wrote after the page is gone, and from the store's
// answer to the app's.
import type { Compare, KeyRange } from '@raftkv/kv';
import { RaftkvError, decodeCommand, encodeCommand, keyFrom, keyToBytes, rangeFrom } from '@raftkv/wire';
import type { FoundEntry, Limits, RangeInput } from '@raftkv/wire';
import type { BatchOp, BatchResult, Codec, Condition, TxnOp, UserKey } from '@raftkv/client';
import { batchCommand, batchOpResult, toEntry } from '@raftkv/client/parts';
import { txnCommand } from '@raftkv/client/txn-command';
import type { Answer, View } from '@raftkv/client/parts';
import type { Reach } from './item.ts';

/** Of a condition about a range so many entries are told where it does not hold. */
const maxFound = 20;

/** Throws for what can never be sent. With conditions it is a transaction that looks at their keys where one does not hold. */
export function encodeWrite<Value>(
  codec: Codec<Value>,
  ops: readonly BatchOp<Value>[],
  conditions: readonly Condition<Value>[] | undefined,
  limits: Limits,
): Uint8Array {
  const look = (condition: Condition<Value>): TxnOp<Value> =>
    'key' in condition
      ? { type: 'get', key: condition.key }
      : { type: 'scan', range: condition.range, limit: maxFound };
  const command =
    conditions === undefined
      ? batchCommand(codec, ops)
      : txnCommand(codec, { if: conditions, then: ops, else: conditions.map(look) });
  return encodeCommand({ session: undefined, command }, { limits });
}

export interface DecodedWrite<Value> {
  readonly ops: readonly BatchOp<Value>[];
  /** What it depends on; that they say more than which keys is of no use any more. */
  readonly conditions: readonly Condition<Value>[] | undefined;
  /** The codec can read all its values. */
  readonly isReadable: boolean;
}

/** Throws `unsupported_version` or `bad_frame` for what `encodeWrite` did not make. */
export function decodeWrite<Value>(codec: Codec<Value>, bytes: Uint8Array): DecodedWrite<Value> {
  const { command } = decodeCommand(bytes);
  if (command.type !== 'batch' && command.type !== 'txn')
    throw new RaftkvError('bad_frame', 'a kept write is no write');
  let isReadable = true;
  const value = (encoded: Uint8Array): Value => {
    try {
      return codec.decode(encoded);
    } catch {
      isReadable = false;
      return undefined as Value;
    }
  };
  const ops = (command.type === 'batch' ? command.ops : command.then).map((op): BatchOp<Value> => {
    switch (op.type) {
      case 'put':
        return { type: 'put', key: keyToBytes(op.key), value: value(op.value), ...wishOf(op) };
      case 'delete':
        return { type: 'delete', key: keyToBytes(op.key), ...wishOf(op) };
      case 'deleteRange':
        return { type: 'deleteRange', range: rangeInput(op.range), ...wishOf(op) };
      default:
        throw new RaftkvError('bad_frame', `a kept write holds a ${op.type}`);
    }
  });
  const conditions = command.type === 'txn' ? command.compare.map((each) => subjectOf<Value>(each)) : undefined;
  return { ops, conditions, isReadable };
}

function wishOf({ returnPrevious }: { readonly returnPrevious?: boolean }): { readonly returnPrevious?: true } {
  return returnPrevious === true ? { returnPrevious } : {};
}

function subjectOf<Value>({ key, range }: Compare): Condition<Value> {
  return range === undefined ? { key: keyToBytes(key), exists: true } : { range: rangeInput(range), exists: true };
}

function rangeInput({ from, to }: KeyRange): RangeInput {
  const gte = keyToBytes(from);
  return to === undefined ? { gte } : { gte, lt: keyToBytes(to) };
}

/** What the store answered to such a command. Throws `condition_failed` with what is there instead. */
export function readResult<Value, K extends UserKey>(view: View<Value, K>, answer: Answer): BatchResult<Value, K> {
  if (!('type' in answer) || (answer.type !== 'batch' && answer.type !== 'txn')) {
    throw new RaftkvError('bad_frame', 'a write was answered with something else');
  }
  const { revision } = answer;
  if (answer.type === 'txn' && !answer.succeeded) {
    const found = answer.results.flatMap((result) =>
      result.type === 'get' ? (result.entry ?? []) : result.type === 'scan' ? result.entries : [],
    );
    throw withFound(
      new RaftkvError('condition_failed', `a condition did not hold, as of revision ${revision}; nothing was written`),
      found.map((entry) => toEntry(view, entry)),
    );
  }
  type Result = Parameters<typeof batchOpResult>[1];
  return { revision, results: answer.results.map((result) => batchOpResult(view, result as Result)) };
}

export function withFound(error: RaftkvError, found: readonly FoundEntry[]): RaftkvError {
  return Object.assign(error, { found });
}

/** Under the stamp of a write it tells what became of that: the store answers what it answered to the write, or this, and then the write will never happen. */
export const nothing = encodeCommand({
  session: undefined,
  command: { type: 'txn', compare: [], then: [], otherwise: [] },
});

export function isNothing(answer: Answer): boolean {
  return 'type' in answer && answer.type === 'txn' && answer.succeeded && answer.results.length === 0;
}

export function reachOf<Value>({ ops, conditions = [] }: Pick<DecodedWrite<Value>, 'ops' | 'conditions'>): Reach {
  const all = [...ops, ...conditions];
  return {
    keys: new Set(all.flatMap((each) => ('key' in each ? keyFrom(each.key) : []))),
    ranges: all.flatMap((each) => ('key' in each ? [] : rangeFrom(each.range))),
  };
}

/** The keys that it writes or depends on, each once; of ranges none. */
export function keysOf<Value>(write: DecodedWrite<Value>): Uint8Array[] {
  return [...reachOf(write).keys].map(keyToBytes);
}
