// Opens sessions as so many clients would, over one connection: a member keeps 10,000, so as many more push out whoever has not written for the longest time.
import { webSocketDial } from '@raftkv/client';
import { nodeWebSocket } from '@raftkv/transport/node';
import { decodeServerFrame, encodeClientFrames, encodeCommand } from '@raftkv/wire';
import type { ClientMessage } from '@raftkv/wire';

/** How many may be unanswered. */
const windowSize = 1_000;

/** Resolves when the member has answered all of them. Rejects with what it refuses one with. */
export async function openSessions(address: string, count: number): Promise<void> {
  const channel = await webSocketDial(nodeWebSocket())(address, { signal: AbortSignal.timeout(60_000) });
  const command = encodeCommand({ session: undefined, command: { type: 'openSession' } });
  let asked = 0;
  let answered = 0;
  const send = (messages: readonly ClientMessage[]): void => {
    for (const frame of encodeClientFrames(messages, channel.maxFrameBytes)) channel.send(frame);
  };
  const ask = (): void => {
    const room = Math.min(count, answered + windowSize) - asked;
    send(Array.from({ length: room }, (): ClientMessage => ({ type: 'write', id: ++asked, command })));
  };
  try {
    await new Promise<void>((resolve, reject) => {
      channel.start({
        onFrame: (frame) => {
          for (const message of decodeServerFrame(frame)) {
            if (message.type === 'error') reject(new Error(`${message.code}: ${message.message}`));
            if (message.type === 'result') answered += 1;
          }
          if (answered >= count) resolve();
          else if (asked < count && asked - answered <= windowSize / 2) ask();
        },
        onClose: (error) => reject(error ?? new Error('the member closed the connection')),
        onDrain: () => {},
      });
      send([{ type: 'hello', versions: [1], clusterId: undefined }]);
      ask();
    });
  } finally {
    channel.close();
  }
}
