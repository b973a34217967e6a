// What the tabs of a room tell each other beside the cluster: who is there and how it sees things, signals of WebRTC, what the workload did. Through a
// BroadcastChannel within one browser, and on over bridges (channels that an invitation opened) to another. Nothing here is relied on: it may be late or lost.
import type { Channel } from '@raftkv/transport';
import type { Signal, Signalling } from '@raftkv/transport/webrtc';

export interface HubMessage {
  readonly type: string;
  readonly from: string;
}

interface Envelope {
  readonly id: string;
  readonly message: HubMessage;
}

interface SignalMessage extends HubMessage {
  readonly type: 'signal';
  readonly signal: Signal;
}

/** Enough to know again what comes by two ways. */
const rememberedIds = 2_000;

export class Hub {
  #port: BroadcastChannel | undefined;
  readonly #bridges = new Set<Channel>();
  readonly #listeners = new Set<(message: HubMessage) => void>();
  readonly #seen = new Set<string>();

  /** With the tabs of this browser. Before that, nobody hears anything. Once. */
  join(roomId: string): void {
    if (this.#port !== undefined) return;
    this.#port = new BroadcastChannel(`raftkv-demo-room ${roomId}`);
    this.#port.addEventListener('message', ({ data }) => {
      const envelope = data as Envelope;
      if (this.#isNew(envelope)) this.#pass(envelope, undefined);
    });
  }

  get bridges(): number {
    return this.#bridges.size;
  }

  say(message: HubMessage): void {
    const envelope = { id: crypto.randomUUID(), message };
    this.#isNew(envelope);
    this.#port?.postMessage(envelope);
    this.#overBridges(envelope, undefined);
  }

  listen(listener: (message: HubMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Another browser is at the other end, with a hub of its own. Takes the channel over. */
  addBridge(channel: Channel, onEnd: () => void): void {
    this.#bridges.add(channel);
    channel.start({
      onFrame: (frame) => {
        const envelope = parse(frame);
        if (envelope === undefined || !this.#isNew(envelope)) return;
        this.#port?.postMessage(envelope);
        this.#pass(envelope, channel);
      },
      onClose: () => {
        this.#bridges.delete(channel);
        onEnd();
      },
    });
  }

  /** For `openWebRtc`. */
  signalling(): Signalling {
    return {
      send: (signal) => this.say({ type: 'signal', from: signal.from, signal } as SignalMessage),
      listen: (onSignal) =>
        this.listen((message) => {
          if (message.type === 'signal') onSignal((message as SignalMessage).signal);
        }),
    };
  }

  close(): void {
    this.#port?.close();
    for (const bridge of this.#bridges) bridge.close();
  }

  #pass(envelope: Envelope, from: Channel | undefined): void {
    this.#overBridges(envelope, from);
    for (const listener of [...this.#listeners]) listener(envelope.message);
  }

  #overBridges(envelope: Envelope, except: Channel | undefined): void {
    if (this.#bridges.size === 0) return;
    const frame = new TextEncoder().encode(JSON.stringify(envelope));
    // Who does not keep up misses some of it.
    for (const bridge of this.#bridges) if (bridge !== except && bridge.bufferedBytes < 1 << 20) bridge.send(frame);
  }

  #isNew({ id }: Envelope): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > rememberedIds) this.#seen.delete(this.#seen.values().next().value!);
    return true;
  }
}

function parse(frame: Uint8Array): Envelope | undefined {
  try {
    const value = JSON.parse(new TextDecoder().decode(frame)) as Partial<Envelope>;
    if (typeof value.id === 'string' && typeof value.message?.type === 'string') return value as Envelope;
  } catch {
    // Whoever sent it is of another version, or worse.
  }
  return undefined;
}
