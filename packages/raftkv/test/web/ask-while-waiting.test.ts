// The browser asks before a page is left while kept writes wait, and not once whoever keeps them is closed: what waited is there for the next one.
import type { OutboxStatus } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import type { WriteKeeper } from '@raftkv/observer';
import { expect, it } from 'vitest';
import { askWhileWaiting } from '../../src/web/ask-while-waiting.ts';

const window = new EventTarget();
/** Whoever leaves the page is asked. */
const isAsked = (): boolean => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }));

class SomeKeeper implements Pick<WriteKeeper<unknown, string>, 'status' | 'close'> {
  readonly status = new LiveValue<OutboxStatus>({
    storage: 'strict',
    error: undefined,
    waiting: 0,
    undecided: 0,
    bytes: 0,
  });
  endClosing: () => void = () => undefined;
  failClosing: (error: Error) => void = () => undefined;

  wait(waiting: number): void {
    this.status.set({ ...this.status.getSnapshot(), waiting });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.endClosing = resolve;
      this.failClosing = reject;
    });
  }
}

function open(waiting = 0) {
  const kept = new SomeKeeper();
  kept.wait(waiting);
  const keeper = askWhileWaiting(kept as unknown as WriteKeeper<unknown, string>, { window });
  return { kept, keeper };
}

it('asks only while something waits', async () => {
  const { kept, keeper } = open();
  expect(isAsked()).toBe(false);
  kept.wait(2);
  expect(isAsked()).toBe(true);
  kept.wait(0);
  expect(isAsked()).toBe(false);
  const closing = keeper.close();
  kept.endClosing();
  await closing;
});

it('asks no more once it is closed, whatever waits then, and whatever is said of it later', async () => {
  const { kept, keeper } = open(1);
  expect(isAsked()).toBe(true);
  const closing = keeper.close();
  expect(isAsked()).toBe(true);
  kept.endClosing();
  await closing;
  expect(isAsked()).toBe(false);
  kept.wait(3);
  expect(isAsked()).toBe(false);
});

it('asks no more when it could not be closed in order, and says so', async () => {
  const { kept, keeper } = open(1);
  const closing = keeper.close();
  kept.failClosing(new Error('no'));
  await expect(closing).rejects.toThrow('no');
  expect(isAsked()).toBe(false);
});
