// Who left for good, and in which capacity: nobody dials them any more, and what they offer is refused. Ids are never used twice, so nobody comes back.
// Used by whatever dials by id: `openWebRtc`, `openBroadcastDoor`.
import { RaftkvError } from '@raftkv/wire';
import type { ChannelPurpose } from './purpose.ts';

/** More are forgotten, the oldest first: who comes back then is told by the handshake. */
const maxDeparted = 2048;

export class Departed {
  readonly #keys = new Set<string>();

  add(peerId: string, purpose: ChannelPurpose): void {
    this.#keys.add(keyOf(peerId, purpose));
    for (const oldest of this.#keys) if (this.#keys.size > maxDeparted) this.#keys.delete(oldest);
  }

  /** Throws `member_removed`. */
  check(peerId: string, purpose: ChannelPurpose): void {
    if (this.#keys.has(keyOf(peerId, purpose))) throw new RaftkvError('member_removed', `${peerId} left`);
  }
}

function keyOf(peerId: string, purpose: ChannelPurpose): string {
  return `${purpose} ${peerId}`;
}
