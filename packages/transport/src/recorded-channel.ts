// A test's ear on a channel: starts it, keeps what comes in and lets a test await frames, drains and the end. Used by the conformance suite.
import type { RaftkvError } from '@raftkv/wire';
import type { Channel } from './channel.ts';

export interface RecordedChannel {
  readonly received: Uint8Array[];
  /** Resolves with how it ended. */
  readonly closed: Promise<RaftkvError | undefined>;
  drains(): number;
  ends(): number;
  /** Resolves once so many frames came; rejects if the channel ends before. */
  frames(count: number): Promise<void>;
  drained(count: number): Promise<void>;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export function recordChannel(channel: Channel): RecordedChannel {
  const received: Uint8Array[] = [];
  const waiters = new Set<Waiter>();
  let drains = 0;
  let ends = 0;
  let tellClosed: (error: RaftkvError | undefined) => void = () => {};
  const closed = new Promise<RaftkvError | undefined>((resolve) => (tellClosed = resolve));

  const look = (): void => {
    for (const waiter of waiters) {
      if (!waiter.isMet()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const until = (isMet: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      waiters.add({ isMet, resolve, reject });
      look();
      if (ends > 0 && !isMet()) reject(new Error('the channel ended before'));
    });

  channel.start({
    onFrame: (frame) => {
      received.push(frame);
      look();
    },
    onDrain: () => {
      drains += 1;
      look();
    },
    onClose: (error) => {
      ends += 1;
      tellClosed(error);
      for (const waiter of waiters) waiter.reject(error ?? new Error('the channel ended before'));
      waiters.clear();
    },
  });
  return {
    received,
    closed,
    drains: () => drains,
    ends: () => ends,
    frames: (count) => until(() => received.length >= count),
    drained: (count) => until(() => drains >= count),
  };
}
