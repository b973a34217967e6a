// Progress and its window, the latter against a naive queue.
import {
  addInflight,
  advanceMatch,
  becomeProbe,
  becomeReplicate,
  createProgress,
  isWindowFull,
} from '../src/progress.ts';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';

describe('the window of a follower', () => {
  it('agrees with a naive queue, whatever the order of sending and confirming', () => {
    const act = fc.record({ isSend: fc.boolean(), size: fc.nat(50), step: fc.nat(3) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(act, { maxLength: 80 }), (capacity, acts) => {
        const progress = createProgress('b', false, 1);
        let queue: { lastIndex: number; bytes: number }[] = [];
        let last = 0;
        for (const { isSend, size, step } of acts) {
          if (isSend && queue.length < capacity) {
            last += 1 + step;
            addInflight(progress.inflights, last, size, capacity);
            progress.nextIndex = last + 1;
            queue.push({ lastIndex: last, bytes: size });
          } else if (!isSend) {
            const index = Math.min(progress.matchIndex + step * 2, last);
            advanceMatch(progress, index);
            queue = queue.filter((message) => message.lastIndex > index);
          }
          expect(progress.inflights.count).toBe(queue.length);
          const bytes = queue.reduce((sum, message) => sum + message.bytes, 0);
          expect(progress.inflights.totalBytes).toBe(bytes);
          expect(isWindowFull(progress.inflights, capacity, 60)).toBe(queue.length >= capacity || bytes >= 60);
        }
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it('is emptied by a change of state', () => {
    const progress = createProgress('b', false, 5);
    addInflight(progress.inflights, 7, 10, 1);
    expect(() => addInflight(progress.inflights, 8, 10, 1)).toThrow('1 of 1 taken');
    becomeProbe(progress);
    expect(progress.inflights).toMatchObject({ count: 0, totalBytes: 0 });
  });
});

describe('progress', () => {
  it('streams from what is confirmed, or probes if that is compacted', () => {
    const progress = createProgress('b', false, 5);
    advanceMatch(progress, 9);
    becomeReplicate(progress, 9);
    expect(progress).toMatchObject({ state: 'replicate', matchIndex: 9, nextIndex: 10 });
    becomeReplicate(progress, 10);
    expect(progress).toMatchObject({ state: 'probe', nextIndex: 10 });
  });

  it('never goes back', () => {
    const progress = createProgress('b', false, 5);
    expect([advanceMatch(progress, 3), advanceMatch(progress, 3), advanceMatch(progress, 2)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(progress.matchIndex).toBe(3);
  });
});
