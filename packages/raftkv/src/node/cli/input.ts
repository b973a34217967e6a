// What the commands read from standard input: the lines of `batch` and the JSON of `txn`, checked, with the line or field named that is off.
import type { BatchOp, Condition, TxnOp } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';

const encoder = new TextEncoder();
/** More is not a batch; it is refused before it is held in memory. */
const maxInputBytes = 16 * 1024 * 1024;

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > maxInputBytes)
      throw new RaftkvError('request_too_large', `standard input holds more than ${maxInputBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `put KEY VALUE` (the value is the rest of the line), `del KEY`, or `{"put": KEY, "value": …}` / `{"del": KEY}` / `{"key", "value"}`, one a line. */
export async function readBatch(stream: AsyncIterable<Uint8Array | string>): Promise<BatchOp<Uint8Array>[]> {
  const ops: BatchOp<Uint8Array>[] = [];
  const lines = (await readAll(stream)).split('\n');
  for (const [position, raw] of lines.entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '') continue;
    const op = line.trimStart().startsWith('{') ? jsonOp(line, position + 1) : plainOp(line);
    if (op === undefined) throw bad(position + 1, line, 'put KEY VALUE, del KEY or a JSON object');
    ops.push(op);
  }
  if (ops.length === 0) throw new RaftkvError('invalid_argument', 'standard input holds no operation');
  return ops;
}

function plainOp(line: string): BatchOp<Uint8Array> | undefined {
  const put = /^put (\S+) (.*)$/.exec(line);
  if (put !== null) return { type: 'put', key: put[1]!, value: encoder.encode(put[2]) };
  const del = /^del (\S+)\s*$/.exec(line);
  return del === null ? undefined : { type: 'delete', key: del[1]! };
}

function jsonOp(line: string, number: number): BatchOp<Uint8Array> | undefined {
  const value = parseJson(line, `line ${number}`);
  if (!isRecord(value)) return undefined;
  const key = value.put ?? value.key;
  if (typeof key === 'string' && value.value !== undefined) return { type: 'put', key, value: valueBytes(value.value) };
  return typeof value.del === 'string' ? { type: 'delete', key: value.del } : undefined;
}

/** Text stands for itself; any other JSON value for its JSON. */
export function valueBytes(value: unknown): Uint8Array {
  return encoder.encode(typeof value === 'string' ? value : JSON.stringify(value));
}

export interface TxnInput {
  readonly if: readonly Condition<Uint8Array>[];
  readonly then: readonly TxnOp<Uint8Array>[];
  readonly else: readonly TxnOp<Uint8Array>[];
}

/** The document of `txn`: the client's own conditions and operations, values as text or JSON. */
export async function readTxn(stream: AsyncIterable<Uint8Array | string>): Promise<TxnInput> {
  return txnParts(parseJson(await readAll(stream), 'standard input'), '');
}

function txnParts(document: unknown, path: string): TxnInput {
  if (!isRecord(document))
    throw new RaftkvError('invalid_argument', `${path || 'standard input'}: is not a JSON object`);
  const list = (name: string, other?: string): readonly unknown[] => {
    const value = document[name] ?? (other === undefined ? undefined : document[other]) ?? [];
    if (Array.isArray(value)) return value;
    throw new RaftkvError('invalid_argument', `${path}${name}: is not a list`);
  };
  return {
    if: list('if', 'compare').map((item, i) => condition(item, `${path}if[${i}]`)),
    then: list('then').map((item, i) => operation(item, `${path}then[${i}]`)),
    else: list('else').map((item, i) => operation(item, `${path}else[${i}]`)),
  };
}

function condition(item: unknown, path: string): Condition<Uint8Array> {
  if (!isRecord(item) || (typeof item.key !== 'string' && !isRecord(item.range))) {
    throw new RaftkvError('invalid_argument', `${path}: names neither key nor range`);
  }
  const tested = ['value', 'revision', 'createRevision', 'version', 'exists'].filter(
    (name) => item[name] !== undefined,
  );
  if (tested.length !== 1) {
    throw new RaftkvError('invalid_argument', `${path}: needs one of value, revision, createRevision, version, exists`);
  }
  return (item.value === undefined
    ? item
    : { ...item, value: valueBytes(item.value) }) as unknown as Condition<Uint8Array>;
}

function operation(item: unknown, path: string): TxnOp<Uint8Array> {
  const type = isRecord(item) ? item.type : undefined;
  if (
    !isRecord(item) ||
    typeof type !== 'string' ||
    !['put', 'delete', 'deleteRange', 'get', 'scan', 'txn'].includes(type)
  ) {
    throw new RaftkvError('invalid_argument', `${path}: type is none of put, delete, deleteRange, get, scan, txn`);
  }
  if (type === 'txn') return { type: 'txn', ...txnParts(item, `${path}.`) };
  if (type === 'deleteRange' || type === 'scan') {
    if (!isRecord(item.range)) throw new RaftkvError('invalid_argument', `${path}: needs a range`);
  } else if (typeof item.key !== 'string') throw new RaftkvError('invalid_argument', `${path}: needs a key`);
  if (type !== 'put') return item as unknown as TxnOp<Uint8Array>;
  if (item.value === undefined) throw new RaftkvError('invalid_argument', `${path}: needs a value`);
  return { ...item, value: valueBytes(item.value) } as unknown as TxnOp<Uint8Array>;
}

export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RaftkvError('invalid_argument', `${where}: is not JSON (${(error as Error).message})`, { cause: error });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(number: number, line: string, expected: string): RaftkvError {
  const shown = line.length > 40 ? `${line.slice(0, 40)}…` : line;
  return new RaftkvError('invalid_argument', `line ${number}: ${JSON.stringify(shown)} is not ${expected}`);
}
