// Transports of an in-process cluster, through the codec, so that what its members exchange is what real ones do. Loss, delay and order are
// the business of the injected `defer`; over real pipes there is `mesh.ts`.
import type { Message, PeerId } from '@raftkv/raft';
import { decodePeerFrame, encodePeerFrame } from '@raftkv/wire';
import type { Transport, TransportHandlers } from './transport.ts';

export interface MemoryNetworkOptions {
  /**
   * Calls `deliver` soon. Default: in a microtask. A test drops the frame by never calling it, delays, reorders, or calls it twice; how much may be
   * under way is then its business too.
   */
  readonly defer?: (deliver: () => void, from: PeerId, to: PeerId) => void;
}

export interface MemoryNetwork {
  /** The transport of one member; it is connected to all others that were started. */
  transport(memberId: PeerId): Transport;
  /** Cuts or mends the link between two members, both ways; both are told. */
  setConnected(a: PeerId, b: PeerId, isConnected: boolean): void;
}

/**
 * @example
 * ```ts
 * const network = memoryNetwork();
 * const transports = ids.map((id) => network.transport(id));
 * ```
 */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const defer = options.defer ?? queueMicrotask;
  const members = new Map<PeerId, MemoryTransport>();
  const cuts = new Set<string>();
  const hub: Hub = {
    isConnected: (from, to) => members.get(to)?.isRunning === true && !cuts.has(pairName(from, to)),
    carry: (from, to, frame) =>
      defer(
        () => {
          if (hub.isConnected(from, to)) members.get(to)?.receive(decodePeerFrame(frame));
        },
        from,
        to,
      ),
    announce: (about, isConnected) => {
      for (const [id, member] of members) if (id !== about) member.notice(about, isConnected);
    },
  };
  return {
    transport: (memberId) => {
      const transport = new MemoryTransport(memberId, hub);
      members.set(memberId, transport);
      return transport;
    },
    setConnected: (a, b, isConnected) => {
      if (isConnected) cuts.delete(pairName(a, b));
      else cuts.add(pairName(a, b));
      members.get(a)?.notice(b, isConnected);
      members.get(b)?.notice(a, isConnected);
    },
  };
}

interface Hub {
  isConnected(from: PeerId, to: PeerId): boolean;
  carry(from: PeerId, to: PeerId, frame: Uint8Array): void;
  announce(about: PeerId, isConnected: boolean): void;
}

class MemoryTransport implements Transport {
  readonly #memberId: PeerId;
  readonly #hub: Hub;
  #handlers: TransportHandlers | undefined;
  #outbox: Message[] = [];

  constructor(memberId: PeerId, hub: Hub) {
    this.#memberId = memberId;
    this.#hub = hub;
  }

  get isRunning(): boolean {
    return this.#handlers !== undefined;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#hub.announce(this.#memberId, true);
  }

  send(messages: readonly Message[]): void {
    if (this.#handlers === undefined || messages.length === 0) return;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push(...messages);
  }

  isConnected(peer: PeerId): boolean {
    return this.#hub.isConnected(this.#memberId, peer);
  }

  close(): Promise<void> {
    const wasRunning = this.isRunning;
    this.#handlers = undefined;
    if (wasRunning) this.#hub.announce(this.#memberId, false);
    return Promise.resolve();
  }

  receive(messages: readonly Message[]): void {
    for (const message of messages) this.#handlers?.onMessage(message);
  }

  notice(peer: PeerId, isConnected: boolean): void {
    this.#handlers?.onPeerState?.(peer, isConnected);
    if (!isConnected) this.#handlers?.onUnreachable(peer);
  }

  #flush(): void {
    const groups = groupByReceiver(this.#outbox);
    this.#outbox = [];
    for (const [to, messages] of groups) {
      if (this.isConnected(to)) this.#hub.carry(this.#memberId, to, encodePeerFrame(messages));
      else this.#handlers?.onUnreachable(to);
    }
  }
}

function groupByReceiver(messages: readonly Message[]): Map<PeerId, Message[]> {
  const groups = new Map<PeerId, Message[]>();
  for (const message of messages) {
    const group = groups.get(message.to);
    if (group === undefined) groups.set(message.to, [message]);
    else group.push(message);
  }
  return groups;
}

function pairName(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
