// Live queries against a naive twin: after any batch, own write, commit or refusal, each query shows what a fresh look at the copy with the
// own writes laid over it would show.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveEntry } from '../../src/index.ts';
import { LiveCore } from '../../src/live/index.ts';
import type { PendingWrite } from '../../src/live/index.ts';
import { FakeCopy } from './fake-copy.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
const change = fc.dictionary(key, fc.option(fc.nat(99), { nil: undefined }), { minKeys: 1, maxKeys: 4 });
const deed = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('apply' as const), change }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('write' as const), change }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('commit' as const), at: fc.nat(9), isAhead: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('refuse' as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'fetch' as const }) },
);

interface Open {
  readonly pending: PendingWrite<unknown>;
  readonly change: Readonly<Record<string, number | undefined>>;
}

const queries = [
  { from: 'a', to: undefined, limit: undefined, isReverse: false },
  { from: 'b', to: 'f', limit: 2, isReverse: false },
  { from: 'a', to: undefined, limit: 3, isReverse: true },
  { from: 'c', to: 'e', limit: 1, isReverse: true },
] as const;

function naive(copy: FakeCopy, writes: readonly Open[], query: (typeof queries)[number]): string[] {
  const all = new Map([...copy.entries].map(([name, entry]) => [name, `${String(entry.value)}`]));
  for (const { change: changed } of writes) {
    for (const [name, value] of Object.entries(changed)) {
      if (value === undefined) all.delete(name);
      else all.set(name, `${value}*`);
    }
  }
  const names = [...all.keys()].filter((name) => name >= query.from && (query.to === undefined || name < query.to));
  names.sort();
  if (query.isReverse) names.reverse();
  return names.slice(0, query.limit).map((name) => `${name}=${all.get(name)!}`);
}

function shown(rows: readonly LiveEntry<unknown, string>[] | undefined): string[] {
  return (rows ?? []).map((row) => `${row.key}=${String(row.value)}${row.isPending ? '*' : ''}`);
}

describe('live queries', () => {
  it('show what a fresh look would, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
        const copy = new FakeCopy();
        const core = new LiveCore<unknown, string>(copy, {
          clock: { schedule: () => () => {} },
          toUserKey: (name) => name,
        });
        let writes: Open[] = [];
        const lives = queries.map((query) => core.scan({ from: query.from, to: query.to }, query));
        const single = core.get('c');
        for (const live of [...lives, single]) live.subscribe(() => {});
        for (const act of deeds) {
          if (act.type === 'apply') copy.apply(act.change);
          else if (act.type === 'fetch') copy.fetchAgain();
          else if (act.type === 'write') {
            const ops = Object.entries(act.change).map(([name, value]) => ({
              key: name,
              type: value === undefined ? ('delete' as const) : ('put' as const),
              value,
            }));
            const pending = { ops, revision: 0 };
            writes.push({ pending, change: act.change });
            core.show(pending);
          } else {
            const open = writes[act.at % Math.max(1, writes.length)];
            if (open === undefined || open.pending.revision > 0) continue;
            if (act.type === 'refuse') {
              core.hide(open.pending);
              writes = writes.filter((other) => other !== open);
            } else if (act.isAhead) {
              // The copy has it before the answer comes.
              copy.apply(open.change);
              core.committed(open.pending, copy.revision);
            } else {
              core.committed(open.pending, copy.revision + 1);
              copy.apply(open.change);
            }
          }
          writes = writes.filter(({ pending }) => pending.revision === 0 || pending.revision > copy.revision);
          for (const [i, query] of queries.entries()) {
            expect(shown(lives[i]!.getSnapshot().data)).toEqual(naive(copy, writes, query));
          }
          const [wanted = 'null'] = naive(copy, writes, {
            from: 'c',
            to: 'd',
            limit: undefined,
            isReverse: false,
          } as never);
          const { data } = single.getSnapshot();
          expect(shown(data ? [data] : [])[0] ?? 'null').toBe(wanted);
        }
      }),
      { numRuns: 400 },
    );
  });
});
