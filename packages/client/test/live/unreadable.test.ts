// Stored values that cannot be read: live queries say so, keep what they knew, and recover. Nobody else is kept from hearing.
import { describe, expect, it } from 'vitest';
import { RaftkvError, defaultLimits, rangeFrom } from '@raftkv/wire';
import type { Entry } from '../../src/index.ts';
import { LiveCore, effectsOf } from '../../src/live/index.ts';
import { FakeCopy } from './fake-copy.ts';

/** Reads every value but the text 'rubbish', as a copy with a codec would. */
class CodedCopy extends FakeCopy {
  override getEntry(key: string): Entry<unknown> | undefined {
    const entry = super.getEntry(key);
    if (entry?.value === 'rubbish') throw new RaftkvError('bad_frame', `the codec cannot read ${key}`);
    return entry;
  }
}

function setUp(content: Readonly<Record<string, unknown>>) {
  const copy = new CodedCopy();
  copy.apply(content);
  const clock = { schedule: () => () => {} };
  const core = new LiveCore<unknown, string>(copy, { clock, toUserKey: (key) => key });
  const range = rangeFrom({ prefix: 'r/' });
  return { copy, core, range, rows: core.scan(range, { limit: undefined, isReverse: false }) };
}

describe('a value that cannot be read', () => {
  it('makes an error of the query of its key, beside the value from before, until it can be read again', () => {
    const { copy, core } = setUp({ a: 1 });
    const query = core.get('a');
    const seen: string[] = [];
    query.subscribe(() => seen.push(query.getSnapshot().status));
    copy.apply({ a: 'rubbish' });
    expect(query.getSnapshot()).toMatchObject({ status: 'error', error: { code: 'bad_frame' }, data: { value: 1 } });
    copy.apply({ a: 3 });
    expect(query.getSnapshot()).toMatchObject({ status: 'success', error: undefined, data: { value: 3 }, revision: 4 });
    expect(seen).toEqual(['error', 'success']);
  });

  it('does the same to a range, which misses nothing that changed meanwhile', () => {
    const { copy, rows } = setUp({ 'r/a': 1, 'r/b': 1 });
    let told = 0;
    rows.subscribe(() => (told += 1));
    const before = rows.getSnapshot().data!;
    copy.apply({ 'r/b': 'rubbish' });
    const failed = rows.getSnapshot();
    expect(failed).toMatchObject({ status: 'error', error: { code: 'bad_frame' } });
    expect(failed.data).toBe(before);
    copy.apply({ 'r/c': 1 });
    expect(rows.getSnapshot()).toBe(failed);
    expect(told).toBe(1);
    copy.apply({ 'r/b': undefined });
    const after = rows.getSnapshot();
    expect(after).toMatchObject({ status: 'success', error: undefined });
    expect(after.data!.map(({ key }) => key)).toEqual(['r/a', 'r/c']);
    expect(after.data![0]).toBe(before[0]);
  });

  it('keeps no other query from being brought up to date and told', () => {
    const { copy, core, rows } = setUp({ 'r/a': 1, z: 1 });
    const other = core.get('z');
    let told = 0;
    rows.subscribe(() => {});
    core.get('r/a').subscribe(() => {});
    other.subscribe(() => (told += 1));
    copy.apply({ 'r/a': 'rubbish', z: 2 });
    expect([told, other.getSnapshot().data?.value]).toEqual([1, 2]);
  });

  it('is an error from the first look on, without data', () => {
    const { core, rows } = setUp({ 'r/a': 'rubbish' });
    expect(core.get('r/a').getSnapshot()).toMatchObject({ status: 'error', data: undefined });
    expect(rows.getSnapshot()).toMatchObject({ status: 'error', data: undefined });
  });

  it('can be deleted with its range all the same, and what was deleted before is not found again', () => {
    const { core, range, rows } = setUp({ 'r/a': 'rubbish', 'r/b': 1 });
    core.show({ ops: [{ key: 'r/b', type: 'delete', value: undefined }], revision: 0 });
    core.show({ ops: [{ key: 'r/c', type: 'put', value: 1 }], revision: 0 });
    expect(core.keysIn(range)).toEqual(['r/a', 'r/c']);
    const ops = effectsOf<unknown>([{ type: 'deleteRange', range: { prefix: 'r/' } }], {
      limits: defaultLimits,
      keysIn: (all) => core.keysIn(all),
    });
    core.show({ ops, revision: 0 });
    expect(rows.getSnapshot()).toMatchObject({ status: 'success', data: [] });
  });
});
