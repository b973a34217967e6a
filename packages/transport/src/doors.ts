// The two ways into the mesh: dialling and accepting. Each leads through the handshake, under a deadline, to an open channel with a known member at
// the other end. Which of a pair's channels stays, and when to dial, is decided by the callers, `mesh.ts` and `dialler.ts`.
import type { PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from './channel.ts';
import type { TransportClock } from './clock.ts';
import { FrameInbox } from './frame-inbox.ts';
import { answer, greet } from './handshake.ts';
import type { Greeting, HandshakeOptions } from './handshake.ts';
import type { MeshLimits } from './mesh-limits.ts';
import type { MeshPeer } from './mesh-options.ts';

/** A channel whose handshake is done. */
export interface Opened {
  readonly inbox: FrameInbox;
  readonly greeted: Greeting;
  readonly diallerId: PeerId;
}

export interface DoorsOptions {
  readonly handshake: HandshakeOptions;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Channel>;
  readonly clock: TransportClock;
  readonly limits: MeshLimits;
}

export class Doors {
  readonly #options: DoorsOptions;
  /** Of every channel that has not ended. */
  readonly #inboxes = new Set<FrameInbox>();
  #pendingAccepts = 0;
  #isClosed = false;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /** Rejects with a Refusal or a RaftkvError, soon after `stopped` is aborted at the latest. */
  async dial(peer: MeshPeer, stopped: AbortSignal, dial = this.#options.dial): Promise<Opened> {
    const { clock, limits, handshake } = this.#options;
    const abort = new AbortController();
    let channel: Channel | undefined;
    const giveUp = (): void => {
      abort.abort();
      channel?.close(tookTooLong());
    };
    stopped.addEventListener('abort', giveUp, { once: true });
    const cancelDeadline = clock.schedule(giveUp, limits.handshakeMilliseconds);
    try {
      channel = await dial(peer.address, abort.signal);
      if (abort.signal.aborted) channel.close(tookTooLong());
      const inbox = this.#openInbox(channel);
      const greeted = await greet(inbox, peer.id, handshake);
      return { inbox, greeted, diallerId: handshake.self.memberId };
    } finally {
      stopped.removeEventListener('abort', giveUp);
      cancelDeadline();
    }
  }

  /** Rejects likewise, after it has closed the channel. */
  async accept(channel: Channel): Promise<Opened> {
    const { clock, limits, handshake } = this.#options;
    const inbox = this.#openInbox(channel);
    if (this.#isClosed || this.#pendingAccepts >= limits.maxPendingHandshakes) {
      const error = new RaftkvError(this.#isClosed ? 'closed' : 'busy', 'no further channels at the moment');
      channel.close(error);
      throw error;
    }
    this.#pendingAccepts += 1;
    const cancelDeadline = clock.schedule(() => channel.close(tookTooLong()), limits.handshakeMilliseconds);
    try {
      const greeted = await answer(inbox, handshake);
      return { inbox, greeted, diallerId: greeted.memberId };
    } finally {
      this.#pendingAccepts -= 1;
      cancelDeadline();
    }
  }

  /** Closes every channel that came through here; resolves when all have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const inbox of this.#inboxes) inbox.channel.close();
    await Promise.all([...this.#inboxes].map((inbox) => inbox.ended));
  }

  #openInbox(channel: Channel): FrameInbox {
    const inbox = new FrameInbox(channel, this.#options.limits.maxFrameBytes);
    this.#inboxes.add(inbox);
    void inbox.ended.then(() => this.#inboxes.delete(inbox));
    return inbox;
  }
}

function tookTooLong(): RaftkvError {
  return new RaftkvError('timeout', 'the handshake took too long');
}
