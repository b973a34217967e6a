// Commands that make no sense on any state: refused as values, without effect, and never thrown.
import { describe, expect, it } from 'vitest';
import type { Command, TxnOp } from '../src/index.ts';
import { Store } from '../src/index.ts';
import { bytesOf, drain } from './arbitrary.ts';

const value = bytesOf('v');
const everything = { from: '', to: undefined };
const inTxn = (op: unknown): Command => ({ type: 'txn', compare: [], then: [], otherwise: [op as TxnOp] });

describe('a command that makes no sense', () => {
  it.each<[string, unknown]>([
    ['an empty key', { type: 'put', key: '', value }],
    ['a key that is too large', { type: 'put', key: 'k'.repeat(64 * 1024 + 1), value }],
    ['a key with a unit that is no byte', { type: 'put', key: 'k\u0100', value }],
    ['a range with a unit that is no byte', { type: 'deleteRange', range: { from: '', to: '\u0100' } }],
    ['an unknown command', { type: 'increment', key: 'k' }],
    [
      'an unknown operation in a batch',
      {
        type: 'batch',
        ops: [
          { type: 'put', key: 'k', value },
          { type: 'get', key: 'k' },
        ],
      },
    ],
    [
      'an empty key in a batch',
      {
        type: 'batch',
        ops: [
          { type: 'put', key: 'k', value },
          { type: 'delete', key: '' },
        ],
      },
    ],
    ['an unknown operation in a transaction', inTxn({ type: 'compact', revision: 1 })],
    ['an empty key in the branch that does not run', inTxn({ type: 'get', key: '' })],
    ['a negative limit', inTxn({ type: 'scan', range: everything, limit: -1 })],
    ['a limit that is no integer', inTxn({ type: 'scan', range: everything, limit: 1.5 })],
    ['a maxBytes that is no number', inTxn({ type: 'scan', range: everything, maxBytes: Number.NaN })],
    [
      'an unknown operator',
      { ...inTxn({ type: 'get', key: 'k' }), compare: [{ key: 'k', operator: 'like', target: 'value', value }] },
    ],
    [
      'an unknown target',
      { ...inTxn({ type: 'get', key: 'k' }), compare: [{ key: 'k', operator: 'equal', target: 'lease', number: 1 }] },
    ],
    [
      'an existence that is greater',
      {
        ...inTxn({ type: 'get', key: 'k' }),
        compare: [{ key: 'k', operator: 'greater', target: 'exists', exists: true }],
      },
    ],
    [
      'a fraction of a version',
      {
        ...inTxn({ type: 'get', key: 'k' }),
        compare: [{ key: 'k', operator: 'less', target: 'version', number: 0.5 }],
      },
    ],
    [
      'a condition on the empty key',
      { ...inTxn({ type: 'get', key: 'k' }), compare: [{ key: '', operator: 'less', target: 'version', number: 1 }] },
    ],
    ['a negative revision to compact at', { type: 'compact', revision: -1 }],
    ['a clientId that is no integer', { type: 'keepAlive', clientId: 0.5 }],
  ])('is refused and changes nothing: %s', (_title, command) => {
    const store = new Store();
    const twin = new Store();
    expect(store.apply(1, { session: undefined, command: command as Command })).toMatchObject({
      type: 'error',
      code: 'invalid_argument',
    });
    twin.apply(1, { session: undefined, command: { type: 'closeSession', clientId: 77 } });
    expect(drain(store.snapshot())).toEqual(drain(twin.snapshot()));
  });

  it('is refused also for its stamp, without touching the session', () => {
    const store = new Store();
    store.apply(1, { session: undefined, command: { type: 'openSession' } });
    for (const stamp of [
      { sequence: 0 },
      { sequence: 1.5 },
      { ackFloor: -1 },
      { clientId: Number.NaN },
      { sequence: 2 ** 53 },
    ]) {
      const session = { clientId: 1, sequence: 1, ackFloor: 0, ...stamp };
      const result = store.apply(store.appliedIndex + 1, { session, command: { type: 'put', key: 'k', value } });
      expect(result).toMatchObject({ code: 'invalid_argument' });
    }
    expect(store.revision).toBe(1);
  });

  it('is refused as a read too', () => {
    const store = new Store();
    expect(store.scan(everything, { limit: -1 })).toMatchObject({ code: 'invalid_argument' });
    expect(store.scan({ from: '\u0100', to: undefined })).toMatchObject({ code: 'invalid_argument' });
    expect(store.get('k', { revision: -1 })).toMatchObject({ code: 'invalid_argument' });
    expect(store.get('k', { revision: 0.5 })).toMatchObject({ code: 'invalid_argument' });
    expect(store.get('')).toMatchObject({ type: 'get', entry: undefined });
  });
});

describe('a range', () => {
  it('that is empty or upside down holds nothing and is no error', () => {
    const store = new Store();
    for (const key of ['a', 'b', 'c'])
      store.apply(store.appliedIndex + 1, { session: undefined, command: { type: 'put', key, value } });
    for (const range of [
      { from: 'b', to: 'b' },
      { from: 'c', to: 'a' },
      { from: '', to: '' },
    ]) {
      expect(store.scan(range)).toMatchObject({ entries: [], more: false });
      expect(store.scan(range, { reverse: true, withCount: true })).toMatchObject({ entries: [], count: 0 });
      const command: Command = { type: 'deleteRange', range };
      expect(store.apply(store.appliedIndex + 1, { session: undefined, command })).toMatchObject({
        deleted: 0,
        revision: 4,
      });
    }
  });
});
