// The cursor behind one watch, with a watcher that is made to misbehave.
import { describe, expect, it } from 'vitest';
import { rangeFrom } from '@raftkv/wire';
import type { Watcher } from '../src/node-api.ts';
import { WatchSession } from '../src/watch-session.ts';

const request = {
  type: 'watch',
  id: 1,
  range: rangeFrom({ all: true }),
  from: 5,
  previous: true,
  progress: true,
} as const;

describe('the progress of a watch', () => {
  it('is not told while events may be left, though the cursor has passed them', () => {
    const change = { revision: 7, events: [{ type: 'delete' as const, key: 'k', revision: 7, previous: undefined }] };
    let left = [change];
    // A cursor that runs ahead of what it hands out.
    const watcher: Watcher = {
      take: () => (left.length > 0 ? left.splice(0) : undefined),
      position: 20,
      close: () => {},
    };
    const watch = new WatchSession(request, watcher, 1000);
    expect(watch.progress(20)).toBeUndefined();
    expect(watch.take()?.changes).toEqual([change]);
    expect(watch.progress(20)).toBeUndefined();
    left = [];
    expect(watch.take()).toBeUndefined();
    expect(watch.progress(20)).toEqual({ type: 'watchProgress', id: 1, revision: 20 });
    expect(watch.progress(20)).toBeUndefined();
  });

  it('is not told of a revision that is yet to come', () => {
    const watcher: Watcher = { take: () => undefined, position: 20, close: () => {} };
    const watch = new WatchSession(request, watcher, 1000);
    watch.take();
    expect(watch.progress(19)).toBeUndefined();
    expect(watch.progress(20)).toMatchObject({ revision: 20 });
  });
});
