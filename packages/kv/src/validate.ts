// Structural rules of commands, checked before anything is changed: sizes, nesting, numbers, and that no key is written
// twice. What `wire` decodes has the right types already; this is about their content, and it never throws.
import type {
  BatchCommand,
  Command,
  CommandError,
  Compare,
  Key,
  KeyRange,
  ScanOptions,
  SessionStamp,
  TxnCommand,
  TxnOp,
} from './command.ts';
import { duplicateKey, invalidArgument } from './refusal.ts';
import { keysConflict } from './conflict.ts';
import { maxKeyBytes, maxTxnDepth, maxValueBytes } from './limits.ts';

/** Why the command cannot be carried out on any state, if so. */
export function refuseCommand(command: Command): CommandError | undefined {
  switch (command.type) {
    case 'put':
      return refusePut(command.key, command.value);
    case 'delete':
      return refuseKey(command.key);
    case 'deleteRange':
      return refuseRange(command.range);
    case 'batch':
      return refuseBatch(command);
    case 'txn':
      return (
        refuseTxn(command, 1) ??
        (keysConflict(command.then) || keysConflict(command.otherwise) ? duplicateKey() : undefined)
      );
    case 'compact':
      return isCount(command.revision) ? undefined : invalidArgument('a revision is a whole number');
    case 'openSession':
      return undefined;
    case 'keepAlive':
    case 'closeSession':
      return isCount(command.clientId) ? undefined : invalidArgument('a clientId is a whole number');
    default:
      return invalidArgument('unknown command');
  }
}

/** Why the stamp is no stamp, if so. */
export function refuseStamp(stamp: SessionStamp): CommandError | undefined {
  if (isCount(stamp.clientId) && isCount(stamp.sequence) && stamp.sequence > 0 && isCount(stamp.ackFloor))
    return undefined;
  return invalidArgument('clientId, sequence and ackFloor are whole numbers, sequence from 1');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function refusePut(key: Key, value: Uint8Array): CommandError | undefined {
  if (value.length > maxValueBytes) return invalidArgument('the value is too large');
  return refuseKey(key);
}

function refuseKey(key: Key): CommandError | undefined {
  if (key.length === 0) return invalidArgument('the key is empty');
  return refuseBytes(key);
}

function refuseBytes(key: Key): CommandError | undefined {
  if (key.length > maxKeyBytes) return invalidArgument('the key is too large');
  for (let at = 0; at < key.length; at++) {
    if (key.charCodeAt(at) > 255) return invalidArgument('a key holds one byte a unit');
  }
  return undefined;
}

function refuseRange(range: KeyRange): CommandError | undefined {
  return refuseBytes(range.from) ?? (range.to === undefined ? undefined : refuseBytes(range.to));
}

/** Why a scan's options make no sense, if so. */
export function refuseScan(range: KeyRange, options: ScanOptions): CommandError | undefined {
  const { limit, maxBytes } = options;
  if (limit !== undefined && !isCount(limit)) return invalidArgument('limit is a whole number');
  if (maxBytes !== undefined && !isCount(maxBytes)) return invalidArgument('maxBytes is a whole number');
  return refuseRange(range);
}

function refuseBatch(command: BatchCommand): CommandError | undefined {
  const keys = new Set<Key>();
  let keyed = 0;
  let hasRanges = false;
  for (const op of command.ops) {
    if (op.type !== 'put' && op.type !== 'delete' && op.type !== 'deleteRange')
      return invalidArgument('unknown operation');
    const refusal = refuseCommand(op);
    if (refusal !== undefined) return refusal;
    if (op.type === 'deleteRange') {
      hasRanges = true;
    } else {
      keys.add(op.key);
      keyed++;
    }
  }
  return keys.size < keyed || (hasRanges && keysConflict(command.ops)) ? duplicateKey() : undefined;
}

function refuseTxn(command: TxnCommand, depth: number): CommandError | undefined {
  if (depth > maxTxnDepth) return invalidArgument(`transactions nest at most ${maxTxnDepth} deep`);
  for (const compare of command.compare) {
    const refusal = refuseCompare(compare);
    if (refusal !== undefined) return refusal;
  }
  for (const ops of [command.then, command.otherwise]) {
    for (const op of ops) {
      const refusal = refuseTxnOp(op, depth);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
}

function refuseTxnOp(op: TxnOp, depth: number): CommandError | undefined {
  switch (op.type) {
    case 'get':
      return refuseKey(op.key);
    case 'scan':
      return refuseScan(op.range, op);
    case 'put':
    case 'delete':
    case 'deleteRange':
      return refuseCommand(op);
    case 'txn':
      return refuseTxn(op, depth + 1);
    default:
      return invalidArgument('unknown operation');
  }
}

function refuseCompare(compare: Compare): CommandError | undefined {
  const { operator, target } = compare;
  if (operator !== 'equal' && operator !== 'notEqual' && operator !== 'greater' && operator !== 'less') {
    return invalidArgument('unknown operator');
  }
  switch (target) {
    case 'value':
      break;
    case 'revision':
    case 'createRevision':
    case 'version':
      // Any number can be compared with; one that is not an integer is a mistake.
      if (!Number.isSafeInteger(compare.number)) return invalidArgument('a number to compare with is an integer');
      break;
    case 'exists':
      if (operator === 'greater' || operator === 'less') return invalidArgument('existence is equal or not');
      break;
    default:
      return invalidArgument('unknown target');
  }
  return compare.range === undefined ? refuseKey(compare.key) : refuseRange(compare.range);
}
