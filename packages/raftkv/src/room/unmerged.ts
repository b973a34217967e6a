// What a tab holds that the room which went on without it has not: counted and handed out, so that nothing is dropped in silence. Reads the copy of this tab, and
// asks the other room; merges nothing, since which of two values is right is for people to say.
import { connect } from '@raftkv/client';
import type { ConnectOptions, LiveKv } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';

export interface UnmergedEntry {
  readonly key: string;
  /** As it is here. */
  readonly value: unknown;
  /** As it is there; undefined: there is none. */
  readonly there: unknown;
}

export interface Unmerged {
  /** Keys whose value here is another than there, or that are not there at all. Keys that are only there are not counted: nothing of them would be lost. */
  readonly count: number;
  readonly entries: readonly UnmergedEntry[];
  /** One JSON document a line, `{"key":…,"value":…}`: what `raftkv import` reads. */
  export(): string;
}

/** More are not looked at, and refused with `batch_too_large`: they would not fit into a page. */
const maxEntries = 1_000_000;

export async function findUnmerged(options: {
  readonly clusterId: string;
  readonly own: Pick<LiveKv, 'scan'>;
  readonly dial: NonNullable<ConnectOptions['dial']>;
}): Promise<Unmerged> {
  const { clusterId, own, dial } = options;
  const there = connect({ endpoints: ['room'], clusterId, dial });
  try {
    const others = new Map<string, unknown>();
    for await (const { key, value } of there.scan({ prefix: '', level: 'local' })) {
      if (others.size >= maxEntries) throw new RaftkvError('batch_too_large', `more than ${maxEntries} entries`);
      others.set(key, value);
    }
    const entries: UnmergedEntry[] = [];
    for await (const { key, value } of own.scan({ prefix: '', level: 'local' })) {
      const other = others.get(key);
      if (others.has(key) && JSON.stringify(other) === JSON.stringify(value)) continue;
      entries.push({ key, value, there: other });
    }
    const lines = (): string => entries.map(({ key, value }) => `${JSON.stringify({ key, value })}\n`).join('');
    return { count: entries.length, entries, export: lines };
  } finally {
    await there.close();
  }
}
