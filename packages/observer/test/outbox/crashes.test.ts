// A tab ends at each of its steps, before and after what it does to the disk and at each frame that it sends or hears; the next one finds what it left. Whatever
// the step was, each write that was kept takes effect exactly once and in order, and each that was not, at most once.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchOp, LiveKv, MutateOptions } from '@raftkv/client';
import { SmallCluster, until } from '../small-cluster.ts';
import { Life, Origin } from './lives.ts';

/** What an app does: the same in each run. Each value of `list` is written once, in this order. */
const script: readonly (readonly [BatchOp<unknown>, MutateOptions?])[] = [
  [{ type: 'put', key: 'list', value: 1 }],
  [{ type: 'put', key: 'once', value: 1 }, { if: [{ key: 'once', exists: false }] }],
  [{ type: 'put', key: 'list', value: 2 }],
  [{ type: 'put', key: 'apart', value: 1 }],
  [{ type: 'put', key: 'list', value: 3 }, { if: [{ key: 'taken', exists: false }] }],
  [{ type: 'put', key: 'list', value: 4 }],
];

interface Told {
  kept: boolean;
  committed: boolean;
}

/** What it was told of each write until it ended. */
async function play(life: Life): Promise<Told[]> {
  const told: Told[] = script.map(() => ({ kept: false, committed: false }));
  if ((life.kv as LiveKv | undefined) === undefined) return told;
  const ending = script.map(async ([op, options], i) => {
    const { state, committed } = life.kv.mutate([op], options);
    state.subscribe(() => {
      if (!life.isOver && state.getSnapshot().kept === true) told[i]!.kept = true;
    });
    await committed.then(
      () => (told[i]!.committed = !life.isOver),
      () => undefined,
    );
  });
  await Promise.race([life.over, Promise.all(ending).then(() => life.drained())]);
  return told;
}

/** Values of the key in the order in which they were written. */
async function historyOf(cluster: SmallCluster, key: string): Promise<unknown[]> {
  const values: unknown[] = [];
  let last = 0;
  for (let revision = 2; revision <= cluster.revision; revision += 1) {
    const entry = await cluster.client().getEntry(key, { revision });
    if (entry !== undefined && entry.revision !== last) values.push(entry.value);
    last = entry?.revision ?? 0;
  }
  return values;
}

/** Runs a life that ends after so many steps, then others likewise, then one that goes on until all is settled. */
async function run(endings: readonly number[]): Promise<Life> {
  const cluster = await SmallCluster.start();
  await cluster.client().put('taken', 'yes');
  const origin = new Origin();
  const [first, ...others] = endings;
  const life = await Life.begin(cluster, origin, { stepsLeft: first! });
  const told = await play(life);
  for (const stepsLeft of others) {
    const next = await Life.begin(cluster, origin, { stepsLeft });
    if ((next.kv as LiveKv | undefined) !== undefined) await Promise.race([next.over, next.drained()]);
    next.end();
  }
  life.end();
  const last = await Life.begin(cluster, origin);
  await last.drained();
  const list = await historyOf(cluster, 'list');
  const happened = (i: number): boolean => {
    const [op] = script[i]!;
    return op.type === 'put' && op.key === 'list' ? list.includes(op.value) : false;
  };
  expect(list).toEqual([1, 2, 4].filter((value) => list.includes(value)));
  for (const i of [0, 2, 5]) if (told[i]!.kept || told[i]!.committed) expect(happened(i)).toBe(true);
  for (const [key, i] of [
    ['once', 1],
    ['apart', 3],
  ] as const) {
    const values = await historyOf(cluster, key);
    expect(values.length).toBeLessThanOrEqual(1);
    if (told[i]!.kept || told[i]!.committed) expect(values).toEqual([1]);
  }
  // The one that is refused is heard of until somebody has decided, if it was kept at all.
  const left = last.kv.writes.getSnapshot();
  expect(left.map(({ state }) => state.getSnapshot().error?.code)).toEqual(left.map(() => 'condition_failed'));
  if (told[4]!.kept) expect(left).toHaveLength(1);
  for (const write of left) await last.kv.outbox!.discard(write);
  await until(last.kv.outbox!.status, ({ waiting, undecided, bytes }) => waiting + undecided + bytes === 0);
  return life;
}

describe('a tab that ends at any of its steps', () => {
  it('leaves writes that take effect exactly once and in order', async () => {
    const whole = await run([Infinity]);
    const kinds = new Set(whole.steps.map((step) => step.split(' ')[0]));
    expect([...kinds].toSorted()).toEqual(['after', 'before', 'hear', 'send']);
    for (let steps = 0; steps <= whole.steps.length; steps += 1) await run([steps]);
  }, 120_000);

  it('likewise if the next ones end at any of theirs', async () => {
    const step = fc.nat({ max: 45 });
    await fc.assert(
      fc.asyncProperty(step, fc.array(step, { minLength: 1, maxLength: 3 }), async (first, others) => {
        await run([first, ...others]);
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
