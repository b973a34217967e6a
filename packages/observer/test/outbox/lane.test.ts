// One lane over a storage that refuses now and then: what is written at last is what was meant at last.
import { RaftkvError } from '@raftkv/wire';
import type { OutboxChange } from '@raftkv/storage';
import { expect, it } from 'vitest';
import { Lane } from '../../src/outbox/lane.ts';

function stage() {
  const done: string[] = [];
  /** Of these kinds none can be written now. */
  const refused = new Set<OutboxChange['type']>();
  const timers: (() => void)[] = [];
  const storage = {
    found: [],
    commit: async (changes: readonly OutboxChange[]) => {
      if (changes.some(({ type }) => refused.has(type))) throw new RaftkvError('storage_full', 'no room');
      for (const change of changes)
        done.push(`${change.type} ${change.type === 'keep' ? change.write.number : change.number}`);
    },
    drop: async () => {},
  };
  const clock = { wallTime: () => 0, schedule: (run: () => void) => (timers.push(run), () => {}) };
  const lane = new Lane('lane', storage, { clock, onTrouble: () => {}, onGone: () => {}, onLost: () => {} });
  return { lane, done, refused, timers, retry: () => timers.splice(0).forEach((run) => run()) };
}

const mark = { clientId: 1, sequence: 1, failure: undefined };
const write = { number: 2, keptAt: 0, clusterId: '', isShown: true, command: new Uint8Array(1) };

it('writes no mark of a write that was forgotten before there was room for it', async () => {
  const { lane, done, refused, retry } = stage();
  refused.add('mark');
  const marked = lane.mark(1, mark);
  await lane.forget(1);
  refused.clear();
  retry();
  await marked;
  await lane.forget(7);
  expect(done).toEqual(['forget 1', 'forget 7']);
});

it('nor of one that was forgotten in the same step, or whose place another took', async () => {
  const { lane, done, refused, retry } = stage();
  refused.add('mark');
  const marking = [lane.mark(1, mark), lane.forget(1), lane.mark(3, mark)];
  await marking[1];
  await lane.keep(write, 3);
  refused.clear();
  retry();
  await Promise.all(marking);
  await lane.forget(7);
  expect(done).toEqual(['forget 1', 'keep 2', 'forget 7']);
});

it('brings back no write that goes in the same step as a mark that was tried again', async () => {
  const { lane, done, refused, timers, retry } = stage();
  refused.add('mark');
  const marked = lane.mark(1, mark, { ...write, number: 1 });
  await lane.keep(write, undefined);
  await expect.poll(() => timers.length).toBe(1);
  refused.clear();
  // In the turn in which it is tried again, and asked for before.
  const replaced = lane.keep({ ...write, number: 3 }, 1);
  retry();
  await Promise.all([marked, replaced]);
  expect(done).toEqual(['keep 2', 'mark 1', 'keep 3']);
});
