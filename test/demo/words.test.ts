// States and bad days in plain words: each has a sentence of its own, and the worst is the one that is shown.
import { RaftkvError } from 'raftkv';
import type { ReplicaStatus } from '@raftkv/client';
import { describe, expect, it } from 'vitest';
import { unknownCluster } from '../../demo/src/model/cluster-view.ts';
import { formatBytes, formatMilliseconds } from '../../demo/src/model/format.ts';
import { adviseOn, describeWrite, refusal } from '../../demo/src/model/words.ts';

const ready: ReplicaStatus = {
  replicaId: 'r',
  role: 'observer',
  tenancy: 'holder',
  phase: 'ready',
  connection: 'online',
  storage: 'relaxed',
  error: undefined,
  clusterId: 'c',
  leader: 'h:1',
  revision: 5,
  index: 7,
  hash: '0',
  keys: 3,
  unsentWrites: 0,
  snapshots: 0,
  divergences: 0,
};
const whole = { ...unknownCluster, isKnown: true, up: 3, voters: 3, hasQuorum: true, leader: 'node1' };
const failed = (code: RaftkvError['code']): ReplicaStatus => ({ ...ready, error: new RaftkvError(code, 'no matter') });

describe('the line that says how things are', () => {
  it.each([
    ['all is well', ready, whole, 'good', /All 3 nodes/],
    ['one node is away', ready, { ...whole, up: 2 }, 'warn', /2 of 3 nodes answer: still a majority/],
    [
      'there is no majority',
      ready,
      { ...whole, up: 1, hasQuorum: false },
      'bad',
      /1 of 3 nodes answer, and 2 must agree/,
    ],
    ['nobody answers', ready, { ...whole, up: 0, hasQuorum: false }, 'bad', /Reads go on/],
    ['there is an election', ready, { ...whole, leader: undefined }, 'warn', /new leader/],
    ['the first copy comes', { ...ready, phase: 'syncing' as const }, whole, 'plain', /cluster answers reads/],
    ['what is kept is read', { ...ready, phase: 'loading' as const }, whole, 'plain', /kept/],
    ['the connection was lost', { ...ready, connection: 'offline' as const }, whole, 'warn', /connection was lost/],
    ['a node is sought', { ...ready, connection: 'connecting' as const }, unknownCluster, 'plain', /Looking/],
    ['it is another cluster', failed('wrong_cluster'), whole, 'bad', /another cluster|belongs to a cluster/],
    ['the browser keeps nothing', failed('unsupported'), whole, 'warn', /private windows/],
    ['the storage is blocked', failed('storage_failed'), whole, 'warn', /was blocked/],
    ['something has no words here', failed('internal'), whole, 'warn', /No matter\./],
    ['the storage is full', failed('storage_full'), whole, 'warn', /Nothing that the cluster acknowledged is lost/],
    ['the storage was damaged', failed('storage_corrupt'), whole, 'warn', /fetched anew/],
    ['the storage was wiped', failed('storage_missing'), whole, 'warn', /deleted/],
    ['another tab has the storage', failed('storage_locked'), whole, 'warn', /memory/],
    ['the copy diverged', failed('diverged'), whole, 'warn', /hash/],
    ['versions do not fit', failed('unsupported_version'), whole, 'bad', /versions/],
  ] as const)('says when %s', (_, status, cluster, tone, text) => {
    const advice = adviseOn(status, cluster, false);
    expect(advice.tone).toBe(tone);
    expect(`${advice.title}. ${advice.text}`).toMatch(text);
  });

  it('says that the session has expired while a write shows it', () => {
    const error = new RaftkvError('session_expired', 'no matter', { definite: false });
    const write = {
      id: 1,
      text: '',
      key: 'k',
      milliseconds: 1,
      state: { status: 'unknown', error, revision: undefined },
    } as const;
    expect(adviseOn(ready, whole, false, [write])).toMatchObject({
      tone: 'warn',
      text: expect.stringMatching(/forgotten its session/) as string,
    });
    expect(adviseOn(ready, { ...whole, up: 0, hasQuorum: false }, false, [write]).title).toBe('No node answers');
    expect(adviseOn(ready, whole, false, []).title).toBe('In step');
  });

  it('puts a cluster that takes no writes before a storage that keeps nothing', () => {
    const noQuorum = { ...whole, up: 1, hasQuorum: false };
    expect(adviseOn(failed('unsupported'), noQuorum, false).title).toBe('No majority');
    expect(adviseOn(failed('wrong_cluster'), noQuorum, false).title).toBe('This is another cluster');
  });

  it('says how many writes wait, wherever they do', () => {
    const three = { ...ready, unsentWrites: 3 };
    expect(adviseOn(three, { ...whole, up: 1, hasQuorum: false }, false).text).toContain('3 writes wait here.');
    expect(adviseOn({ ...three, unsentWrites: 1 }, { ...whole, up: 0, hasQuorum: false }, false).text).toContain(
      'One write waits here.',
    );
    expect(adviseOn({ ...three, connection: 'offline' }, whole, true).text).toContain('3 writes wait here.');
    expect(adviseOn({ ...ready, connection: 'offline' }, whole, true)).toMatchObject({
      title: 'You are working offline',
    });
  });

  it('is sentences, without gaps, whatever happens', () => {
    for (const unsentWrites of [0, 1, 2]) {
      for (const cluster of [unknownCluster, whole, { ...whole, up: 0 }, { ...whole, up: 1, hasQuorum: false }]) {
        for (const connection of ['online', 'offline', 'connecting'] as const) {
          for (const isOff of [true, false]) {
            const { text } = adviseOn({ ...ready, unsentWrites, connection }, cluster, isOff);
            expect(text.trim()).toMatch(/^[A-Z0-9].*\.$/);
            expect(text).not.toMatch(/ {2}|undefined|\. [a-z]|; [A-Z]/);
          }
        }
      }
    }
  });
});

describe('the words for a write', () => {
  it('tell what did not happen from what may have', () => {
    const error = new RaftkvError('timeout', 'late', { definite: false });
    expect(describeWrite({ status: 'refused', error, revision: undefined }).long).toBe(
      'It did not happen: no answer came in time.',
    );
    expect(describeWrite({ status: 'unknown', error, revision: undefined }).long).toContain('may have happened or not');
    expect(describeWrite({ status: 'committed', error: undefined, revision: 1234 }).short).toBe('Committed at 1,234');
    expect(describeWrite({ status: 'local', error: undefined, revision: undefined }).long).toContain('not sent yet');
    expect(describeWrite({ status: 'sent', error: undefined, revision: undefined }).short).toBe('Sent');
    const kept = { status: 'local', error: undefined, revision: undefined, kept: true } as const;
    expect(describeWrite(kept).short).toBe('Waiting on this device');
  });

  it('name a condition that did not hold, and pass on what has no words here', () => {
    expect(refusal(new RaftkvError('condition_failed', 'x'))).toBe('somebody else changed it first.');
    const found = (...entries: readonly unknown[]) =>
      refusal(Object.assign(new RaftkvError('condition_failed', 'x'), { found: entries }));
    const value = { title: 'Theirs', lane: 'done', rank: 1, by: 'Ann', hue: 1 };
    expect(found({ key: 'k', value })).toBe('somebody else changed it to “Theirs”.');
    expect(found({ key: 'k', value: 7 })).toBe('somebody else changed it first.');
    expect(found()).toBe('somebody else deleted it.');
    expect(refusal(new RaftkvError('halted', 'the member halted'))).toBe('The member halted.');
    expect(refusal(undefined)).toBe('no reason was given.');
  });
});

describe('numbers', () => {
  it('have three figures at most', () => {
    expect([0, 999, 1000, 1234, 99_960, 999_600, 12_345_678, 1e9].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 kB',
      '100 kB',
      '1.0 MB',
      '12 MB',
      '1.0 GB',
    ]);
    expect([0.004, 0.8, 2.34, 41.4, 1234].map(formatMilliseconds)).toEqual([
      '0.00 ms',
      '0.80 ms',
      '2.3 ms',
      '41 ms',
      '1.2 s',
    ]);
  });
});
