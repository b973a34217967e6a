// `raftkv watch`: prints changes as they are committed, one line an event, until it is stopped.
import type { WatchEvent } from '@raftkv/client';
import type { Command } from 'commander';
import { readNumber } from './dev.ts';
import { jsonEntry, openKv, print, withEndpoints } from './endpoints.ts';
import type { EndpointOptions } from './endpoints.ts';

export function addWatchCommand(program: Command): void {
  withEndpoints(
    program.command('watch [PREFIX]').description('print changes as they happen; --json prints one document a line'),
  )
    .option('--from <REVISION>', 'begin with the changes of this revision')
    .action((prefix: string | undefined, options: EndpointOptions & { readonly from?: string }) =>
      watch(prefix ?? '', options),
    );
}

async function watch(prefix: string, options: EndpointOptions & { readonly from?: string }): Promise<void> {
  const from =
    options.from === undefined ? {} : { from: readNumber('--from', options.from, 1, Number.MAX_SAFE_INTEGER) };
  const kv = openKv(options);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const range = prefix === '' ? { all: true as const } : { prefix };
    for await (const { revision, events } of kv.watch(range, { ...from, signal: stopping.signal })) {
      for (const event of events) {
        await print(options.json === true ? `${JSON.stringify(jsonEvent(revision, event))}\n` : line(revision, event));
      }
    }
  } finally {
    await kv.close();
  }
}

function jsonEvent(revision: number, event: WatchEvent<Uint8Array>): Record<string, unknown> {
  return event.type === 'put'
    ? { type: 'put', ...jsonEntry(event.entry) }
    : { type: 'delete', key: event.key, revision };
}

function line(revision: number, event: WatchEvent<Uint8Array>): string {
  if (event.type === 'delete') return `${revision}\tdelete\t${event.key}\n`;
  return `${revision}\tput\t${event.key}\t${Buffer.from(event.entry.value).toString('utf8')}\n`;
}
