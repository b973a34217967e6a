// What the mesh remembers of one peer between channels. Changed by `mesh.ts` alone.
import type { Message } from '@raftkv/raft';
import type { RaftkvError } from '@raftkv/wire';
import type { Dialler } from './dialler.ts';
import type { Refusal } from './handshake.ts';
import type { MeshLink, MeshPeer, MeshPeerStatus } from './mesh-options.ts';
import type { PeerLink } from './peer-link.ts';
import { noTraffic } from './peer-traffic.ts';

export class MeshPeerState {
  peer: MeshPeer;
  /** Undefined: only the other side dials. */
  dialler: Dialler | undefined;
  /** Seeks the direct way while the link is a relayed one. */
  directDialler: Dialler | undefined;
  link: PeerLink | undefined;
  /** Messages of this turn. */
  outbox: Message[] = [];
  droppedMessages = 0;
  /** The highest that was admitted. 0: none was told. */
  bootCount = 0;
  readonly traffic = noTraffic();
  lastError: RaftkvError | undefined;
  #connections = 0;
  /** Refusals that were told, until the peer is welcomed. At most two for each code. */
  readonly #toldRefusals = new Set<string>();

  constructor(peer: MeshPeer) {
    this.peer = peer;
  }

  welcomed(): void {
    this.#connections += 1;
    this.#toldRefusals.clear();
    this.lastError = undefined;
  }

  /** True once for a side and a code, so that a refused peer that asks on and on is told of once. */
  isNewRefusal(refusal: Refusal): boolean {
    const reason = `${refusal.by} ${refusal.error.code}`;
    if (this.#toldRefusals.has(reason)) return false;
    this.#toldRefusals.add(reason);
    return true;
  }

  linkStatus(): MeshLink | undefined {
    const { link } = this;
    if (link?.isOpen !== true) return undefined;
    const { kind, path = 'direct', roundTripMilliseconds } = link;
    return { kind, path, roundTripMilliseconds };
  }

  status(): MeshPeerStatus {
    return {
      id: this.peer.id,
      name: this.peer.name,
      address: this.peer.address,
      isConnected: this.link?.isOpen === true,
      path: this.link?.path,
      link: this.linkStatus(),
      queuedBytes: this.link?.queuedBytes ?? 0,
      droppedMessages: this.droppedMessages,
      traffic: { ...this.traffic },
      connections: this.#connections,
      lastError: this.lastError,
    };
  }
}
