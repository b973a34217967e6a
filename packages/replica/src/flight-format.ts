// The lines of a flight recording: a checkpoint of the core first, then every input and a digest of every Ready, one JSON value a line. What
// entries, proposals and chunks of snapshots hold is not in it, only how long it is (the core never reads it); but configurations are whole.
// Written by flight-recorder.ts, read by flight-replay.ts.
import type { Entry, Input, RaftCheckpoint, Ready } from '@raftkv/raft';

export const flightFormat = 'raftkv-flight';
export const flightVersion = 1;

export interface FlightHeader {
  readonly format: typeof flightFormat;
  readonly version: number;
  /** The version of raftkv that wrote it: only the same core gives the same answers. */
  readonly software: string;
  /** Number of this part of the recording, from 1. */
  readonly part: number;
  readonly checkpoint: EncodedCheckpoint;
}

/** `['s', milliseconds, input]`, `['r', digest]`, `['x', message]`. */
export type FlightLine =
  | readonly [kind: 's', milliseconds: number, input: Input]
  | readonly [kind: 'r', digest: string]
  | readonly [kind: 'x', message: string];

/** Objects by number, so that what is one object stays one; the log, which is long, in columns. */
export interface EncodedCheckpoint {
  readonly nodes: readonly EncodedNode[];
  readonly log: EncodedLog;
}

type EncodedNode =
  | readonly ['o', Record<string, EncodedValue>]
  | readonly ['a', readonly EncodedValue[]]
  | readonly ['m', readonly (readonly [EncodedValue, EncodedValue])[]]
  | readonly ['b', AbridgedBytes];
/** A primitive as it is, null for undefined, or a reference to a node. */
type EncodedValue = string | number | boolean | null | { readonly $: number };

interface EncodedLog {
  /** How many entries in a row have this term and kind. */
  readonly runs: readonly (readonly [count: number, term: number, kind: Entry['kind']])[];
  readonly lengths: readonly number[];
  /** Data of the configuration entries, by position. */
  readonly configurations: Readonly<Record<string, readonly number[]>>;
}

/** Bytes of which only the length is kept, or (of a configuration) all. */
interface AbridgedBytes {
  readonly '~': number;
  readonly bytes?: readonly number[];
}

export function encodeCheckpoint({ state }: RaftCheckpoint): EncodedCheckpoint {
  const { log, ...rest } = state as { log: { entries: Entry[] } };
  const nodes: EncodedNode[] = [];
  const numbers = new Map<object, number>();
  const encode = (value: unknown): EncodedValue => {
    if (value === undefined) return null;
    if (typeof value !== 'object' || value === null) return value as EncodedValue;
    const known = numbers.get(value);
    if (known !== undefined) return { $: known };
    const number = nodes.length;
    numbers.set(value, number);
    nodes.push(['a', []]);
    if (value instanceof Uint8Array) nodes[number] = ['b', { '~': value.length }];
    else if (Array.isArray(value)) nodes[number] = ['a', value.map(encode)];
    else if (value instanceof Map)
      nodes[number] = ['m', [...value].map(([key, one]) => [encode(key), encode(one)] as const)];
    else nodes[number] = ['o', mapValues(value as Record<string, unknown>, encode)];
    return { $: number };
  };
  encode({ ...rest, log: { ...log, entries: undefined } });
  return { nodes, log: encodeLog(log.entries) };
}

/** Throws on what is no checkpoint. */
export function decodeCheckpoint({ nodes, log }: EncodedCheckpoint): RaftCheckpoint {
  const values = nodes.map((node) =>
    node[0] === 'm' ? new Map() : node[0] === 'a' ? [] : node[0] === 'b' ? expandBytes(node[1]) : {},
  );
  const decode = (value: EncodedValue): unknown => {
    if (value === null) return undefined;
    return typeof value === 'object' ? values[value.$] : value;
  };
  for (const [at, node] of nodes.entries()) {
    const value = values[at]!;
    if (node[0] === 'a') for (const one of node[1]) (value as unknown[]).push(decode(one));
    else if (node[0] === 'm')
      for (const [key, one] of node[1]) (value as Map<unknown, unknown>).set(decode(key), decode(one));
    else if (node[0] === 'o') Object.assign(value, mapValues(node[1], decode));
  }
  const state = values[0] as { log: { compactedIndex: number; entries: Entry[] } };
  state.log.entries = decodeLog(log, state.log.compactedIndex);
  return { state };
}

/** An input or a Ready as JSON, with the bytes abridged. */
export function abridge(value: Input | Ready): string {
  return JSON.stringify(value, abridgeBytes);
}

/** The inverse of `abridge`, with zeros for what was left out. */
export function expand(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    const isAbridged = typeof value === 'object' && value !== null && '~' in value;
    return isAbridged ? expandBytes(value as AbridgedBytes) : value;
  });
}

/** Of a Ready: 8 hexadecimal digits of FNV-1a over its abridged JSON. */
export function digest(ready: Ready): string {
  const text = abridge(ready);
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function abridgeBytes(this: unknown, _key: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  const isConfiguration = (this as Partial<Entry>).kind === 'configuration';
  return isConfiguration ? { '~': value.length, bytes: [...value] } : { '~': value.length };
}

let zeros = new Uint8Array(1 << 16);

/** All that were left out share one buffer of zeros: nobody writes into an entry. */
function expandBytes({ '~': length, bytes }: AbridgedBytes): Uint8Array {
  if (bytes !== undefined) return Uint8Array.from(bytes);
  if (zeros.length < length) zeros = new Uint8Array(2 * length);
  return zeros.subarray(0, length);
}

function encodeLog(entries: readonly Entry[]): EncodedLog {
  const runs: [number, number, Entry['kind']][] = [];
  const lengths: number[] = [];
  const configurations: Record<string, readonly number[]> = {};
  for (const [at, { term, kind, data }] of entries.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === term && last[2] === kind) last[0]++;
    else runs.push([1, term, kind]);
    lengths.push(data.length);
    if (kind === 'configuration') configurations[at] = [...data];
  }
  return { runs, lengths, configurations };
}

function decodeLog({ runs, lengths, configurations }: EncodedLog, compactedIndex: number): Entry[] {
  const entries: Entry[] = [];
  for (const [count, term, kind] of runs) {
    for (let i = 0; i < count; i++) {
      const at = entries.length;
      const bytes = configurations[at];
      const data = expandBytes({ '~': lengths[at]!, ...(bytes === undefined ? {} : { bytes }) });
      entries.push({ index: compactedIndex + 1 + at, term, kind, data });
    }
  }
  return entries;
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
