// What a tab holds that the room which went on without it has not: counted and handed out, so that nothing is dropped in silence. Reads all that the member of this tab
// holds, or the copy where there is none, and asks the other room; merges nothing, since which of two values is right is for people to say.
import { connect } from '@raftkv/client';
import { bytes as asBytes } from '@raftkv/client';
import type { Codec, ConnectOptions, Entry, LiveKv } from '@raftkv/client';
import { decodeValue, encodeValue, json } from '@raftkv/client/parts';
import type { Key } from '@raftkv/kv';
import { tabWord } from '@raftkv/server';
import { RaftkvError, keyFrom, keyToBytes, keyToString } from '@raftkv/wire';
import { anyMember } from './dial-member.ts';
import { toBase64 } from './hex.ts';
import type { RoomCluster } from './room-clusters.ts';
import type { RoomMember } from './room-member.ts';
import type { RoomNetwork } from './room-platform.ts';
import { agreedWhenLeft } from './room-note.ts';
import type { AgreedEntry } from './room-note.ts';

export interface UnmergedEntry {
  /** What is not UTF-8 shows as U+FFFD; `export` has its bytes. */
  readonly key: string;
  /** As it is here; undefined: it was deleted here. */
  readonly value: unknown;
  /** As it is there; undefined: there is none. */
  readonly there: unknown;
}

export interface Unmerged {
  /**
   * Keys whose value here is another than there, or that are not there at all; and keys that are there, were for certain here too when the rooms parted, and are deleted here
   * by now. Keys that came to be there after that, or may have, are not counted: nothing of them would be lost.
   */
  readonly count: number;
  readonly entries: readonly UnmergedEntry[];
  /**
   * One JSON document a line, of what is stored, as text (`{"key":…,"value":TEXT}`; of a JSON string with its quotes) or, where it is none, as base64 (`{"key":…,"valueBase64":…}`);
   * or `{"key":…,"deleted":true}`; with `keyBase64` for `key` where that is no text. `raftkv import` makes the same of it.
   */
  export(): string;
}

/** More are not looked at, and refused with `batch_too_large`: they would not fit into a page. */
const maxEntries = 1_000_000;

export interface UnmergedOptions<Value> {
  /** The room that went on. */
  readonly successor: RoomCluster;
  /** From which one. */
  readonly former: string | undefined;
  /** What the app reads: what is known to be agreed. */
  readonly copy: Pick<LiveKv<Value>, 'scan'>;
  /** Of this tab, if it is one: it may hold more than it knows to be agreed, above all where it is alone again. */
  readonly member: Pick<RoomMember, 'held'> | undefined;
  readonly network: Pick<RoomNetwork, 'dial'>;
  readonly codec: Codec<Value> | undefined;
}

interface Found<Value> {
  readonly key: Key;
  readonly value: Value | undefined;
  readonly there: unknown;
  /** As it is stored here; undefined: it was deleted here. */
  readonly stored: Uint8Array | undefined;
}

export async function findUnmerged<Value>(options: UnmergedOptions<Value>): Promise<Unmerged> {
  const { successor, former, codec = json as Codec<unknown> as Codec<Value> } = options;
  const others = await readThere(options);
  const { own, partedAt, asHere } = await readOwn(options, codec, agreedWhenLeft(successor.lineage, former));
  const found: Found<Value>[] = [];
  for (const { key, value: stored } of own) {
    const there = others.get(key)?.value;
    others.delete(key);
    if (there !== undefined && isSame(stored, asHere(there))) continue;
    found.push({ key, value: decodeValue(codec, stored), there: there && decodeValue(codec, there), stored });
  }
  // Until the rooms parted, revisions there are those of here: a key that one of them made, and that is not here, was deleted here.
  for (const [key, { createRevision, value }] of others) {
    if (createRevision <= partedAt)
      found.push({ key, value: undefined, there: decodeValue(codec, value), stored: undefined });
  }
  const entries = found.map(({ key, value, there }) => ({ key: keyToString(key), value, there }));
  return { count: entries.length, entries, export: () => found.map(lineOf).join('') };
}

/** As it is stored. */
async function readThere<Value>({
  successor,
  network,
}: UnmergedOptions<Value>): Promise<Map<Key, Entry<Uint8Array, Uint8Array>>> {
  const { clusterId, leader, members } = successor;
  const dial: ConnectOptions['dial'] = (endpoint, { signal }) =>
    network.dial(tabWord(endpoint) ?? leader ?? members[0]!, { signal, purpose: 'client' });
  const there = connect<Uint8Array>({ endpoints: [anyMember], clusterId, dial, codec: asBytes, keys: 'bytes' });
  try {
    const others = new Map<Key, Entry<Uint8Array, Uint8Array>>();
    for await (const entry of there.scan({ prefix: '', level: 'local' })) {
      if (others.size >= maxEntries) throw new RaftkvError('batch_too_large', `more than ${maxEntries} entries`);
      others.set(keyFrom(entry.key), entry);
    }
    return others;
  } finally {
    await there.close();
  }
}

interface Own {
  readonly own: readonly { readonly key: Key; readonly value: Uint8Array }[];
  /** The last revision of which is known that it is the same here and there. */
  readonly partedAt: number;
  /** What is stored there, to be compared with what is here. */
  asHere(there: Uint8Array): Uint8Array;
}

/** `agreed`: in the room that was, when the other one parted from it. Undefined: nobody knows, and so nothing of what is there is taken for deleted here. */
async function readOwn<Value>(
  { copy, member }: UnmergedOptions<Value>,
  codec: Codec<Value>,
  agreed: AgreedEntry | undefined,
): Promise<Own> {
  const partedAt = (agreedRevision: number): number => Math.min(agreed?.revision ?? 0, agreedRevision);
  if (member !== undefined) {
    const { stateMachine, agreedRevision, has } = member.held;
    const found = stateMachine.store.scan({ from: '', to: undefined });
    if (found.type === 'error') throw new RaftkvError(found.code, found.message);
    const isAllHere = agreed !== undefined && has(agreed);
    return {
      own: found.entries,
      partedAt: isAllHere ? agreed.revision : partedAt(agreedRevision),
      asHere: (there) => there,
    };
  }
  // The copy has values as the app does: as these are written they are compared.
  const own: Own['own'][number][] = [];
  let revision = 0;
  for await (const page of copy.scan({ prefix: '', level: 'local' }).pages()) {
    ({ revision } = page);
    for (const { key, value } of page.entries) own.push({ key: keyFrom(key), value: encodeValue(codec, value) });
  }
  return { own, partedAt: partedAt(revision), asHere: (there) => encodeValue(codec, decodeValue(codec, there)) };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function lineOf({ key, stored }: Pick<Found<unknown>, 'key' | 'stored'>): string {
  const text = keyToString(key);
  const named = keyFrom(text) === key ? { key: text } : { keyBase64: toBase64(keyToBytes(key)) };
  return `${JSON.stringify({ ...named, ...(stored === undefined ? { deleted: true } : storedFields(stored)) })}\n`;
}

function storedFields(stored: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  try {
    return { value: strict.decode(stored) };
  } catch {
    return { valueBase64: toBase64(stored) };
  }
}
