// What can be done to the board. Adding, moving and deleting are shown at once and follow the connection; changing a title is a conditional write,
// which goes through only if nobody else changed the card since it was opened.
import { useMemo } from 'react';
import type { BatchOp, LiveKv, MutateOptions, RaftkvError, Write } from 'raftkv';
import { useKv } from '@raftkv/react';
import { usePage } from '../context.ts';
import type { PageContext } from '../context.ts';
import { laneTitles, newCardKey } from './card-model.ts';
import type { Card, CardRow, Lane } from './card-model.ts';

export interface BoardActions {
  add(titles: readonly string[], rank: number): void;
  move(row: CardRow, lane: Lane, rank: number): void;
  remove(row: CardRow): void;
  restore(row: CardRow): void;
  /** Only if the card is still what it was at `revision`; undefined: whatever it is. Resolves with why it was not saved. */
  rename(row: CardRow, title: string, revision: number | undefined): Promise<RaftkvError | undefined>;
}

const unkeptMilliseconds = 30_000;

/** Throws while there is no replica. */
export function useBoardActions(): BoardActions {
  const kv = useKv();
  const { writes, author } = usePage();
  return useMemo(() => actionsOn(kv, writes, author), [kv, writes, author]);
}

function actionsOn(kv: LiveKv, writes: PageContext['writes'], author: PageContext['author']): BoardActions {
  const signed = (card: Omit<Card, 'by' | 'hue'>): Card => ({ ...card, by: author.name, hue: author.hue });
  /** Where it does not fit in the storage it is not kept: meant now, or not at all. */
  const begin = (text: string, ops: readonly BatchOp<Card>[], options: MutateOptions = {}): Write<unknown> => {
    const write = kv.mutate(ops, options);
    writes.follow(text, write);
    write.committed.catch((error: RaftkvError) => {
      if (error.code !== 'storage_full') return;
      writes.follow(text, kv.mutate(ops, { ...options, timeoutMilliseconds: unkeptMilliseconds }));
    });
    return write;
  };
  return {
    add: (titles, rank) => {
      const ops = titles.map((title, at) => ({
        type: 'put' as const,
        key: newCardKey(Date.now() + at, Math.random()),
        value: signed({ title, lane: 'todo', rank: rank + at }),
      }));
      begin(`Add ${titles.map(quote).join(', ')}`, ops);
    },
    move: ({ key, value }, lane, rank) => {
      const moved = signed({ ...value, lane, rank });
      begin(`Move ${quote(value.title)} to ${laneTitles[lane]}`, [{ type: 'put', key, value: moved }]);
    },
    remove: ({ key, value }) => void begin(`Delete ${quote(value.title)}`, [{ type: 'delete', key }]),
    restore: ({ key, value }) =>
      void begin(`Put back ${quote(value.title)}`, [{ type: 'put', key, value: signed(value) }]),
    rename: ({ key, value }, title, revision) => {
      const ops = [{ type: 'put' as const, key, value: signed({ ...value, title }) }];
      const write = begin(`Rename to ${quote(title)}`, ops, revision === undefined ? {} : { if: [{ key, revision }] });
      return answered(kv, writes, write);
    },
  };
}

/**
 * Resolves with the error of a write that did not end well, whose fate is then in the hands of whoever waits for it here. While it waits for the way to be open
 * there is nothing to wait for: it is kept, and what becomes of it the list of writes tells.
 */
async function answered(
  kv: LiveKv,
  writes: PageContext['writes'],
  write: Write<unknown>,
): Promise<RaftkvError | undefined> {
  const kept = untilKeptOffline(kv, write);
  try {
    await Promise.race([write.committed, kept]);
    return undefined;
  } catch (thrown) {
    writes.decided(write);
    await kv.outbox?.discard(write).catch(() => {});
    return thrown as RaftkvError;
  }
}

function untilKeptOffline(kv: LiveKv, write: Write<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      const { kept, status } = write.state.getSnapshot();
      const isWaiting = kept === true && status === 'local' && kv.replica.getSnapshot().connection !== 'online';
      if (!isWaiting && (status === 'local' || status === 'sent')) return;
      for (const stop of stops) stop();
      if (isWaiting) resolve();
    };
    const stops = [write.state.subscribe(look), kv.replica.subscribe(look)];
    look();
  });
}

function quote(title: string): string {
  return `“${title.length > 28 ? `${title.slice(0, 27)}…` : title}”`;
}
