// What a tab holds that the room which went on without it has not: counted and handed out, so that nothing is dropped in silence. Reads all that the member of this tab
// holds, or the copy where there is none, and asks the other room; merges nothing, since which of two values is right is for people to say.
import { connect } from '@raftkv/client';
import type { Codec, ConnectOptions, Entry, LiveKv } from '@raftkv/client';
import { json, toEntry, viewOf } from '@raftkv/client/parts';
import { tabWord } from '@raftkv/server';
import { RaftkvError } from '@raftkv/wire';
import { anyMember } from './dial-member.ts';
import type { RoomCluster } from './room-clusters.ts';
import type { RoomMember } from './room-member.ts';
import type { RoomNetwork } from './room-platform.ts';
import { revisionLeft } from './room-note.ts';

export interface UnmergedEntry {
  readonly key: string;
  /** As it is here; undefined: it was deleted here. */
  readonly value: unknown;
  /** As it is there; undefined: there is none. */
  readonly there: unknown;
}

export interface Unmerged {
  /**
   * Keys whose value here is another than there, or that are not there at all; and keys that are there, were here too when the rooms parted, and are deleted here by now. Keys
   * that came to be there after that are not counted: nothing of them would be lost.
   */
  readonly count: number;
  readonly entries: readonly UnmergedEntry[];
  /** One JSON document a line, `{"key":…,"value":…}` or `{"key":…,"deleted":true}`: what `raftkv import` reads. */
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

export async function findUnmerged<Value>(options: UnmergedOptions<Value>): Promise<Unmerged> {
  const { successor, former, network, codec } = options;
  const { clusterId, lineage, leader, members } = successor;
  const dial: ConnectOptions['dial'] = (endpoint, { signal }) =>
    network.dial(tabWord(endpoint) ?? leader ?? members[0]!, { signal, purpose: 'client' });
  const there = connect<Value>({ endpoints: [anyMember], clusterId, dial, ...(codec && { codec }) });
  try {
    const others = new Map<string, Entry<Value>>();
    for await (const entry of there.scan({ prefix: '', level: 'local' })) {
      if (others.size >= maxEntries) throw new RaftkvError('batch_too_large', `more than ${maxEntries} entries`);
      others.set(entry.key, entry);
    }
    const { own, revision } = await readOwn(options);
    const entries: UnmergedEntry[] = [];
    let sharedRevision = 0;
    for (const entry of own) {
      const { key, value } = entry;
      const other = others.get(key);
      others.delete(key);
      if (other === undefined || JSON.stringify(other.value) !== JSON.stringify(value))
        entries.push({ key, value, there: other?.value });
      else if (isSame(entry, other)) sharedRevision = Math.max(sharedRevision, entry.revision);
    }
    // Until the rooms parted, revisions there are those of here: a key that one of them made, and that is not here though this tab has come so far, was deleted here.
    const partedAt = Math.min(revisionLeft(lineage, former) ?? sharedRevision, revision);
    for (const { key, createRevision, value } of others.values()) {
      if (createRevision <= partedAt) entries.push({ key, value: undefined, there: value });
    }
    return { count: entries.length, entries, export: () => entries.map(lineOf).join('') };
  } finally {
    await there.close();
  }
}

interface Own<Value> {
  readonly own: readonly Entry<Value>[];
  /** As of which it is that. */
  readonly revision: number;
}

async function readOwn<Value>({ copy, member, codec }: UnmergedOptions<Value>): Promise<Own<Value>> {
  if (member !== undefined) {
    const { store } = member.held;
    const view = viewOf<Value, string>(codec ?? (json as Codec<unknown> as Codec<Value>), 'text');
    const found = store.scan({ from: '', to: undefined });
    if (found.type === 'error') throw new RaftkvError(found.code, found.message);
    return { own: found.entries.map((entry) => toEntry(view, entry)), revision: store.revision };
  }
  const own: Entry<Value>[] = [];
  let revision = 0;
  for await (const page of copy.scan({ prefix: '', level: 'local' }).pages()) {
    ({ revision } = page);
    own.push(...page.entries);
  }
  return { own, revision };
}

/** Written by the same command, as far as can be told. */
function isSame(one: Entry, other: Entry): boolean {
  return one.revision === other.revision && one.createRevision === other.createRevision;
}

function lineOf({ key, value }: UnmergedEntry): string {
  return `${JSON.stringify(value === undefined ? { key, deleted: true } : { key, value })}\n`;
}
