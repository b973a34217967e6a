// The watch checker: right watches are accepted, and each of the nine promises is broken in every way that there is.
import type { Change, ChangeEvent } from '@raftkv/kv';
import { describe, expect, it } from 'vitest';
import { all, bytes, expectBroken, recording } from './doctored-recording.ts';
import type { WatchMessage, WatchRecord } from './history.ts';
import { truthOfLog } from './log-truth.ts';
import type { Verdict } from './verdict.ts';
import { checkWatch } from './watch.ts';

describe('a watch', () => {
  const { truth } = truthOfLog(recording().log);
  const changeAt = (revision: number): Change => truth.changeAt(revision)!;
  const told = (...revisions: number[]): WatchMessage => ({ type: 'changes', changes: revisions.map(changeAt) });
  const created = (revision: number, newest = 6): WatchMessage => ({ type: 'created', revision, newest });
  const progress = (revision: number): WatchMessage => ({ type: 'progress', revision });
  const watch = (messages: WatchMessage[], rest: Partial<WatchRecord> = {}): Verdict =>
    checkWatch({ name: 'w', range: all, from: 2, previous: true, owed: 6, messages, ...rest }, truth);
  const doctored = (revision: number, change: (event: ChangeEvent) => object): WatchMessage => {
    const { events } = changeAt(revision);
    return {
      type: 'changes',
      changes: [{ revision, events: events.map((event) => ({ ...event, ...change(event) })) as ChangeEvent[] }],
    };
  };

  it('that is told everything is accepted, with breaks and bookmarks', () => {
    expect(
      watch([created(2), told(2, 3), progress(3), created(4), told(4), created(5), told(5, 6), progress(6)])
        .explanation,
    ).toBe('');
    expect(watch([created(5), told(5, 6)], { from: 0 }).explanation).toBe('');
    const onlyJ = { range: { from: 'j', to: 'k' } };
    const [event] = changeAt(6).events.filter((each) => each.type === 'put' && each.entry.key === 'j');
    const last: WatchMessage = { type: 'changes', changes: [{ revision: 6, events: [event!] }] };
    expect(watch([created(2), told(3), progress(4), created(4), told(5), last], onlyJ).explanation).toBe('');
    expect(watch([created(2), told(2), { type: 'compacted', compactedRevision: 5 }]).explanation).toBe('');
    const forgotten = { ...doctored(4, () => ({ previous: undefined })), compactedRevision: 4 } as WatchMessage;
    expect(watch([created(2), told(2, 3), forgotten, told(5, 6)]).explanation).toBe('');
    expect(
      watch([created(2), doctored(2, () => ({})), doctored(3, () => ({ previous: undefined })), told(4, 5, 6)])
        .explanation,
    ).toBe('');
  });

  const cases: [how: string, promise: string, judge: () => Verdict][] = [
    ['in another order', 'ordered', () => watch([created(2), told(2, 4, 3, 5, 6)])],
    ['a revision twice', 'unique', () => watch([created(2), told(2, 3, 3)])],
    ['an older revision again', 'unique', () => watch([created(2), told(2, 3), told(2)])],
    ['a revision again after a break', 'resumable', () => watch([created(2), told(2, 3), created(3)])],
    [
      'half a revision',
      'atomic',
      () =>
        watch([
          created(2),
          told(2, 3, 4, 5),
          { type: 'changes', changes: [{ revision: 6, events: changeAt(6).events.slice(0, 1) }] },
        ]),
    ],
    [
      'a revision in two pieces',
      'atomic',
      () =>
        watch([
          created(2),
          told(2, 3, 4, 5),
          ...[0, 1].map((n): WatchMessage => ({
            type: 'changes',
            changes: [{ revision: 6, events: changeAt(6).events.slice(n, n + 1) }],
          })),
        ]),
    ],
    ['with a gap', 'reliable', () => watch([created(2), told(2, 4)])],
    ['not to the end', 'reliable', () => watch([created(2), told(2, 3, 4, 5)])],
    [
      'of another value',
      'reliable',
      () =>
        watch([
          created(2),
          doctored(2, () => ({ entry: { ...(changeAt(2).events[0] as { entry: object }).entry, value: bytes('x') } })),
        ]),
    ],
    [
      'of a delete as a put',
      'reliable',
      () =>
        watch([created(2), told(2, 3, 4), { type: 'changes', changes: [{ revision: 5, events: changeAt(3).events }] }]),
    ],
    [
      'of more than there was',
      'reliable',
      () =>
        watch([
          created(2),
          { type: 'changes', changes: [{ revision: 2, events: [...changeAt(2).events, ...changeAt(3).events] }] },
        ]),
    ],
    ['before it is created', 'reliable', () => watch([told(2)])],
    ['after the end', 'reliable', () => watch([created(2), { type: 'compacted', compactedRevision: 5 }, told(2)])],
    [
      'that is compacted what is not',
      'reliable',
      () => watch([created(2), told(2, 3, 4), { type: 'compacted', compactedRevision: 3 }]),
    ],
    ['from later on after a break', 'resumable', () => watch([created(2), told(2, 3), created(5), told(5, 6)])],
    ['from later on at the beginning', 'resumable', () => watch([created(4), told(4, 5, 6)])],
    ['from later on than now', 'resumable', () => watch([created(5, 3), told(5, 6)], { from: 0 })],
    ['from after the end of the store', 'resumable', () => watch([created(8)], { from: 0 })],
    ['of progress before it was created', 'bookmarkable', () => watch([progress(2)])],
    ['of progress that was not told', 'bookmarkable', () => watch([created(2), told(2), progress(3)])],
    ['of progress that goes back', 'bookmarkable', () => watch([created(2), told(2, 3), progress(2)])],
    ['of progress beyond the store', 'bookmarkable', () => watch([created(2), told(2, 3, 4, 5, 6), progress(7)])],
    [
      'of another value before',
      'prev_kv',
      () =>
        watch([
          created(2),
          told(2, 3),
          doctored(4, () => ({ previous: { ...truth.get('k', 2)!, value: bytes('x') } })),
        ]),
    ],
    [
      'of nothing before',
      'prev_kv',
      () => watch([created(2), told(2, 3), doctored(4, () => ({ previous: undefined }))]),
    ],
    [
      'of nothing before, though only older things are forgotten',
      'prev_kv',
      () =>
        watch([
          created(2),
          told(2, 3),
          { ...doctored(4, () => ({ previous: undefined })), compactedRevision: 3 } as WatchMessage,
        ]),
    ],
    [
      'of something before what is new',
      'prev_kv',
      () => watch([created(2), doctored(2, () => ({ previous: truth.get('k', 2) }))]),
    ],
    [
      'that it was created when it was not',
      'is-create',
      () =>
        watch([
          created(2),
          told(2, 3),
          doctored(4, (event) => ({ entry: { ...(event as { entry: object }).entry, createRevision: 4, version: 1 } })),
        ]),
    ],
    [
      'that it was not created when it was',
      'is-create',
      () =>
        watch([created(2), doctored(2, (event) => ({ entry: { ...(event as { entry: object }).entry, version: 2 } }))]),
    ],
    [
      'of keys that it did not ask for',
      'filter',
      () => watch([created(2), told(2, 3)], { range: { from: 'k', to: undefined } }),
    ],
    [
      'of all keys where it asked for some',
      'filter',
      () => watch([created(2), told(2), told(4), told(6)], { range: { from: 'k', to: undefined } }),
    ],
  ];
  for (const [how, promise, judge] of cases) {
    it(`that is told ${how} is found out: ${promise}`, () => expectBroken(judge(), `watch: ${promise}`));
  }
});
