// Transactions and batches: one revision, reads in between, inner branches, refusals that change nothing, keys written twice.
import { describe, expect, it } from 'vitest';
import type { Command, CommandResult, TxnCommand, TxnOp } from '../src/index.ts';
import { Store, StoreRestore } from '../src/index.ts';
import { bytesOf, drain } from './arbitrary.ts';

function open(storeOptions = {}): { store: Store; run: (command: Command) => CommandResult } {
  const store = new Store(storeOptions);
  return { store, run: (command) => store.apply(store.appliedIndex + 1, { session: undefined, command }) };
}

const put = (key: string, text = '1'): TxnOp & { type: 'put' } => ({ type: 'put', key, value: bytesOf(text) });
const txn = (
  then: readonly TxnOp[],
  otherwise: readonly TxnOp[] = [],
  compare: TxnCommand['compare'] = [],
): TxnCommand => ({
  type: 'txn',
  compare,
  then,
  otherwise,
});
const exists = { key: 'a', operator: 'equal', target: 'exists', exists: true } as const;

describe('a transaction', () => {
  it('gives all its writes one revision and one change', () => {
    const { store, run } = open();
    expect(run(txn([put('a'), put('b'), txn([put('c')])]))).toMatchObject({
      type: 'txn',
      revision: 2,
      succeeded: true,
    });
    expect(store.changes(1)).toMatchObject({ changes: [{ revision: 2, events: { length: 3 } }], nextRevision: 3 });
  });

  it('lets its reads see what it wrote before them, and nothing that it writes after', () => {
    const { run } = open();
    run(put('a', 'old'));
    const result = run(
      txn([
        { type: 'get', key: 'a' },
        put('a', 'new'),
        { type: 'get', key: 'a' },
        { type: 'get', key: 'a', revision: 2 },
      ]),
    );
    expect(result).toMatchObject({
      results: [
        { revision: 2, entry: { value: bytesOf('old') } },
        { type: 'put', revision: 3 },
        { revision: 3, entry: { value: bytesOf('new') } },
        { revision: 3, entry: { value: bytesOf('old') } },
      ],
    });
  });

  it('judges the conditions of inner transactions on the state before the first write, as etcd does', () => {
    const { run } = open();
    expect(run(txn([put('a'), txn([put('b')], [put('c')], [exists])]))).toMatchObject({
      results: [{ type: 'put' }, { type: 'txn', succeeded: false }],
    });
  });

  it('changes nothing if a read on its path is compacted or of the future, and does not mind one off its path', () => {
    const { store, run } = open();
    run(put('a'));
    run(put('a'));
    run({ type: 'compact', revision: 3 });
    for (const [revision, code] of [
      [2, 'compacted'],
      [4, 'future_revision'],
    ] as const) {
      const failing: TxnOp = { type: 'scan', range: { from: '', to: undefined }, revision };
      expect(run(txn([put('b'), failing]))).toMatchObject({ type: 'error', code });
      expect(run(txn([put('b'), txn([], [failing], [{ ...exists, exists: false }])]))).toMatchObject({ code });
      expect(store.get('b')).toMatchObject({ entry: undefined });
      expect(store.revision).toBe(3);
    }
    expect(run(txn([{ type: 'get', key: 'a', revision: 3 }], [{ type: 'get', key: 'a', revision: 99 }]))).toMatchObject(
      {
        succeeded: true,
      },
    );
  });

  it('with a read of the past is decided alike on a store restored from a snapshot (T45)', () => {
    for (let revision = 1; revision <= 8; revision++) {
      const { store, run } = open({ retainedRevisions: 3 });
      for (let at = 0; at < 5; at++) run(put('a', String(at)));
      run({ type: 'delete', key: 'a' });
      const restore = new StoreRestore({ retainedRevisions: 3 });
      restore.write(drain(store.snapshot()));
      const copy = restore.finish();
      const command = txn([put('b'), { type: 'get', key: 'a', revision }]);
      const result = run(command);
      expect(result.type).toBe(revision >= 5 && revision <= 7 ? 'txn' : 'error');
      expect(copy.apply(copy.appliedIndex + 1, { session: undefined, command })).toEqual(result);
      expect(drain(copy.snapshot())).toEqual(drain(store.snapshot()));
    }
  });

  it('nests eight deep and no deeper', () => {
    const nested = (depth: number): TxnCommand => txn(depth === 1 ? [put('a')] : [nested(depth - 1)]);
    const { run } = open();
    expect(run(nested(8))).toMatchObject({ type: 'txn', revision: 2 });
    expect(run(nested(9))).toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a key written twice', () => {
  const whole = { type: 'deleteRange', range: { from: 'a', to: 'c' } } as const;
  it.each<[string, Command, boolean]>([
    ['two puts in a txn', txn([put('a'), put('a')]), true],
    ['put and delete in a txn', txn([put('a'), { type: 'delete', key: 'a' }]), true],
    ['delete and put in a txn', txn([{ type: 'delete', key: 'a' }, put('a')]), true],
    ['put within a deleted range', txn([whole, put('b')]), true],
    ['put beside a deleted range', txn([whole, put('c')]), false],
    ['two deletes in a txn', txn([{ type: 'delete', key: 'a' }, whole, { type: 'delete', key: 'a' }]), false],
    ['in the branch that does not run', txn([], [put('a'), put('a')]), true],
    ['in an inner branch that does not run', txn([put('a'), txn([], [put('a')])]), true],
    ['put after an inner put', txn([txn([put('a')]), put('a')]), true],
    ['puts in two inner transactions', txn([txn([put('a')]), txn([put('a')])]), true],
    ['an inner put, then an inner delete', txn([txn([put('a')]), txn([whole])]), true],
    ['puts in the two branches of one inner transaction', txn([txn([put('a')], [put('a')])]), false],
    ['put and delete in the two branches of one inner transaction', txn([txn([put('a')], [whole])]), false],
    ['two puts in a batch', { type: 'batch', ops: [put('a'), put('a')] }, true],
    [
      'two deletes in a batch',
      {
        type: 'batch',
        ops: [
          { type: 'delete', key: 'a' },
          { type: 'delete', key: 'a' },
        ],
      },
      true,
    ],
    ['a put within a batch’s deleted range', { type: 'batch', ops: [put('a'), whole] }, true],
    ['a delete within a batch’s deleted range', { type: 'batch', ops: [{ type: 'delete', key: 'a' }, whole] }, false],
  ])('%s', (_title, command, isRefused) => {
    const { store, run } = open();
    const result = run(command);
    expect(result.type === 'error' ? result.code : 'carried out').toBe(isRefused ? 'duplicate_key' : 'carried out');
    if (isRefused) expect(store.revision).toBe(1);
  });
});
