// An outbox for the tests of the framework bindings: a test says how kept writes are doing, and hears what was asked for.
import type { OutboxStatus, WriteOutbox } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';

export function fakeOutbox() {
  const status = new LiveValue<OutboxStatus>({
    storage: 'strict',
    error: undefined,
    waiting: 0,
    undecided: 0,
    bytes: 0,
  });
  const asked: string[] = [];
  let listeners = 0;
  const subscribe = (onChange: () => void): (() => void) => {
    listeners += 1;
    const stop = status.subscribe(onChange);
    return () => {
      listeners -= 1;
      stop();
    };
  };
  const { getSnapshot, getServerSnapshot } = status;
  const outbox: WriteOutbox = {
    status: { subscribe, getSnapshot, getServerSnapshot },
    retry: (write) => {
      asked.push('retry');
      return write;
    },
    discard: async () => void asked.push('discard'),
  };
  return { outbox, status, asked, listeners: () => listeners };
}
