// The outbox: what is sent when, in which order, and how each write ends.
import { describe, expect, it } from 'vitest';
import { RaftkvError, defaultLimits } from '@raftkv/wire';
import type { BatchOp, BatchResult } from '../../src/index.ts';
import { Outbox, effectsOf } from '../../src/live/index.ts';
import type { WriteTeller } from '../../src/live/index.ts';

interface Sent {
  readonly ops: readonly BatchOp<unknown>[];
  readonly teller: WriteTeller;
  readonly resolve: (result: BatchResult<unknown, string>) => void;
  readonly reject: (error: RaftkvError) => void;
}

function setUp(maxWrites?: number) {
  const sent: Sent[] = [];
  const shown: string[] = [];
  const outbox = new Outbox<unknown, string>({
    prepare: (ops, _options, teller) => () =>
      new Promise((resolve, reject) => sent.push({ ops, teller, resolve, reject })),
    effects: (ops) => effectsOf(ops, { limits: defaultLimits, keysIn: () => ['in/1', 'in/2'] }),
    show: (write) => shown.push(`show ${write.ops.map((op) => op.key).join()}`),
    committed: (write, revision) => shown.push(`committed ${write.ops.map((op) => op.key).join()} ${revision}`),
    hide: (write) => shown.push(`hide ${write.ops.map((op) => op.key).join()}`),
    toUserKey: (key) => key,
    maxWrites,
  });
  const names = () => sent.map(({ ops }) => ops.map((op) => ('key' in op ? String(op.key) : 'range')).join());
  return { outbox, sent, shown, names };
}

const put = (key: string, value: unknown = 1): BatchOp<unknown> => ({ type: 'put', key, value });
const done = (revision: number): BatchResult<unknown, string> => ({ revision, results: [] });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('the outbox', () => {
  it('shows a write at once and follows it from local over sent to committed', async () => {
    const { outbox, sent, shown } = setUp();
    const write = outbox.mutate([put('a'), put('b')], {});
    expect(write.keys).toEqual(['a', 'b']);
    expect(write.state.getSnapshot().status).toBe('local');
    const seen: string[] = [];
    write.state.subscribe(() => seen.push(write.state.getSnapshot().status));
    sent[0]!.teller.tell({ status: 'sent' });
    sent[0]!.teller.tell({ status: 'local' });
    sent[0]!.teller.tell({ status: 'sent' });
    sent[0]!.resolve(done(7));
    await expect(write.committed).resolves.toEqual(done(7));
    expect(seen).toEqual(['sent', 'local', 'sent', 'committed']);
    expect(write.state.getSnapshot()).toEqual({ status: 'committed', error: undefined, revision: 7 });
    expect(shown).toEqual(['show a,b', 'committed a,b 7']);
    expect(outbox.openCount).toBe(0);
  });

  it('keeps the order of writes to one key, and lets others pass', async () => {
    const { outbox, sent, names } = setUp();
    outbox.mutate([put('a', 1)], {});
    outbox.mutate([put('a', 2), put('b', 2)], {});
    outbox.mutate([put('c', 3)], {});
    outbox.mutate([put('b', 4)], {});
    expect(names()).toEqual(['a', 'c']);
    sent[0]!.resolve(done(2));
    await settled();
    expect(names()).toEqual(['a', 'c', 'a,b']);
    sent[2]!.reject(new RaftkvError('value_too_large', 'no'));
    await settled();
    expect(names()).toEqual(['a', 'c', 'a,b', 'b']);
  });

  it('orders a deleteRange against everything, before and after it', async () => {
    const { outbox, sent, names, shown } = setUp();
    outbox.mutate([put('a')], {});
    outbox.mutate([{ type: 'deleteRange', range: { prefix: 'in/' } }], {});
    outbox.mutate([put('z')], {});
    expect(names()).toEqual(['a']);
    expect(shown).toContain('show in/1,in/2');
    sent[0]!.resolve(done(2));
    await settled();
    sent[1]!.resolve(done(3));
    await settled();
    expect(names()).toEqual(['a', 'range', 'z']);
  });

  it('takes back what was refused, says whether an outcome is unknown, and keeps both in the list', async () => {
    const { outbox, sent, shown } = setUp();
    const refused = outbox.mutate([put('a')], {});
    const unknown = outbox.mutate([put('b')], { optimistic: false });
    sent[0]!.reject(new RaftkvError('condition_failed', 'no'));
    sent[1]!.reject(new RaftkvError('timeout', 'perhaps', { definite: false }));
    await expect(refused.committed).rejects.toMatchObject({ code: 'condition_failed' });
    await expect(unknown.committed).rejects.toMatchObject({ code: 'timeout' });
    await settled();
    expect(refused.state.getSnapshot()).toMatchObject({ status: 'refused', error: { code: 'condition_failed' } });
    expect(unknown.state.getSnapshot()).toMatchObject({ status: 'unknown' });
    expect(shown).toEqual(['show a', 'hide a']);
    expect(outbox.writes.getSnapshot()).toEqual([refused, unknown]);
  });

  it('refuses at once what can never be sent, and with busy what is too much', async () => {
    const { outbox, sent } = setUp(2);
    expect(() => outbox.mutate([put('')], {})).toThrow(expect.objectContaining({ code: 'key_empty' }));
    expect(() => outbox.mutate([put('a'), put('a')], {})).toThrow(expect.objectContaining({ code: 'duplicate_key' }));
    outbox.mutate([put('a')], {});
    outbox.mutate([put('b')], {});
    expect(() => outbox.mutate([put('c')], {})).toThrow(expect.objectContaining({ code: 'busy' }));
    sent[0]!.resolve(done(2));
    await settled();
    expect(outbox.mutate([put('c')], {}).id).toBe(3);
  });

  it('settles ten thousand writes to one key in order, in no more than a moment', async () => {
    const { outbox, sent } = setUp();
    const count = 10_000;
    for (let i = 0; i < count; i += 1) outbox.mutate([put('a', i)], {});
    for (let i = 0; i < count; i += 1) {
      sent[i]!.resolve(done(i + 2));
      await Promise.resolve();
      await Promise.resolve();
    }
    await settled();
    expect(sent.map(({ ops }) => (ops[0] as { value: unknown }).value)).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    expect(outbox.openCount).toBe(0);
  });
});
