// The checkers of client histories over right recordings of a real store, which all of them accept, with and without lost answers. What
// they object to is in doctored.test.ts.
import { describe, expect, it } from 'vitest';
import { checkDurability, checkExactlyOnce } from './exactly-once.ts';
import { checkLinearizableByLog } from './linearizable-log.ts';
import { truthOfLog } from './log-truth.ts';
import { checkSessions } from './session-guarantees.ts';
import { simulateStore } from './simulate-store.ts';
import type { StoreRun } from './simulate-store.ts';
import { checkWatch } from './watch.ts';

function checkAll(run: StoreRun): string[] {
  const log = truthOfLog(run.log);
  const scan = run.store.scan({ from: '', to: undefined });
  const content = { holder: 'the store', revision: run.store.revision, entries: 'entries' in scan ? scan.entries : [] };
  return [
    log.verdict,
    checkExactlyOnce(run.operations, log, { isComplete: true }),
    checkDurability(run.operations, log, [content]),
    checkLinearizableByLog(run.operations, log),
    checkSessions(run.operations, log.truth),
    ...run.watches.map((watch) => checkWatch(watch, log.truth)),
  ].map(({ explanation }) => explanation);
}

describe('recordings of a right store', () => {
  it('are accepted by every checker', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const options = { seed, operations: 200, clients: 6, keys: 4 + (seed % 3), unknownShare: 0.1 };
      const run = simulateStore({ ...options, lagShare: seed % 2 === 0 ? 0.3 : 0 });
      expect(
        checkAll(run).filter((text) => text !== ''),
        `seed ${seed}`,
      ).toEqual([]);
      expect(run.store.revision).toBeGreaterThan(40);
    }
  });

  it('are accepted with the little that a client library tells: no revisions of reads, no more than a value', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = simulateStore({ seed, operations: 200, clients: 6, keys: 4, unknownShare: 0.1, lagShare: 0.2 });
      const operations = run.operations.map((operation) => {
        const { answer, stamp: _, ...rest } = operation;
        if (answer === undefined || (answer.type !== 'get' && answer.type !== 'scan'))
          return { ...rest, ...(answer && { answer }) };
        if (answer.type === 'scan') return { ...rest, answer: { type: 'scan' as const, entries: answer.entries! } };
        const entry = answer.entry && { value: answer.entry.value! };
        return { ...rest, answer: { type: 'get' as const, entry } };
      });
      const log = truthOfLog(run.log);
      expect(checkLinearizableByLog(operations, log).explanation, `seed ${seed}`).toBe('');
      expect(checkSessions(operations, log.truth).explanation, `seed ${seed}`).toBe('');
      expect(checkExactlyOnce(operations, log).explanation, `seed ${seed}`).toBe('');
    }
  });

  it('of thousands of operations are judged in milliseconds', () => {
    const run = simulateStore({ seed: 5, operations: 5000, clients: 16, keys: 10, unknownShare: 0.05 });
    // Of the processor: another one may have it meanwhile.
    const before = process.cpuUsage();
    expect(checkAll(run).filter((text) => text !== '')).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    const took = (user + system) / 1000;
    console.log(`5,000 operations by every checker in ${took.toFixed()} ms`);
    expect(took).toBeLessThan(10_000);
  });
});
