// Live queries over a copy that the test changes by hand: what is told, how often, and what stays the same object.
import { describe, expect, it } from 'vitest';
import { rangeFrom } from '@raftkv/wire';
import type { LiveEntry, ReadState } from '../../src/index.ts';
import { LiveCore } from '../../src/live/index.ts';
import { FakeCopy } from './fake-copy.ts';

class FakeTimers {
  readonly due: (() => void)[] = [];
  schedule(callback: () => void): () => void {
    this.due.push(callback);
    return () => void this.due.splice(this.due.indexOf(callback), 1);
  }
  runAll(): void {
    for (const callback of this.due.splice(0)) callback();
  }
}

function setUp(content: Readonly<Record<string, unknown>> = {}) {
  const copy = new FakeCopy();
  if (Object.keys(content).length > 0) copy.apply(content);
  const timers = new FakeTimers();
  const core = new LiveCore<unknown, string>(copy, { clock: timers, toUserKey: (key) => key });
  const scan = (prefix: string, limit?: number, isReverse = false) =>
    core.scan(rangeFrom({ prefix }), { limit, isReverse });
  return { copy, core, timers, scan };
}

function rowsOf(state: ReadState<readonly LiveEntry<unknown, string>[]>): string[] {
  return (state.data ?? []).map(({ key, value, isPending }) => `${key}=${String(value)}${isPending ? '*' : ''}`);
}

const put = (key: string, value: unknown) => ({ ops: [{ key, type: 'put' as const, value }], revision: 0 });
const gone = (key: string) => ({ ops: [{ key, type: 'delete' as const, value: undefined }], revision: 0 });

describe('a live query that was let go', () => {
  it('is the same object for a while after its last listener left, whenever the sweep comes', () => {
    const { core, timers } = setUp({ a: 1 });
    const a = core.get('a');
    timers.runAll();
    a.subscribe(() => {})();
    timers.runAll();
    expect(core.get('a')).toBe(a);
    timers.runAll();
    timers.runAll();
    expect(core.get('a')).not.toBe(a);
  });
});

describe('a live query of one key', () => {
  it('gives the entry, null where there is none, and the same object until it changes', () => {
    const { copy, core } = setUp({ a: 1 });
    const a = core.get('a');
    const none = core.get('b');
    const before = a.getSnapshot();
    expect(before).toMatchObject({ status: 'success', data: { key: 'a', value: 1, revision: 2, isPending: false } });
    expect(none.getSnapshot()).toMatchObject({ status: 'success', data: null });
    copy.apply({ c: 1 });
    expect(a.getSnapshot()).toBe(before);
    copy.apply({ a: 2 });
    expect(a.getSnapshot()).toMatchObject({ data: { value: 2, version: 2 }, revision: 4 });
  });

  it('tells its listeners once a batch, and nobody when another key changed', () => {
    const { copy, core } = setUp({ a: 1 });
    let told = 0;
    const stop = core.get('a').subscribe(() => (told += 1));
    copy.apply({ b: 1, c: 1 });
    expect(told).toBe(0);
    copy.apply({ a: 2, b: 2 });
    expect(told).toBe(1);
    stop();
    copy.apply({ a: 3 });
    expect(told).toBe(1);
  });

  it('is pending until the copy is whole, and says so when it cannot be had', () => {
    const { copy, core } = setUp({ a: 1 });
    copy.isReady = false;
    copy.fetchStatus = 'fetching';
    const query = core.get('a');
    let told = 0;
    query.subscribe(() => (told += 1));
    expect(query.getSnapshot()).toMatchObject({ status: 'pending', data: undefined, fetchStatus: 'fetching' });
    copy.fetchStatus = 'paused';
    copy.tell([]);
    expect(query.getSnapshot()).toMatchObject({ status: 'pending', fetchStatus: 'paused' });
    copy.isReady = true;
    copy.tell(undefined);
    expect(query.getSnapshot()).toMatchObject({ status: 'success', data: { value: 1 } });
    expect(told).toBe(2);
    expect(query.getServerSnapshot()).toMatchObject({ status: 'pending', data: undefined });
  });

  it('is the same object for the same key, and goes on answering after it was let go', () => {
    const { copy, core, timers } = setUp({ a: 1 });
    const query = core.get('a');
    expect(core.get('a')).toBe(query);
    query.subscribe(() => {})();
    timers.runAll();
    timers.runAll();
    const other = core.get('a');
    expect(other).not.toBe(query);
    copy.apply({ a: 2 });
    expect(query.getSnapshot()).toMatchObject({ data: { value: 2 } });
    let told = 0;
    const stop = query.subscribe(() => (told += 1));
    copy.apply({ a: 3 });
    expect([told, query.getSnapshot().data]).toMatchObject([1, { value: 3 }]);
    stop();
  });

  it('is kept while somebody listens, however long', () => {
    const { copy, core, timers } = setUp({ a: 1 });
    const query = core.get('a');
    query.subscribe(() => {});
    for (let i = 0; i < 5; i += 1) timers.runAll();
    expect(core.get('a')).toBe(query);
    copy.apply({ a: 2 });
    expect(query.getSnapshot().data).toMatchObject({ value: 2 });
  });
});

describe('a live query of a range', () => {
  it('changes the rows that changed and keeps the others as they are', () => {
    const { copy, scan } = setUp({ 'r/a': 1, 'r/b': 1, 'r/c': 1, s: 1 });
    const query = scan('r/');
    const before = query.getSnapshot().data!;
    copy.apply({ 'r/b': 2 });
    const after = query.getSnapshot().data!;
    expect(after[0]).toBe(before[0]);
    expect(after[2]).toBe(before[2]);
    expect(rowsOf(query.getSnapshot())).toEqual(['r/a=1', 'r/b=2', 'r/c=1']);
    expect(before.map((row) => row.value)).toEqual([1, 1, 1]);
  });

  it('does not scan for a batch, only where a full window lost a row', () => {
    const { copy, scan } = setUp(
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`r/${String(i).padStart(3, '0')}`, i])),
    );
    const query = scan('r/', 10);
    query.subscribe(() => {});
    copy.scannedKeys = 0;
    copy.apply({ 'r/003': 'x', 'r/0031': 'new', 'r/050': 'y' });
    expect(copy.scannedKeys).toBe(0);
    expect(rowsOf(query.getSnapshot()).slice(3, 5)).toEqual(['r/003=x', 'r/0031=new']);
    expect(query.getSnapshot().data).toHaveLength(10);
    copy.apply({ 'r/000': undefined });
    expect(copy.scannedKeys).toBe(1);
    expect(rowsOf(query.getSnapshot()).at(-1)).toBe('r/009=9');
  });

  it('passes over what lies past its limit', () => {
    const { copy, scan } = setUp({ 'r/a': 1, 'r/b': 1, 'r/c': 1 });
    const query = scan('r/', 2);
    let told = 0;
    query.subscribe(() => (told += 1));
    copy.apply({ 'r/c': 2, 'r/d': 1 });
    expect(told).toBe(0);
    expect(rowsOf(query.getSnapshot())).toEqual(['r/a=1', 'r/b=1']);
  });

  it('runs backwards with its own end as the beginning', () => {
    const { copy, scan } = setUp({ 'r/a': 1, 'r/b': 1, 'r/c': 1 });
    const query = scan('r/', 2, true);
    expect(rowsOf(query.getSnapshot())).toEqual(['r/c=1', 'r/b=1']);
    copy.apply({ 'r/d': 1 });
    expect(rowsOf(query.getSnapshot())).toEqual(['r/d=1', 'r/c=1']);
    copy.apply({ 'r/d': undefined, 'r/c': undefined });
    expect(rowsOf(query.getSnapshot())).toEqual(['r/b=1', 'r/a=1']);
  });

  it('keeps every object when the copy was fetched again and says the same', () => {
    const { copy, scan } = setUp({ 'r/a': 1, 'r/b': 1 });
    const query = scan('r/');
    let told = 0;
    query.subscribe(() => (told += 1));
    const before = query.getSnapshot();
    copy.fetchAgain();
    expect(query.getSnapshot()).toBe(before);
    expect(told).toBe(0);
  });

  it('is up to date in every query before the first listener is told', () => {
    const { copy, core, scan } = setUp({ 'r/a': 1 });
    const seen: unknown[] = [];
    core.get('r/a').subscribe(() => seen.push(rowsOf(scan('r/').getSnapshot())));
    scan('r/').subscribe(() => seen.push(core.get('r/a').getSnapshot().data?.value));
    copy.apply({ 'r/a': 2 });
    expect(seen).toEqual([['r/a=2'], 2]);
  });
});

describe('an own write', () => {
  it('is shown before it is committed, marked, and counted', () => {
    const { core, scan } = setUp({ 'r/a': 1, 'r/b': 1 });
    core.show(put('r/c', 'mine'));
    core.show(gone('r/a'));
    const state = scan('r/').getSnapshot();
    expect(rowsOf(state)).toEqual(['r/b=1', 'r/c=mine*']);
    expect(state).toMatchObject({ source: 'local', pendingWrites: 2 });
    expect(core.get('r/c').getSnapshot()).toMatchObject({ data: { revision: 0, isPending: true }, pendingWrites: 1 });
  });

  it('does not flicker: it stays until the copy has come to where it was committed', () => {
    const { copy, core } = setUp({ a: 'old' });
    const query = core.get('a');
    const seen: string[] = [];
    query.subscribe(() => seen.push(`${String(query.getSnapshot().data?.value)} ${query.getSnapshot().source}`));
    const write = put('a', 'new');
    core.show(write);
    core.committed(write, 4);
    copy.apply({ other: 1 });
    expect(query.getSnapshot().data).toMatchObject({ value: 'new', isPending: true });
    copy.apply({ a: 'new' });
    expect(query.getSnapshot()).toMatchObject({
      data: { value: 'new', isPending: false, revision: 4 },
      pendingWrites: 0,
    });
    expect(seen).toEqual(['new local', 'new confirmed']);
  });

  it('does not flicker either when the copy is ahead of the answer', () => {
    const { copy, core } = setUp({ a: 'old' });
    const query = core.get('a');
    const write = put('a', 'new');
    core.show(write);
    copy.apply({ a: 'new' });
    expect(query.getSnapshot().data?.value).toBe('new');
    core.committed(write, 3);
    expect(query.getSnapshot()).toMatchObject({ data: { value: 'new', isPending: false }, source: 'confirmed' });
  });

  it('goes back to what is committed when it was refused, with later ones still shown', () => {
    const { core } = setUp({ a: 'old' });
    const first = put('a', 'first');
    const second = put('a', 'second');
    core.show(first);
    core.show(second);
    core.hide(first);
    expect(core.get('a').getSnapshot().data).toMatchObject({ value: 'second', isPending: true });
    core.hide(second);
    expect(core.get('a').getSnapshot().data).toMatchObject({ value: 'old', isPending: false });
  });

  it('fills a window from behind when it deletes, and leaves it when it puts in front', () => {
    const { core, scan } = setUp({ 'r/b': 1, 'r/c': 1, 'r/d': 1 });
    const query = scan('r/', 2);
    query.subscribe(() => {});
    const deletion = gone('r/b');
    core.show(deletion);
    expect(rowsOf(query.getSnapshot())).toEqual(['r/c=1', 'r/d=1']);
    core.show(put('r/a', 0));
    expect(rowsOf(query.getSnapshot())).toEqual(['r/a=0*', 'r/c=1']);
    core.hide(deletion);
    expect(rowsOf(query.getSnapshot())).toEqual(['r/a=0*', 'r/b=1']);
  });
});
