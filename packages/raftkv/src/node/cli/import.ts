// `raftkv import FILE`: NDJSON of {"key", "value"}, {"key", "valueBase64"}, or {"key", "deleted"}, into the store, in batches, with a progress bar. Safe to repeat, since putting
// the same twice leaves the same; resumable, since how far it came is noted in the store, under the file's name and size, until it is done. The note
// holds a digest of the lines before it, so that another file of that name and size is not taken for the rest of this one.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { BatchOp } from '@raftkv/client';
import type { Key } from '@raftkv/kv';
import { keyToBytes } from '@raftkv/wire';
import type { Command } from 'commander';
import { readNumber } from './dev.ts';
import { print, printJson, withEndpoints, withKv } from './endpoints.ts';
import type { ByteKv, EndpointOptions } from './endpoints.ts';
import { isRecord, valueBytes } from './input.ts';
import { ProgressBar } from './progress.ts';
import { LineReader, cannotBeRead, readRow, standardInput } from './rows.ts';
import type { Mark, Row } from './rows.ts';

interface ImportOptions extends EndpointOptions {
  readonly batch: string;
  readonly restart?: boolean;
}

/** Bytes of keys and values in one batch, well below the limit of a command. */
const batchBytes = 256 * 1024;
/** Batches under way at once: enough to keep a quorum busy. The note is only moved once all before it are committed. */
const batchesInFlight = 8;

export function addImportCommand(program: Command): void {
  withEndpoints(
    program
      .command('import <FILE>')
      .description(
        'put every {"key", "value"} line of an NDJSON file (- is standard input; "keyBase64" and "valueBase64" for what is no text), and delete the key of every {"key", "deleted": true}; can be repeated and resumed',
      ),
  )
    .option('--batch <ROWS>', 'rows in one batch', '500')
    .option('--restart', 'from the first line, whatever an earlier run noted')
    .action((file: string, options: ImportOptions) => importFile(file, options));
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const rowsPerBatch = readNumber('--batch', options.batch, 1, 1_000);
  const { size, noteKey } = describeFile(file);
  await withKv(options, async (kv) => {
    const skip = options.restart === true || noteKey === undefined ? 0 : await findStart(kv, noteKey, file);
    if (skip > 0) process.stderr.write(`going on after line ${skip} (--restart begins anew)\n`);
    const bar = new ProgressBar('importing', size);
    const importer = new Importer(kv, noteKey);
    let lines: number;
    try {
      lines = await importLines(file, skip, rowsPerBatch, importer, bar);
    } catch (error) {
      bar.interrupt();
      throw error;
    }
    bar.finish(`${importer.rows.toLocaleString('en')} rows`);
    if (options.json === true) printJson({ rows: importer.rows, skippedLines: skip, lines });
    else await print(`imported ${importer.rows} rows${skip > 0 ? ` after line ${skip}` : ''}\n`);
  });
}

/** Resolves with the number of lines. What stands before a line that is no row has been put when it rejects. */
async function importLines(
  file: string,
  skip: number,
  rowsPerBatch: number,
  importer: Importer,
  bar: ProgressBar,
): Promise<number> {
  const lines = new LineReader(file);
  let batch = new Map<Key, Row['value']>();
  let bytes = 0;
  for await (const line of lines) {
    if (lines.count <= skip) continue;
    let row: Row | undefined;
    try {
      row = readRow(line, `${file}:${lines.count}`);
    } catch (error) {
      if (batch.size > 0) await importer.put(batch, lines.mark());
      await importer.drain();
      throw error;
    }
    // A batch holds a key once: the later line wins, as if they had been put one after another.
    const isFull = batch.size >= rowsPerBatch || bytes >= batchBytes;
    if (row !== undefined && (isFull || batch.has(row.key))) {
      await importer.put(batch, lines.mark());
      batch = new Map();
      bytes = 0;
      bar.show(lines.bytes, `${importer.rows.toLocaleString('en')} rows`);
    }
    if (row !== undefined) {
      batch.set(row.key, row.value);
      bytes += (row.value?.length ?? 0) + row.key.length;
    }
  }
  if (batch.size > 0) await importer.put(batch, lines.mark());
  await importer.finish();
  return lines.count;
}

class Importer {
  readonly #kv: ByteKv;
  readonly #noteKey: string | undefined;
  readonly #inFlight: Promise<void>[] = [];
  readonly #keysInFlight = new Set<Key>();
  #failure: unknown;
  #mark: Mark | undefined;
  rows = 0;

  constructor(kv: ByteKv, noteKey: string | undefined) {
    this.#kv = kv;
    this.#noteKey = noteKey;
  }

  /** Sends a batch that ends at `mark`. Waits while too many are under way. */
  async put(rows: ReadonlyMap<Key, Row['value']>, mark: Mark): Promise<void> {
    // Batches in flight together may be carried out in any order, so no two of them may hold the same key.
    const isShared = [...rows.keys()].some((key) => this.#keysInFlight.has(key));
    if (isShared || this.#inFlight.length >= batchesInFlight) await this.drain();
    const ops = Array.from(rows, ([name, value]): BatchOp<Uint8Array> => {
      const key = keyToBytes(name);
      return value === undefined ? { type: 'delete', key } : { type: 'put', key, value };
    });
    for (const key of rows.keys()) this.#keysInFlight.add(key);
    const sent = this.#kv.batch(ops).then(
      () => {
        this.rows += rows.size;
      },
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
    this.#inFlight.push(sent);
    this.#mark = mark;
  }

  /** Waits for all that was sent, and notes how far that is. */
  async drain(): Promise<void> {
    await this.#settle();
    if (this.#noteKey === undefined || this.#mark === undefined) return;
    await this.#kv.put(this.#noteKey, valueBytes(this.#mark));
  }

  /** All of the file is in: the note goes, so that a repetition puts everything again. */
  async finish(): Promise<void> {
    await this.#settle();
    if (this.#noteKey !== undefined) await this.#kv.delete(this.#noteKey);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#inFlight.splice(0));
    this.#keysInFlight.clear();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** The line after which to begin: that of the note, if the file still begins as it did then. */
async function findStart(kv: ByteKv, noteKey: string, file: string): Promise<number> {
  const mark = readMark(await kv.get(noteKey));
  if (mark === undefined) return 0;
  const lines = new LineReader(file);
  for await (const _ of lines) if (lines.count > mark.line) break;
  const { line, digest } = lines.mark();
  if (line === mark.line && digest === mark.digest) return line;
  process.stderr.write(`${file} has changed since line ${mark.line} was noted: beginning anew\n`);
  return 0;
}

function readMark(note: Uint8Array | undefined): Mark | undefined {
  if (note === undefined) return undefined;
  try {
    const mark: unknown = JSON.parse(Buffer.from(note).toString('utf8'));
    if (isRecord(mark) && typeof mark.line === 'number' && typeof mark.digest === 'string') {
      return { line: mark.line, digest: mark.digest };
    }
  } catch {
    // Something else wrote there: no note.
  }
  return undefined;
}

/** A pipe has no size, and cannot be resumed. */
function describeFile(file: string): { readonly size: number | undefined; readonly noteKey: string | undefined } {
  try {
    const stats = file === standardInput ? undefined : statSync(file);
    if (stats?.isFile() !== true) return { size: undefined, noteKey: undefined };
    return { size: stats.size, noteKey: `raftkv.import/${basename(file)}/${stats.size}` };
  } catch (error) {
    throw cannotBeRead(file, error);
  }
}
