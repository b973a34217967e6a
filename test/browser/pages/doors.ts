// The page of the suite of doors: a tab that others of its origin dial by name, and that says what came of its channels.
import { RaftkvError } from '@raftkv/wire';
import type { Channel, ChannelHandlers } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import type { BroadcastDoor, ChannelPurpose } from '@raftkv/transport/web';

let door: BroadcastDoor | undefined;
const heard: string[] = [];
const dialled: Channel[] = [];

const handlersFor = (name: string): ChannelHandlers => ({
  onFrame: (frame) => heard.push(`${name}: ${new TextDecoder().decode(frame)}`),
  onClose: (error) => heard.push(`${name}: ${error?.code ?? 'in order'}`),
});

const doorLab = {
  open: (selfId: string): void => {
    door = openBroadcastDoor({
      selfId,
      room: 'room',
      onChannel: (channel, from, purpose) => channel.start(handlersFor(`${from} as a ${purpose}`)),
    });
    addEventListener('pagehide', () => door?.close());
  },
  /** The code of what went wrong, or "open". */
  dial: async (to: string, purpose: ChannelPurpose): Promise<string> => {
    try {
      const channel = await door!.dial(to, { purpose });
      channel.start(handlersFor(to));
      dialled.push(channel);
      return 'open';
    } catch (error) {
      return RaftkvError.from(error).code;
    }
  },
  /** On the channel that was dialled last. */
  say: (text: string): void => void dialled.at(-1)!.send(new TextEncoder().encode(text)),
  heard: (): readonly string[] => heard,
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var doorLab: DoorLab;
}
export type DoorLab = typeof doorLab;

globalThis.doorLab = doorLab;
