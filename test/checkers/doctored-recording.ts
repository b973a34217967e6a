// A small right recording that the tests doctor: one caller that writes, two that read after each write, and the log. Called by
// doctored.test.ts and watch.test.ts.
import { Store } from '@raftkv/kv';
import type { CommandEnvelope, PutOp } from '@raftkv/kv';
import { expect } from 'vitest';
import type { Answer, AppliedEntry, ClientOperation, Write } from './history.ts';
import { HistoryRecorder } from './recorder.ts';
import type { Verdict } from './verdict.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const put = (key: string, value: string): PutOp => ({ type: 'put', key, value: bytes(value) });
export const all = { from: '', to: undefined };

/** a writes k (2), j (3), k again (4), deletes j (5), and writes both (6); b reads after each. */
export function recording(): { operations: ClientOperation[]; log: AppliedEntry[]; store: Store } {
  const store = new Store();
  const recorder = new HistoryRecorder();
  const log: AppliedEntry[] = [];
  const apply = (envelope: CommandEnvelope): Answer => {
    const index = log.length + 1;
    const result = store.apply(index, envelope);
    log.push({ index, envelope, result, revision: store.revision });
    return result as Answer;
  };
  apply({ session: undefined, command: { type: 'openSession' } });
  let sequence = 0;
  const write = (command: Write): void => {
    const session = { clientId: 1, sequence: ++sequence, ackFloor: 0 };
    const open = recorder.begin('a', command, { stamp: session });
    open.answered(apply({ session, command }));
    if (sequence === 2) apply({ session, command });
    const read = recorder.begin('b', { type: 'get', key: 'k' });
    read.answered(store.get('k') as Answer);
    const scan = recorder.begin('c', { type: 'scan', range: all }, { level: 'local', copy: 'copy' });
    scan.answered(store.scan(all) as Answer);
    const own = recorder.begin('a', { type: 'get', key: 'j' }, { level: 'session' });
    own.answered(store.get('j') as Answer);
  };
  write(put('k', 'one'));
  write(put('j', 'two'));
  write(put('k', 'three'));
  write({ type: 'delete', key: 'j', returnPrevious: true });
  write({ type: 'batch', ops: [put('k', 'four'), put('j', 'five')] });
  return { operations: [...recorder.operations], log, store };
}

export function expectBroken(verdict: Verdict, promise: string): void {
  expect([verdict.verdict, verdict.promise]).toEqual(['violation', promise]);
  expect(verdict.explanation.length).toBeGreaterThan(20);
}
