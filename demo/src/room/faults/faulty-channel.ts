// A channel to another member as the faults have it: late by so much, silent while the tab is frozen, ended when its link is cut. Frames stay in order and
// whole, as on any channel. Put around what is dialled and what is let in.
import type { Channel, ChannelHandlers } from '@raftkv/transport';
import { RaftkvError } from 'raftkv';
import type { Faults } from './faults.ts';

export function faultyChannel(channel: Channel, name: string, faults: Faults): Channel {
  const { bulk, path } = channel;
  const cutNow = (): void => {
    if (faults.now.cut.has(name)) channel.close(cutError(name));
  };
  const unsubscribe = faults.settings.subscribe(cutNow);
  const outgoing = inOrder(faults);
  const incoming = inOrder(faults);
  return {
    maxFrameBytes: channel.maxFrameBytes,
    remote: channel.remote,
    get isOpen() {
      return channel.isOpen;
    },
    get bufferedBytes() {
      return channel.bufferedBytes;
    },
    ...(bulk === undefined ? {} : { bulk: faultyChannel(bulk, name, faults) }),
    ...(path === undefined ? {} : { path }),
    start: (handlers: ChannelHandlers) =>
      channel.start({
        onFrame: (frame) => incoming(() => handlers.onFrame(frame)),
        onDrain: () => handlers.onDrain?.(),
        onClose: (error) => {
          unsubscribe();
          incoming(() => handlers.onClose(error));
        },
      }),
    send: (frame) => {
      let isWelcome = true;
      outgoing(() => (isWelcome = channel.send(frame)));
      return isWelcome;
    },
    close: (error) => {
      unsubscribe();
      channel.close(error);
    },
  };
}

export function cutError(name: string): RaftkvError {
  return new RaftkvError('connection_lost', `the link to ${name} was cut in this tab`);
}

function isPlain({ now }: Faults): boolean {
  return now.delayMilliseconds === 0 && now.frozenUntil === undefined;
}

/** Runs what it is given one after the other, each after the delay that holds when it comes, and none before an earlier one. */
function inOrder(faults: Faults): (run: () => void) => void {
  let waiting = 0;
  let tail = Promise.resolve();
  return (run) => {
    if (waiting === 0 && isPlain(faults)) return run();
    waiting += 1;
    const due = performance.now() + faults.now.delayMilliseconds;
    tail = tail
      .then(() => until(due))
      .then(() => new Promise<void>((resolve) => faults.whenAwake(resolve)))
      .then(() => {
        waiting -= 1;
        run();
      });
  };
}

function until(due: number): Promise<void> | void {
  const left = due - performance.now();
  if (left > 0) return new Promise((resolve) => void setTimeout(resolve, left));
}
