// What a member vouches for: the same for all who ask for the same, right for what the store holds, in ranges or whole, and worked out without hurry.
import { createHash } from 'node:crypto';
import type { Change, KeyRange, KeyValue } from '@raftkv/kv';
import { StateDigest, decodeDigestAnswer, digestOfChanges, encodeAdminRequest } from '@raftkv/wire';
import type { DigestAnswer, DigestRequest } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../src/metrics.ts';
import { Digests } from '../src/digests.ts';
import type { DigestsOptions } from '../src/digests.ts';
import { talk } from './client-talk.ts';
import { FeedBench, settle } from './feed-talk.ts';
import { TestNode } from './test-node.ts';

const leader = 'n:1';

function stage(options: Partial<DigestsOptions> = {}, retainedRevisions = 10_000) {
  const bench = new FeedBench({ retainedRevisions });
  const digests = new Digests(bench.machine, { clock: bench.clock, leader: () => leader, ...options });
  const ask = (about: DigestRequest['about'], from: number, ranges: readonly KeyRange[] = []): Promise<DigestAnswer> =>
    digests.ask({ type: 'digest', about, from, ranges });
  return { bench, ask };
}

function changesIn(bench: FeedBench, from: number, to: number, isIn: (key: string) => boolean = () => true): Change[] {
  const read = bench.machine.store.changes(from + 1);
  if ('type' in read) throw new Error(read.message);
  return read.changes
    .filter(({ revision }) => revision <= to)
    .map(({ revision, events }) => ({
      revision,
      events: events.filter((event) => isIn(event.type === 'put' ? event.entry.key : event.key)),
    }));
}

function stateAt(bench: FeedBench, revision: number, range: KeyRange = { from: '', to: undefined }): Uint8Array {
  const scan = bench.machine.store.scan(range, { revision });
  if (scan.type === 'error') throw new Error(scan.message);
  const digest = new StateDigest();
  for (const entry of scan.entries as readonly KeyValue[]) digest.add(entry);
  return digest.finish();
}

describe('the digests of a member', () => {
  it('say where it stands at once', async () => {
    const { bench, ask } = stage();
    bench.put('a', 'xyz');
    expect(await ask('place', 0)).toMatchObject({ about: 'place', revision: 2, index: 1, bytes: 4, leader });
  });

  it('are of the changes after a revision, for all keys or some', async () => {
    const { bench, ask } = stage();
    for (let i = 0; i < 20; i += 1) bench.put(`${'ab'[i % 2]!}${i}`, `v${i}`);
    const all = await ask('changes', 5);
    expect(all).toMatchObject({ about: 'changes', revision: 21, index: 20 });
    expect(all.digest).toEqual(digestOfChanges(5, 21, changesIn(bench, 5, 21)));
    const some = await ask('changes', 5, [{ from: 'b', to: undefined }]);
    expect(some.digest).toEqual(
      digestOfChanges(
        5,
        21,
        changesIn(bench, 5, 21, (key) => key >= 'b'),
      ),
    );
    expect(some.digest).not.toEqual(all.digest);
  });

  it('that are not due wake nobody, however much is applied', async () => {
    const bench = new FeedBench({ retainedRevisions: 10_000 });
    let waits = 0;
    const schedule: typeof bench.clock.schedule = (callback, milliseconds) => {
      waits += 1;
      return bench.clock.schedule(callback, milliseconds);
    };
    const clock = { now: () => bench.clock.now(), schedule };
    const digests = new Digests(bench.machine, { clock, leader: () => leader });
    for (const about of ['changes', 'state'] as const) {
      for (let i = 0; i < 20; i += 1) void digests.ask({ type: 'digest', about, from: 1_000, ranges: [] });
    }
    await settle();
    for (let i = 0; i < 50; i += 1) {
      bench.put(`k${i}`);
      await settle();
    }
    expect(waits).toBe(40);
    await bench.clock.advance(5_001);
  });

  it('wait for a change, and say after a while that there is none', async () => {
    const { bench, ask } = stage();
    bench.put('a');
    const waiting = ask('changes', 2);
    await bench.clock.advance(1_000);
    bench.put('b');
    expect(await waiting).toMatchObject({ about: 'changes', revision: 3 });
    const idle = ask('changes', 3);
    const ahead = ask('changes', 70);
    await settle();
    await bench.clock.advance(5_001);
    expect(await idle).toMatchObject({ about: 'nothing', revision: 3 });
    expect(await ahead).toMatchObject({ about: 'nothing', revision: 3 });
  });

  it('cover no more than who checks can hold, and no less than one revision', async () => {
    const { bench, ask } = stage();
    for (let i = 0; i < 8; i += 1) bench.put(`k${i}`, Buffer.alloc(100_000));
    bench.put('huge', Buffer.alloc(900_000));
    expect(await ask('changes', 1)).toMatchObject({ revision: 4, index: 0 });
    expect(await ask('changes', 4)).toMatchObject({ revision: 7 });
    expect(await ask('changes', 9)).toMatchObject({ revision: 10 });
  });

  it('are the same for those who ask at about the same time, and larger for one that comes late', async () => {
    const { bench, ask } = stage();
    bench.put('a');
    expect((await ask('changes', 1)).revision).toBe(2);
    bench.put('b');
    expect((await ask('changes', 1)).revision).toBe(2);
    await bench.clock.advance(150);
    expect((await ask('changes', 1)).revision).toBe(3);
  });

  it('say so when the changes are gone, and are of the state then', async () => {
    const { bench, ask } = stage({}, 10);
    for (let i = 0; i < 50; i += 1) bench.put(`k${i}`, 'v');
    expect(await ask('changes', 5)).toMatchObject({ about: 'compacted', revision: 51 });
    const state = await ask('state', 5);
    expect(state).toMatchObject({ about: 'state', revision: 51, index: 50 });
    expect(state.digest).toEqual(stateAt(bench, 51));
  });

  it('of a large state are worked out in steps while writes go on, and of a runtime’s own hash the same', async () => {
    const { bench, ask } = stage();
    const { ask: askOther, bench: other } = stage({ sha256: () => createHash('sha256') as never });
    for (const each of [bench, other]) {
      for (let i = 0; i < 60; i += 1) each.put(`k${String(i).padStart(3, '0')}`, Buffer.alloc(50_000, i));
    }
    const ranges = [
      { from: 'k000', to: 'k010' },
      { from: 'k020', to: undefined },
    ];
    const asked = ask('state', 61);
    await settle();
    bench.put('k059', 'later');
    bench.put('k000', 'later');
    await bench.clock.advance(1_000);
    const state = await asked;
    expect(state).toMatchObject({ revision: 61, index: 60 });
    expect(state.digest).toEqual(stateAt(bench, 61));
    const whole = askOther('state', 0);
    await other.clock.advance(1_000);
    expect(Uint8Array.from((await whole).digest)).toEqual(state.digest);
    const some = askOther('state', 0, ranges);
    await other.clock.advance(1_000);
    const digest = new StateDigest();
    const scan = other.machine.store.scan({ from: '', to: undefined });
    if (scan.type === 'error') throw new Error(scan.message);
    for (const entry of scan.entries) if (entry.key < 'k010' || entry.key >= 'k020') digest.add(entry);
    expect(Uint8Array.from((await some).digest)).toEqual(digest.finish());
  });

  it('of a state are kept for the next, and made again only after a rest, for who is further', async () => {
    const { bench, ask } = stage();
    bench.put('a');
    expect((await ask('state', 1)).revision).toBe(2);
    bench.put('b');
    expect((await ask('state', 2)).revision).toBe(2);
    const newer = ask('state', 3);
    let isThere = false;
    void newer.then(() => (isThere = true));
    await settle();
    expect(isThere).toBe(false);
    await bench.clock.advance(9);
    expect((await newer).revision).toBe(3);
  });

  it('that the state was compacted under are begun again', async () => {
    const { bench, ask } = stage({}, 3);
    for (let i = 0; i < 30; i += 1) bench.put(`k${String(i).padStart(3, '0')}`, Buffer.alloc(50_000));
    const asked = ask('state', 31);
    await settle();
    for (let i = 0; i < 10; i += 1) bench.put('k029', `${i}`);
    await bench.clock.advance(3_000);
    const state = await asked;
    expect(state.revision).toBe(41);
    expect(state.digest).toEqual(stateAt(bench, 41));
  });

  it('are refused for ranges that make no sense, and beyond the limit of those that wait', async () => {
    const { bench, ask } = stage({ maxWaiting: 2 });
    await expect(ask('changes', 1, [{ from: 'b', to: 'a' }])).rejects.toMatchObject({ code: 'invalid_argument' });
    const waiting = [ask('changes', 1), ask('changes', 1)];
    await expect(ask('changes', 1)).rejects.toMatchObject({ code: 'busy' });
    bench.put('a');
    for (const each of waiting) expect((await each).revision).toBe(2);
  });

  it('are there for any client, a page too, and counted without the time that they wait', async () => {
    const node = new TestNode();
    const metrics = createMetrics();
    const { peer } = talk(node, { mayAdminister: false, metrics });
    await peer.settle();
    const request = encodeAdminRequest({ type: 'digest', about: 'changes', from: 1, ranges: [] });
    peer.send({ type: 'admin', id: 9, request });
    await peer.settle();
    expect(peer.of('adminResult')).toEqual([]);
    await node.execute({ session: undefined, command: { type: 'put', key: 'a', value: Buffer.from('x') } });
    await peer.settle();
    const [answer] = peer.of('adminResult');
    expect(decodeDigestAnswer(answer!.result)).toMatchObject({ about: 'changes', revision: 2 });
    const operations = metrics.families().flatMap(({ samples }) => samples);
    expect(operations).toContainEqual({ labels: { operation: 'digest', result: 'ok' }, value: 1 });
  });
});
