// The hook for kept writes: it follows how they are doing, and hands on what is decided about them.
import { describe, expect, it } from 'vitest';
import { LiveValue } from '@raftkv/client/live';
import type { OutboxStatus, Write, WriteOutbox } from '@raftkv/client';
import { useOutbox } from '../src/outbox.ts';
import { act, h, mount, probe, setUp } from './harness.ts';

const none: OutboxStatus = { storage: 'strict', error: undefined, waiting: 0, undecided: 0, bytes: 0 };

/** What an outbox was asked for. */
function fakeOutbox() {
  const status = new LiveValue<OutboxStatus>(none);
  const asked: unknown[] = [];
  let listeners = 0;
  const { getSnapshot, getServerSnapshot } = status;
  const subscribe = (onChange: () => void): (() => void) => {
    listeners += 1;
    const stop = status.subscribe(onChange);
    return () => {
      listeners -= 1;
      stop();
    };
  };
  const outbox: WriteOutbox = {
    status: { subscribe, getSnapshot, getServerSnapshot },
    retry: (write, options) => {
      asked.push(['retry', write.id, options]);
      return write;
    },
    discard: async (write) => void asked.push(['discard', write.id]),
  };
  return { status, asked, outbox, listeners: () => listeners };
}

describe('useOutbox', () => {
  it('follows how kept writes are doing, and decides about them', async () => {
    const kv = setUp({ a: 'old' });
    const { status, asked, outbox, listeners } = fakeOutbox();
    kv.outbox = outbox;
    const holder = probe(useOutbox, (view) => `${view.status?.waiting} ${view.status?.undecided}`);
    const screen = mount(kv, h(holder.Probe));
    expect(screen.text()).toBe('0 0');
    await act(() => status.set({ ...none, waiting: 2, undecided: 1 }));
    expect(screen.text()).toBe('2 1');
    let write!: Write<unknown>;
    await act(() => void (write = kv.mutate([{ type: 'put', key: 'a', value: 1 }])));
    const [first, last] = [holder.seen[0]!, holder.seen.at(-1)!];
    expect(last.writes).toEqual([write]);
    expect([last.retry, last.discard]).toEqual([first.retry, first.discard]);
    expect(last.retry(write, { if: [] })).toBe(write);
    await last.discard(write);
    expect(asked).toEqual([
      ['retry', write.id, { if: [] }],
      ['discard', write.id],
    ]);
    expect(listeners()).toBe(1);
    screen.unmount();
    expect(listeners()).toBe(0);
  });

  it('keeps nothing where the replica was opened without one, and says so', async () => {
    const kv = setUp({ a: 'old' });
    const holder = probe(useOutbox, (view) => String(view.status));
    const screen = mount(kv, h(holder.Probe));
    expect(screen.text()).toBe('undefined');
    const { retry, discard } = holder.seen[0]!;
    let write!: Write<unknown>;
    await act(() => void (write = kv.mutate([{ type: 'put', key: 'a', value: 1 }])));
    expect(() => retry(write)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    await expect(discard(write)).rejects.toMatchObject({ code: 'not_found' });
  });
});
