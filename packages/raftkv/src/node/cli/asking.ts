// The commands that ask once and print: get, put, del, scan, batch, txn, status.
import type { TxnOpResult } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { jsonEntry, print, printJson, withEndpoints, withKv } from './endpoints.ts';
import type { EndpointOptions } from './endpoints.ts';
import { readBatch, readTxn } from './input.ts';
import { describeStatus } from './status-text.ts';
import { readNumber } from './dev.ts';

type SetExitCode = (code: number) => void;
type Level = { readonly level: 'linearizable' | 'local' };

const encoder = new TextEncoder();
const levelHelp = 'linearizable, or local: what the asked member has';

export function addAskingCommands(program: Command, setExitCode: SetExitCode): void {
  withEndpoints(program.command('get <KEY>').description('print the value of a key'))
    .option('--level <LEVEL>', levelHelp, 'linearizable')
    .action((key: string, options: EndpointOptions & Level) => get(key, options));
  withEndpoints(program.command('put <KEY> <VALUE>').description('write a value; prints the revision')).action(
    (key: string, value: string, options: EndpointOptions) => put(key, value, options),
  );
  withEndpoints(program.command('del <KEY>').description('delete a key; prints how many there were')).action(
    async (key: string, options: EndpointOptions) => setExitCode(await del(key, options)),
  );
  withEndpoints(program.command('scan [PREFIX]').description('print keys and values in order'))
    .option('--limit <COUNT>', 'at most so many')
    .option('--reverse', 'from the highest key down')
    .option('--keys-only', 'without values')
    .option('--level <LEVEL>', levelHelp, 'linearizable')
    .action((prefix: string | undefined, options: ScanCommandOptions) => scan(prefix ?? '', options));
  withEndpoints(
    program
      .command('batch')
      .description('read `put KEY VALUE` and `del KEY` lines (or JSON ones) and apply them together'),
  ).action((options: EndpointOptions) => batch(options));
  withEndpoints(
    program
      .command('txn')
      .description('read {"if": […], "then": […], "else": […]} and carry it out; exit code 1 if `if` did not hold'),
  ).action(async (options: EndpointOptions) => setExitCode(await txn(options)));
  withEndpoints(program.command('status').description('what each member says of itself')).action(
    async (options: EndpointOptions) => setExitCode(await status(options)),
  );
}

async function get(key: string, options: EndpointOptions & Level): Promise<void> {
  const entry = await withKv(options, (kv) => kv.getEntry(key, { level: readLevel(options) }));
  if (entry === undefined) throw new RaftkvError('not_found', `${key} does not exist`);
  if (options.json === true) return printJson(jsonEntry(entry));
  await print(entry.value);
  await print('\n');
}

async function put(key: string, value: string, options: EndpointOptions): Promise<void> {
  const revision = await withKv(options, (kv) => kv.put(key, encoder.encode(value)));
  if (options.json === true) printJson({ revision });
  else await print(`${revision}\n`);
}

async function del(key: string, options: EndpointOptions): Promise<number> {
  const { deleted, revision } = await withKv(options, (kv) => kv.delete(key));
  if (options.json === true) printJson({ deleted: deleted ? 1 : 0, revision });
  else await print(`${deleted ? 1 : 0}\n`);
  return deleted ? 0 : 1;
}

interface ScanCommandOptions extends EndpointOptions, Level {
  readonly limit?: string;
  readonly reverse?: boolean;
  readonly keysOnly?: boolean;
}

async function scan(prefix: string, options: ScanCommandOptions): Promise<void> {
  const limit =
    options.limit === undefined ? {} : { limit: readNumber('--limit', options.limit, 1, Number.MAX_SAFE_INTEGER) };
  const { reverse = false, keysOnly = false } = options;
  await withKv(options, async (kv) => {
    const found: unknown[] = [];
    const range = prefix === '' ? { all: true as const } : { prefix };
    for await (const page of kv.scan({ ...range, ...limit, reverse, keysOnly, level: readLevel(options) }).pages()) {
      if (options.json === true) {
        for (const entry of page.entries)
          found.push(keysOnly ? { key: entry.key, revision: entry.revision } : jsonEntry(entry));
        continue;
      }
      const rows: Uint8Array[] = [];
      for (const entry of page.entries) {
        rows.push(encoder.encode(keysOnly ? `${entry.key}\n` : `${entry.key}\t`));
        if (!keysOnly) rows.push(entry.value, encoder.encode('\n'));
      }
      await print(Buffer.concat(rows));
    }
    if (options.json === true) printJson(found);
  });
}

async function batch(options: EndpointOptions): Promise<void> {
  const ops = await readBatch(process.stdin);
  const { revision, results } = await withKv(options, (kv) => kv.batch(ops));
  const puts = results.filter((result) => result.type === 'put').length;
  const deleted = results.reduce((sum, result) => sum + (result.type === 'delete' ? result.deleted : 0), 0);
  if (options.json === true) printJson({ revision, puts, deleted });
  else await print(`${puts} put, ${deleted} deleted, revision ${revision}\n`);
}

async function txn(options: EndpointOptions): Promise<number> {
  const parts = await readTxn(process.stdin);
  const result = await withKv(options, (kv) =>
    kv
      .txn()
      .if(...parts.if)
      .then(...parts.then)
      .else(...parts.else)
      .commit(),
  );
  const results = result.results.map((one) => jsonResult(one));
  if (options.json === true) printJson({ succeeded: result.succeeded, revision: result.revision, results });
  else {
    await print(`${result.succeeded ? 'succeeded' : 'did not hold'}, revision ${result.revision}\n`);
    for (const one of results) await print(`${JSON.stringify(one)}\n`);
  }
  return result.succeeded ? 0 : 1;
}

function jsonResult(result: TxnOpResult<Uint8Array, string>): Record<string, unknown> {
  switch (result.type) {
    case 'put':
      return { type: 'put', revision: result.revision };
    case 'delete':
      return { type: 'delete', deleted: result.deleted };
    case 'get':
      return { type: 'get', entry: result.entry === undefined ? null : jsonEntry(result.entry) };
    case 'scan':
      return { type: 'scan', entries: result.entries.map((entry) => jsonEntry(entry)), more: result.more };
    case 'txn':
      return { type: 'txn', succeeded: result.succeeded, results: result.results.map((one) => jsonResult(one)) };
  }
}

/** Exit code 1 unless a member answers that knows a leader, which takes a quorum. */
async function status(options: EndpointOptions): Promise<number> {
  const all = await withKv(options, (kv) => kv.statusOfAll());
  if (options.json === true) {
    printJson(
      all.map(({ endpoint, status: found, error }) => ({
        endpoint,
        ...found,
        ...(error === undefined ? {} : { error: error.message }),
      })),
    );
  } else await print(describeStatus(all));
  return all.some(({ status: found }) => found?.leader !== undefined) ? 0 : 1;
}

function readLevel({ level }: Level): 'linearizable' | 'local' {
  if (level === 'linearizable' || level === 'local') return level;
  throw new RaftkvError('invalid_argument', `--level: ${JSON.stringify(level)} is neither linearizable nor local`);
}
