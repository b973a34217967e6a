// What a run of chaos asks of a page, whatever is in it: the calls of its clients, made and awaited from outside, so that one clock times those of all tabs.
// Pages of members (`chaos.ts`) and of rooms (`chaos-room.ts`) offer it; who asks when is `test/chaos-web/`.
import type { Kv } from 'raftkv';
import type { Seen, Write } from '../../chaos/work/act.ts';
import type { Told as ToldOfWrite } from '../../chaos/work/client-loop.ts';
import type { KeyState } from '../../chaos/work/ledger.ts';
import type { Entry } from '../../chaos/work/watchers.ts';

/** What a member told of itself. `life`: of one page, and within it of one start of the member. */
export interface Note {
  readonly name: string;
  readonly life: string;
  readonly type: string;
  readonly role?: string;
  readonly term?: number;
}

/** Survives the page's own errors as plain data: classes do not cross to the test. */
export type Told<T> =
  | { readonly value: T }
  | { readonly error: { readonly message: string; readonly code: string; readonly definite: boolean } };

/** What is asked: undefined as long as nothing is open. */
export interface Asked {
  /** As an app has it. */
  readonly kv: () => Kv<string> | undefined;
  /** What this page itself holds and nobody else, whoever leads. */
  readonly alone: () => Kv<string> | undefined;
  /** How `get` reads. `local` is there to show that the judge objects to it. */
  readonly reads: () => 'linearizable' | 'local';
}

export type Held = readonly (readonly [string, KeyState])[];

export type ChaosCalls = ReturnType<typeof chaosCalls>;

async function told<T>(ask: (kv: Kv<string>) => Promise<T>, kv: Kv<string> | undefined): Promise<Told<T>> {
  if (kv === undefined) return { error: { message: 'no member is open yet', code: 'closed', definite: true } };
  try {
    return { value: await ask(kv) };
  } catch (error) {
    const { message, code, definite } = error as { message: string; code: string; definite: boolean };
    return { error: { message, code, definite } };
  }
}

const seen = ({ key, value, revision }: Seen & { readonly revision: number }): Seen => ({ key, value, revision });

// One line for each call: they are evaluated one by one from outside.
export function chaosCalls({ kv, alone, reads }: Asked) {
  return {
    get: (key: string) =>
      told(
        async (one) => {
          const entry = await one.getEntry(key, { level: reads() });
          return entry === undefined ? undefined : seen(entry);
        },
        reads() === 'local' ? alone() : kv(),
      ),
    put: (key: string, value: string) =>
      told(async (one): Promise<ToldOfWrite> => ({ revision: await one.put(key, value) }), kv()),
    delete: (key: string) =>
      told(async (one): Promise<ToldOfWrite> => {
        const { deleted, revision } = await one.delete(key);
        return { ok: deleted, ...(deleted ? { revision } : {}) };
      }, kv()),
    cas: (key: string, expected: string | null, value: string) =>
      told(async (one): Promise<ToldOfWrite> => {
        const condition = expected === null ? { key, exists: false } : { key, value: expected };
        const { succeeded, revision } = await one.txn().if(condition).then({ type: 'put', key, value }).commit();
        return { ok: succeeded, ...(succeeded ? { revision } : {}) };
      }, kv()),
    batch: (writes: readonly Write[]) =>
      told(async (one): Promise<ToldOfWrite> => {
        const ops = writes.map(({ key, value }) =>
          value === null ? ({ type: 'delete', key } as const) : ({ type: 'put', key, value } as const),
        );
        return { revision: (await one.batch(ops)).revision };
      }, kv()),
    writeIfUnchanged: (keys: readonly Seen[], writes: readonly Write[]) =>
      told(async (one): Promise<ToldOfWrite> => {
        const conditions = keys.map(({ key, revision }) => ({ key, revision: revision ?? 0 }));
        const puts = writes.map(({ key, value }) => ({ type: 'put', key, value: value ?? '' }) as const);
        const { succeeded, revision } = await one
          .txn()
          .if(...conditions)
          .then(...puts)
          .commit();
        return { ok: succeeded, ...(succeeded ? { revision } : {}) };
      }, kv()),
    scan: (prefix: string) =>
      told(async (one) => {
        const found: Seen[] = [];
        let revision = 0;
        for await (const page of one.scan({ prefix, pageSize: 4 }).pages()) {
          revision = page.revision;
          found.push(...page.entries.map(seen));
        }
        return { revision, seen: found };
      }, kv()),

    /** Puts for so long, by callers that each wait for their own answer: what each put took, in milliseconds, and how long all of it took. */
    puts: async (callers: number, milliseconds: number): Promise<{ times: number[]; took: number }> => {
      const value = 'v'.repeat(256);
      const times: number[] = [];
      const begun = performance.now();
      const caller = async (who: number): Promise<void> => {
        while (performance.now() - begun < milliseconds) {
          const from = performance.now();
          await kv()!.put(`bench/${who}`, value);
          times.push(performance.now() - from);
        }
      };
      await Promise.all(Array.from({ length: callers }, (_, who) => caller(who)));
      return { times, took: performance.now() - begun };
    },

    /** Every change from a revision on that comes within so long. */
    changes: (from: number, milliseconds: number) =>
      told(async (one): Promise<Entry[]> => {
        const entries: Entry[] = [];
        const watch = one.watch({ all: true }, { from });
        const timer = setTimeout(() => watch.close(), milliseconds);
        for await (const { revision, events } of watch) {
          entries.push({
            revision,
            writes: events.map((event) => ({
              key: event.key,
              value: event.type === 'put' ? event.entry.value : null,
            })),
          });
        }
        clearTimeout(timer);
        return entries;
      }, kv()),
    /** The newest revision that this page's own member holds, how far it has applied the log, and everything that it holds. */
    state: () =>
      told(async (one) => {
        const { revision, appliedIndex } = await one.status();
        return { revision, appliedIndex, held: await heldBy(one) };
      }, alone()),
    /** What the app of this page sees without asking anybody. */
    copy: () => told(heldBy, kv()),
  };
}

async function heldBy(one: Kv<string>): Promise<Held> {
  const held: [string, KeyState][] = [];
  for await (const { key, value, revision, createRevision, version } of one.scan({ all: true, level: 'local' })) {
    held.push([key, { value, revision, createRevision, version }]);
  }
  return held;
}
