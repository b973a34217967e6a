// `raftkv import FILE`: NDJSON of {"key", "value"} into the store, in batches, with a progress bar. Safe to repeat, since putting the same
// twice leaves the same; resumable, since how far it came is noted in the store, under the file's name and size, until it is done.
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { readNumber } from './dev.ts';
import { print, printJson, withEndpoints, withKv } from './endpoints.ts';
import type { ByteKv, EndpointOptions } from './endpoints.ts';
import { isRecord, parseJson, valueBytes } from './input.ts';
import { ProgressBar } from './progress.ts';

interface ImportOptions extends EndpointOptions {
  readonly batch: string;
  readonly restart?: boolean;
}

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Bytes of values in one batch, well below the limit of a command. */
const batchBytes = 256 * 1024;
/** Batches under way at once: enough to keep a quorum busy. The note is only moved once all before it are committed. */
const batchesInFlight = 8;

export function addImportCommand(program: Command): void {
  withEndpoints(
    program
      .command('import <FILE>')
      .description('put every {"key", "value"} line of an NDJSON file; can be repeated and resumed'),
  )
    .option('--batch <ROWS>', 'rows in one batch', '500')
    .option('--restart', 'from the first line, whatever an earlier run noted')
    .action((file: string, options: ImportOptions) => importFile(file, options));
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const rowsPerBatch = readNumber('--batch', options.batch, 1, 1_000);
  const size = fileSize(file);
  const noteKey = `raftkv.import/${basename(file)}/${size}`;
  await withKv(options, async (kv) => {
    const skip = options.restart === true ? 0 : await readNote(kv, noteKey);
    const bar = new ProgressBar('importing', size);
    const importer = new Importer(kv, noteKey, skip);
    if (skip > 0) process.stderr.write(`going on after line ${skip} (--restart begins anew)\n`);
    let batch = new Map<string, Uint8Array>();
    let bytes = 0;
    let line = 0;
    let readBytes = 0;
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const text of lines) {
      line++;
      readBytes += Buffer.byteLength(text) + 1;
      if (line <= skip || text.trim() === '') continue;
      const row = readRow(text, `${file}:${line}`);
      // A batch holds a key once: the later line wins, as if they had been put one after another.
      if (batch.size >= rowsPerBatch || bytes >= batchBytes || batch.has(row.key)) {
        await importer.put(batch, line - 1);
        batch = new Map();
        bytes = 0;
        bar.show(readBytes, `${importer.rows.toLocaleString('en')} rows`);
      }
      batch.set(row.key, row.value);
      bytes += row.value.length + row.key.length;
    }
    if (batch.size > 0) await importer.put(batch, line);
    await importer.finish();
    bar.finish(`${importer.rows.toLocaleString('en')} rows`);
    if (options.json === true) printJson({ rows: importer.rows, skippedLines: skip, lines: line });
    else await print(`imported ${importer.rows} rows${skip > 0 ? ` after line ${skip}` : ''}\n`);
  });
}

class Importer {
  readonly #kv: ByteKv;
  readonly #noteKey: string;
  readonly #inFlight: Promise<void>[] = [];
  readonly #keysInFlight = new Set<string>();
  #failure: unknown;
  rows = 0;
  #notedLine: number;

  constructor(kv: ByteKv, noteKey: string, notedLine: number) {
    this.#kv = kv;
    this.#noteKey = noteKey;
    this.#notedLine = notedLine;
  }

  /** Sends a batch; `line` is the last one that it holds. Waits while too many are under way. */
  async put(rows: ReadonlyMap<string, Uint8Array>, line: number): Promise<void> {
    // Batches in flight together may be carried out in any order, so no two of them may hold the same key.
    const isShared = [...rows.keys()].some((key) => this.#keysInFlight.has(key));
    if (isShared || this.#inFlight.length >= batchesInFlight) await this.#drain();
    const ops = Array.from(rows, ([key, value]) => ({ type: 'put' as const, key, value }));
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
    this.#notedLine = line;
  }

  /** All of the file is in: the note goes, so that a repetition puts everything again. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.#kv.delete(this.#noteKey);
  }

  async #drain(): Promise<void> {
    await this.#settle();
    await this.#kv.put(this.#noteKey, valueBytes(String(this.#notedLine)));
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#inFlight.splice(0));
    this.#keysInFlight.clear();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

async function readNote(kv: ByteKv, noteKey: string): Promise<number> {
  const note = await kv.get(noteKey);
  const line = note === undefined ? 0 : Number(Buffer.from(note).toString('utf8'));
  return Number.isSafeInteger(line) && line >= 0 ? line : 0;
}

function readRow(text: string, where: string): Row {
  const row = parseJson(text, where);
  if (!isRecord(row) || typeof row.key !== 'string' || row.key === '' || row.value === undefined) {
    throw new RaftkvError('invalid_argument', `${where}: is not {"key": TEXT, "value": …}`);
  }
  return { key: row.key, value: valueBytes(row.value) };
}

function fileSize(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'error';
    throw new RaftkvError('invalid_argument', `${file}: cannot be read (${code})`, { cause: error });
  }
}
