// The contract of a Transport: messages of the core between named members, best effort. Reordering and loss are allowed;
// a Transport never blocks, and never queues without limit: at the limit it drops and says so through `onUnreachable`.
import type { Message, PeerId } from '@raftkv/raft';

export interface TransportHandlers {
  readonly onMessage: (message: Message) => void;
  /** Messages to this peer were dropped, or its channel ended: the core should probe. */
  readonly onUnreachable: (peer: PeerId) => void;
  readonly onPeerState?: (peer: PeerId, isConnected: boolean) => void;
}

export interface Transport {
  /** Once, before the first send. */
  start(handlers: TransportHandlers): void;
  /** Best effort. All messages of one turn to one peer leave in one frame where possible. */
  send(messages: readonly Message[]): void;
  isConnected(peer: PeerId): boolean;
  close(): Promise<void>;
}
