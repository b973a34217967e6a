// The recorder: one order, every operation once, and what is open is unknown.
import { describe, expect, it } from 'vitest';
import { HistoryRecorder } from './recorder.ts';

const put = { type: 'put', key: 'k', value: new Uint8Array([1]) } as const;

describe('the recorder', () => {
  it('numbers every call and every return once, over all clients', () => {
    const recorder = new HistoryRecorder();
    const one = recorder.begin('a', put);
    const two = recorder.begin('b', { type: 'get', key: 'k' }, { level: 'local', copy: 'node1#1' });
    two.answered({ type: 'get', entry: undefined });
    one.answered({ type: 'put', revision: 2 });
    expect(recorder.operations).toEqual([
      { client: 'a', request: put, call: 1, ret: 4, outcome: 'answered', answer: { type: 'put', revision: 2 } },
      {
        client: 'b',
        request: { type: 'get', key: 'k' },
        level: 'local',
        copy: 'node1#1',
        call: 2,
        ret: 3,
        outcome: 'answered',
        answer: { type: 'get', entry: undefined },
      },
    ]);
  });

  it('gives what got no answer an unknown outcome, and what was refused none at all', () => {
    const recorder = new HistoryRecorder();
    recorder.begin('a', put).lost();
    recorder.begin('a', put).refused();
    recorder.begin('a', put);
    expect(recorder.operations.map(({ outcome, ret }) => [outcome, ret])).toEqual([
      ['unknown', null],
      ['refused', 4],
      ['unknown', null],
    ]);
  });

  it('takes one end an operation', () => {
    const open = new HistoryRecorder().begin('a', put);
    open.refused();
    expect(() => open.answered({ type: 'put', revision: 2 })).toThrow('ended twice');
  });
});
