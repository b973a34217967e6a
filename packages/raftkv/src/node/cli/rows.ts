// Reads the file of `raftkv import`: lines of bytes, each with its number and with a digest of all that came before, and the row that a line
// stands for. What is wrong with a line is told with the file and the number.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Key } from '@raftkv/kv';
import { RaftkvError, defaultLimits, keyFrom } from '@raftkv/wire';
import { isRecord, parseJson, valueBytes } from './input.ts';

export interface Row {
  readonly key: Key;
  /** Undefined: it is deleted. */
  readonly value: Uint8Array | undefined;
}

/** What stands for it among the arguments. */
export const standardInput = '-';
/** A value of the largest size may be written with six characters a byte. At the limit the line is refused before it is held in memory. */
const maxLineBytes = 16 * 1024 * 1024;

/** A place between two lines: after so many, which have this digest. */
export interface Mark {
  readonly line: number;
  readonly digest: string;
}

/**
 * The lines of a file, one after another. Only a line feed ends one: a value may hold the other characters that some call line ends.
 */
export class LineReader {
  readonly #file: string;
  readonly #hash = createHash('sha256');
  /** The line that was given last, which is not in the digest yet. */
  #current: Buffer | undefined;
  /** Lines read so far, and their bytes. */
  count = 0;
  bytes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** The place before the line that was given last; at the end of the file, the end. */
  mark(): Mark {
    const line = this.#current === undefined ? this.count : this.count - 1;
    return { line, digest: this.#hash.copy().digest('hex') };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    let parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of readChunks(this.#file)) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        parts.push(chunk.subarray(from, end + 1));
        from = end + 1;
        yield this.#take(parts);
        parts = [];
        size = 0;
      }
      size += chunk.length - from;
      if (size > maxLineBytes) {
        throw new RaftkvError(
          'request_too_large',
          `${this.#file}:${this.count + 1}: is longer than ${maxLineBytes} bytes`,
        );
      }
      if (from < chunk.length) parts.push(chunk.subarray(from));
    }
    if (parts.length > 0) yield this.#take(parts);
    this.#addCurrent();
  }

  #take(parts: readonly Buffer[]): Buffer {
    const line = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    this.#addCurrent();
    this.#current = line;
    this.count++;
    this.bytes += line.length;
    return line;
  }

  #addCurrent(): void {
    if (this.#current !== undefined) this.#hash.update(this.#current);
    this.#current = undefined;
  }
}

async function* readChunks(file: string): AsyncGenerator<Buffer, void> {
  try {
    const stream = file === standardInput ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    throw cannotBeRead(file, error);
  }
}

export function cannotBeRead(file: string, error: unknown): RaftkvError {
  const code = (error as { code?: string }).code ?? 'error';
  return new RaftkvError('invalid_argument', `${file}: cannot be read (${code})`, { cause: error });
}

const strict = new TextDecoder('utf-8', { fatal: true });

/** Undefined for an empty line. */
export function readRow(line: Uint8Array, where: string): Row | undefined {
  let text: string;
  try {
    text = strict.decode(line).trim();
  } catch (error) {
    throw new RaftkvError('invalid_argument', `${where}: is not UTF-8`, { cause: error });
  }
  if (text === '') return undefined;
  const row = parseJson(text, where);
  if (!isRecord(row) || !hasOne([row.key, row.keyBase64]) || !isOneOf(row)) {
    throw new RaftkvError(
      'invalid_argument',
      `${where}: is none of {"key": TEXT, "value": …}, {"key": TEXT, "valueBase64": BASE64} and {"key": TEXT, "deleted": true}, or of these with "keyBase64"`,
    );
  }
  const value = rowValue(row, where);
  const key = rowKey(row, where);
  const keyBytes = key.length;
  const { maxKeyBytes, maxValueBytes } = defaultLimits;
  if (keyBytes === 0) throw new RaftkvError('key_empty', `${where}: a key has at least one byte`);
  if (keyBytes > maxKeyBytes) {
    throw new RaftkvError('key_too_large', `${where}: a key of ${keyBytes} bytes; the limit is ${maxKeyBytes}`);
  }
  if (value !== undefined && value.length > maxValueBytes) {
    throw new RaftkvError(
      'value_too_large',
      `${where}: a value of ${value.length} bytes; the limit is ${maxValueBytes}`,
    );
  }
  return { key, value };
}

function isOneOf({ value, valueBase64, deleted }: Record<string, unknown>): boolean {
  return hasOne([value, valueBase64, deleted === true ? deleted : undefined]);
}

function hasOne(fields: readonly unknown[]): boolean {
  return fields.filter((field) => field !== undefined).length === 1;
}

function rowKey({ key, keyBase64 }: Record<string, unknown>, where: string): Key {
  if (keyBase64 !== undefined) return keyFrom(bytesOf(keyBase64, `${where}: keyBase64`));
  if (typeof key !== 'string') throw new RaftkvError('invalid_argument', `${where}: key is no text`);
  try {
    return keyFrom(key);
  } catch (error) {
    throw new RaftkvError('invalid_argument', `${where}: ${RaftkvError.from(error).message}`, { cause: error });
  }
}

/** Undefined: it is deleted. */
function rowValue({ value, valueBase64 }: Record<string, unknown>, where: string): Uint8Array | undefined {
  if (value !== undefined) return valueBytes(value);
  if (valueBase64 === undefined) return undefined;
  return bytesOf(valueBase64, `${where}: valueBase64`);
}

function bytesOf(base64: unknown, what: string): Uint8Array {
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
  // What Node does not understand it passes over.
  if (bytes !== undefined && bytes.toString('base64') === base64) return bytes;
  throw new RaftkvError('invalid_argument', `${what} is not base64`);
}
