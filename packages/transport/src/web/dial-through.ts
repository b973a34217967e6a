// Channels that another thread opens: here they are dialled, there is the socket, and frames travel between the two over a port of their own. So a
// page that is busy keeps no socket waiting, and what only a page can open (a data channel) serves its worker too. Who dials through whom is for others.
import { RaftkvError, isErrorCode } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { TabChannel } from './broadcast-channel.ts';
import { messagePortChannel } from './message-port-channel.ts';
import type { ThreadPort } from './message-port-channel.ts';

/** As a client dials. */
type Dial = (endpoint: string, options: { readonly signal: AbortSignal }) => Promise<Channel>;

/** A MessagePort over which dialling is asked for; the ports of the channels are sent along. */
export interface DialPort extends Omit<ThreadPort, 'postMessage'> {
  postMessage(message: unknown, transfer: MessagePort[]): void;
}

/** `number`: which call. */
type Ask =
  | { readonly type: 'dial'; readonly number: number; readonly endpoint: string; readonly port: MessagePort }
  | { readonly type: 'giveUp'; readonly number: number };
type Answer = { readonly number: number; readonly failure?: { readonly code: string; readonly message: string } };

export interface RemoteDialler {
  /** Rejects with what dialling there rejects with, `cancelled` (the signal), or `connection_lost`. */
  readonly dial: Dial;
  /** The other thread is gone: so are all channels through it, and calls that wait. Idempotent. */
  lose(): void;
}

interface Call {
  readonly channel: Channel;
  /** Undefined once it is answered. */
  settle: ((error?: RaftkvError) => void) | undefined;
}

/**
 * Dials through the thread that serves the other end of this port.
 *
 * @example
 * ```ts
 * const { port1, port2 } = new MessageChannel();
 * worker.postMessage({ dials: port2 }, [port2]); // there: serveDials(dials, dial)
 * const { dial } = dialThrough(port1);
 * ```
 */
export function dialThrough(port: DialPort): RemoteDialler {
  const calls = new Map<number, Call>();
  let count = 0;
  const ask = (message: Ask, transfer: MessagePort[] = []): void => port.postMessage(message, transfer);
  port.addEventListener('message', ({ data }) => {
    const { number, failure } = data as Answer;
    calls.get(number)?.settle?.(failure && toError(failure));
  });
  port.start();
  const dial: Dial = async (endpoint, { signal }) => {
    if (signal.aborted) throw new RaftkvError('cancelled', `dialling ${endpoint} was cancelled`);
    const number = count++;
    const { port1, port2 } = new MessageChannel();
    const channel = messagePortChannel(port1, { remote: endpoint, onEnded: () => calls.delete(number) });
    const opened = new Promise<void>((resolve, reject) => {
      calls.set(number, { channel, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });
    const call = calls.get(number)!;
    const cancel = (): void => call.settle?.(new RaftkvError('cancelled', `dialling ${endpoint} was cancelled`));
    signal.addEventListener('abort', cancel);
    ask({ type: 'dial', number, endpoint, port: port2 }, [port2]);
    try {
      await opened;
    } catch (error) {
      ask({ type: 'giveUp', number });
      channel.close();
      throw error;
    } finally {
      call.settle = undefined;
      signal.removeEventListener('abort', cancel);
    }
    return channel;
  };
  const lose = (): void => {
    const error = new RaftkvError('connection_lost', 'the thread that had the connection is gone');
    for (const { channel, settle } of calls.values()) {
      settle?.(error);
      channel.close(error);
    }
    calls.clear();
    port.close();
  };
  return { dial, lose };
}

/** Dials for the thread at the other end of this port. Answers how to stop: then all that was opened is closed. */
export function serveDials(port: DialPort, dial: Dial): () => void {
  const open = new Map<number, AbortController>();
  const answer = (message: Answer): void => port.postMessage(message, []);
  const serve = async ({ number, endpoint, port: end }: Extract<Ask, { readonly type: 'dial' }>): Promise<void> => {
    const giveUp = new AbortController();
    open.set(number, giveUp);
    try {
      const socket = await dial(endpoint, { signal: giveUp.signal });
      const channel = messagePortChannel(end, { onEnded: () => open.delete(number) });
      giveUp.signal.addEventListener('abort', () => channel.close());
      join(channel, socket);
      if (giveUp.signal.aborted) channel.close();
      answer({ number });
    } catch (error) {
      open.delete(number);
      const { code, message } = RaftkvError.from(error, 'connect_failed');
      answer({ number, failure: { code, message } });
      end.close();
    }
  };
  port.addEventListener('message', ({ data }) => {
    const ask = data as Ask;
    if (ask.type === 'dial') void serve(ask);
    else open.get(ask.number)?.abort();
  });
  port.start();
  return () => {
    for (const giveUp of [...open.values()]) giveUp.abort();
    port.close();
  };
}

/** What one reads the other sends, until one of them ends. A socket cannot be asked to wait: what the page does not take is held, up to the channel's limit. */
function join(channel: TabChannel, socket: Channel): void {
  socket.start({
    onFrame: (frame) => void channel.send(frame),
    onDrain: () => channel.holdBack(false),
    onClose: (error) => channel.close(error),
  });
  channel.start({
    onFrame: (frame) => {
      if (!socket.send(frame)) channel.holdBack(true);
    },
    onClose: (error) => socket.close(error),
  });
}

/** Another build of the app may be at the other end: a code that is not known here. */
function toError({ code, message }: { readonly code: string; readonly message: string }): RaftkvError {
  return new RaftkvError(isErrorCode(code) ? code : 'connection_lost', message);
}
