// What the asking commands share: where the cluster is, a client for the time of one command, and how entries are shown.
import { bytes } from '@raftkv/client';
import type { ClusterKv, Entry } from '@raftkv/client';
import type { Command } from 'commander';
import { connect } from '../connect.ts';
import { parseDuration } from '../units.ts';

export interface EndpointOptions {
  readonly endpoints: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export type ByteKv = ClusterKv<Uint8Array>;

const defaultEndpoints = '127.0.0.1:8080,127.0.0.1:8081,127.0.0.1:8082';

/** Adds `--endpoints`, `--timeout` and `--json`. */
export function withEndpoints(command: Command): Command {
  const endpoints = process.env.RAFTKV_ENDPOINTS ?? defaultEndpoints;
  return command
    .option('--endpoints <LIST>', 'HOST:PORT of some or all members, separated by commas', endpoints)
    .option('--timeout <TIME>', 'for each request', '5s')
    .option('--json', 'print one JSON document');
}

/** Runs `use` with a client, and closes it whatever happens. */
export async function withKv<T>(options: EndpointOptions, use: (kv: ByteKv) => Promise<T>): Promise<T> {
  const kv = openKv(options);
  try {
    return await use(kv);
  } finally {
    await kv.close();
  }
}

export function openKv(options: EndpointOptions): ByteKv {
  return connect({
    endpoints: endpointList(options.endpoints),
    codec: bytes,
    requestTimeoutMilliseconds: parseDuration('--timeout', options.timeout),
  });
}

export function endpointList(text: string): string[] {
  return text
    .split(',')
    .map((endpoint) => endpoint.trim())
    .filter((endpoint) => endpoint !== '');
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A value for a JSON document: text where it is UTF-8, else base64 under a name that says so. */
function jsonValue(value: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  try {
    return { value: strict.decode(value) };
  } catch {
    return { valueBase64: Buffer.from(value).toString('base64') };
  }
}

export function jsonEntry(entry: Entry<Uint8Array>): Record<string, unknown> {
  const { key, revision, createRevision, version } = entry;
  return { key, ...jsonValue(entry.value), revision, createRevision, version };
}

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** Waits for the pipe, so that a large scan into a slow reader does not grow this process. */
export async function print(chunk: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await new Promise<void>((done) => process.stdout.once('drain', done));
}
