// A Transport over Channels: one channel a pair of members, reached by dialling and by accepting, opened by a handshake, kept honest by pings,
// opened again when it ends. What the messages mean is the core's business, how bytes travel the channels'. Caller: the composition root.
import type { Message, PeerId } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import type { PeerFacts } from '@raftkv/wire';
import type { Channel } from './channel.ts';
import { systemClock } from './clock.ts';
import type { TransportClock } from './clock.ts';
import { Dialler } from './dialler.ts';
import type { DialOutcome } from './dialler.ts';
import { Doors } from './doors.ts';
import type { Opened } from './doors.ts';
import { Refusal } from './handshake.ts';
import type { Greeted } from './handshake.ts';
import { defaultMeshLimits } from './mesh-limits.ts';
import type { MeshLimits } from './mesh-limits.ts';
import type { Mesh, MeshLink, MeshOptions, MeshPeer, MeshPeerStatus } from './mesh-options.ts';
import { MeshPeerState } from './mesh-peer.ts';
import { dialsFirst, hasProved, isOlderStart, mayDial, passes, replaces } from './mesh-rules.ts';
import { PeerLink } from './peer-link.ts';
import type { TransportHandlers } from './transport.ts';

/**
 * Opens the mesh and begins to dial at once, so that members can find each other before their cores run; messages that come in before `start`
 * are lost.
 *
 * @example
 * ```ts
 * const mesh = openMesh({ self, peers, dial: (address, signal) => dialPeer(address, signal), admit: (peer) => register(peer) });
 * mesh.start({ onMessage: (message) => inbox.push(message), onUnreachable: (peer) => inbox.push(unreachable(peer)) });
 * ```
 */
export function openMesh(options: MeshOptions): Mesh {
  return new ChannelMesh(options);
}

class ChannelMesh implements Mesh {
  readonly #options: MeshOptions;
  readonly #limits: MeshLimits;
  readonly #clock: TransportClock;
  readonly #doors: Doors;
  readonly #peers = new Map<PeerId, MeshPeerState>();
  #handlers: TransportHandlers | undefined;
  /** Peers with messages of this turn. */
  #unflushed: MeshPeerState[] = [];
  #unreachable = new Set<PeerId>();
  #cancelHeartbeat: () => void;
  #isClosed = false;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#limits = { ...defaultMeshLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#doors = new Doors({
      handshake: {
        self: options.self,
        isPeer: (id) => this.#peers.has(id),
        admit: (peer) => this.#admit(peer),
        ...(options.strangerError === undefined ? {} : { strangerError: options.strangerError }),
        ...(options.factsFor === undefined ? {} : { factsFor: options.factsFor }),
        ...(options.clusterIdFor === undefined ? {} : { clusterIdFor: options.clusterIdFor }),
        ...(options.onForeign === undefined ? {} : { onForeign: options.onForeign }),
      },
      dial: options.dial,
      clock: this.#clock,
      limits: this.#limits,
    });
    this.#cancelHeartbeat = this.#clock.schedule(this.#heartbeat, this.#limits.heartbeatMilliseconds);
    for (const peer of options.peers) this.addPeer(peer);
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw new RaftkvError('invalid_argument', 'a transport is started once');
    this.#handlers = handlers;
  }

  send(messages: readonly Message[]): void {
    if (this.#isClosed) return;
    const isFlushDue = this.#unflushed.length > 0;
    for (const message of messages) {
      const state = this.#peers.get(message.to);
      if (state === undefined) continue;
      if (state.outbox.length === 0) this.#unflushed.push(state);
      state.outbox.push(message);
    }
    // Sent at the end of the turn, all of it together, and never from inside the caller.
    if (!isFlushDue && this.#unflushed.length > 0) queueMicrotask(this.#flush);
  }

  isConnected(peer: PeerId): boolean {
    return this.#peers.get(peer)?.link?.isOpen === true;
  }

  accept(channel: Channel): void {
    void this.#doors.accept(channel).then(
      (opened) => this.#establish(opened),
      (error: unknown) => this.#noteFailure(undefined, error),
    );
  }

  addPeer(peer: MeshPeer): void {
    if (peer.id === this.#options.self.memberId || this.#isClosed) return;
    const known = this.#peers.get(peer.id);
    if (known !== undefined) {
      known.peer = peer;
      // Only the other side could dial so far; now it is known where it is.
      if (known.dialler !== undefined || !mayDial(peer)) return;
      known.dialler = this.#createDialler(known);
      known.dialler?.dialNow();
      return;
    }
    const state = new MeshPeerState(peer);
    this.#peers.set(peer.id, state);
    state.dialler = this.#createDialler(state);
    state.dialler?.dialNow();
  }

  removePeer(peer: PeerId): void {
    const state = this.#peers.get(peer);
    if (state === undefined) return;
    this.#peers.delete(peer);
    state.dialler?.stop();
    state.directDialler?.stop();
    state.link?.close(new RaftkvError('closed', 'no longer a peer'));
  }

  status(): readonly MeshPeerStatus[] {
    return [...this.#peers.values()].map((state) => state.status());
  }

  tellFounding(): void {
    for (const { link } of this.#peers.values()) {
      if (link?.isOpen === true) this.#tellFounding(link);
    }
  }

  linkTo(peer: PeerId): MeshLink | undefined {
    return this.#peers.get(peer)?.linkStatus();
  }

  networkChanged(): void {
    for (const { dialler, directDialler } of this.#peers.values()) {
      dialler?.dialNow();
      directDialler?.dialNow();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelHeartbeat();
    for (const { dialler, directDialler } of this.#peers.values()) {
      dialler?.stop();
      directDialler?.stop();
    }
    await this.#doors.close();
  }

  #createDialler(state: MeshPeerState): Dialler | undefined {
    if (!mayDial(state.peer)) return undefined;
    const isFirst = dialsFirst(this.#options.self.memberId, state.peer);
    return new Dialler({
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      minBackoffMilliseconds: isFirst
        ? this.#limits.minBackoffMilliseconds
        : this.#limits.minBackoffOfOtherMilliseconds,
      maxBackoffMilliseconds: this.#limits.maxBackoffMilliseconds,
      refusedBackoffMilliseconds: this.#limits.refusedBackoffMilliseconds,
      attempt: (stopped) => this.#dial(state, stopped),
      isNeeded: () => state.link === undefined,
    });
  }

  #tellFounding(link: PeerLink): void {
    const founding = this.#options.factsFor?.(link.peerId).founding;
    if (founding !== undefined) link.tellFounding(founding);
  }

  /** Once a newer start of a peer is known for good, nothing more is heard of the one before: it may be another process, or another copy of its storage. */
  async #admit(peer: Greeted): Promise<void> {
    await this.#options.admit(peer);
    const { bootCount = 0 } = peer.facts?.incarnation ?? {};
    const state = this.#peers.get(peer.memberId);
    if (state === undefined || bootCount <= state.bootCount) return;
    state.bootCount = bootCount;
    const { link } = state;
    if (link !== undefined && isOlderStart(link, bootCount)) link.close(startedAgain());
  }

  /** A relayed channel works on while its successor is welcomed at the other side too: nothing of what is under way on it need be lost. */
  #leave(current: PeerLink, next: PeerLink): void {
    const close = (): void => current.close(new RaftkvError('closed', 'replaced by a newer channel'));
    if (current.path !== 'relayed' || next.path === 'relayed') return close();
    this.#clock.schedule(close, this.#limits.heartbeatMilliseconds);
  }

  /** The one that dialled the relayed channel goes on seeking the direct way; the other one does so once something changed at its side. */
  #seekDirect(state: MeshPeerState, link: PeerLink): void {
    const { dialDirect, self } = this.#options;
    if (dialDirect === undefined || link.path !== 'relayed' || !mayDial(state.peer)) return;
    state.directDialler ??= new Dialler({
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      minBackoffMilliseconds: this.#limits.minDirectBackoffMilliseconds,
      maxBackoffMilliseconds: this.#limits.maxDirectBackoffMilliseconds,
      refusedBackoffMilliseconds: this.#limits.maxDirectBackoffMilliseconds,
      attempt: (stopped) => this.#dial(state, stopped, dialDirect),
      isNeeded: () => state.link?.path === 'relayed',
    });
    if (link.diallerId === self.memberId) state.directDialler.lost(false);
  }

  async #dial(state: MeshPeerState, stopped: AbortSignal, dial = this.#options.dial): Promise<DialOutcome> {
    let opened: Opened;
    try {
      opened = await this.#doors.dial(state.peer, stopped, dial);
    } catch (error) {
      return this.#noteFailure(state, error);
    }
    return this.#establish(opened) ? 'connected' : 'failed';
  }

  /** The handshake is done: makes this the peer's link, unless the pair has a better one. False: the channel is gone already. */
  #establish({ inbox, greeted, diallerId }: Opened): boolean {
    const state = this.#peers.get(greeted.memberId);
    if (state === undefined || this.#isClosed) inbox.channel.close(new RaftkvError('closed', 'no longer wanted'));
    if (state === undefined || !inbox.channel.isOpen) return false;
    const link = new PeerLink({
      inbox,
      selfId: this.#options.self.memberId,
      peerId: greeted.memberId,
      storeId: greeted.storeId,
      ...(greeted.facts && { facts: greeted.facts }),
      diallerId,
      clock: this.#clock,
      limits: this.#limits,
      traffic: state.traffic,
    });
    if (isOlderStart(link, state.bootCount)) {
      link.close(startedAgain());
      return false;
    }
    const current = state.link;
    if (current !== undefined && !replaces(link, current, this.#limits.handshakeMilliseconds)) {
      link.close(new RaftkvError('closed', 'there is a channel between the two already'));
      return true;
    }
    state.link = link;
    state.welcomed();
    if (current !== undefined) this.#leave(current, link);
    this.#options.onWelcomed?.(link.peerId);
    // What the replaced channel carried may be lost.
    if (current === undefined) this.#handlers?.onPeerState?.(link.peerId, true);
    else this.#noteUnreachable(link.peerId);
    link.start({
      onMessages: (messages) => this.#receive(messages),
      onFacts: (facts) => this.#heard(link, facts),
      onEnd: (error) => this.#ended(state, link, error),
    });
    // More was noted since it was told: on other channels, during the handshake.
    const { founding } = greeted.told ?? {};
    if (founding?.size !== this.#options.factsFor?.(link.peerId).founding?.size) this.#tellFounding(link);
    this.#seekDirect(state, link);
    return true;
  }

  /** Whom that does not suit tells it when the two meet again. */
  #heard(link: PeerLink, facts: PeerFacts): void {
    const { peerId: memberId, storeId } = link;
    this.#options.admit({ memberId, storeId, facts }).catch((error: unknown) => link.close(RaftkvError.from(error)));
  }

  #ended(state: MeshPeerState, link: PeerLink, error: RaftkvError | undefined): void {
    if (state.link !== link) return;
    state.link = undefined;
    state.lastError = error ?? new RaftkvError('connection_lost', `${link.remote} closed the channel`);
    if (this.#isClosed) return;
    this.#handlers?.onPeerState?.(link.peerId, false);
    this.#noteUnreachable(link.peerId);
    const isProven = hasProved(link, this.#clock.now());
    // The direct way held for a while: looked for again, it is looked for soon.
    if (isProven && link.path === 'direct') state.directDialler = undefined;
    state.dialler?.lost(isProven);
  }

  #noteFailure(dialled: MeshPeerState | undefined, thrown: unknown): DialOutcome {
    if (this.#isClosed) return 'failed';
    const refusal = thrown instanceof Refusal ? thrown : undefined;
    const error = RaftkvError.from(refusal === undefined ? thrown : refusal.error);
    // A stranger is told that it is one; it is not worth a report here, where anybody could ask for thousands.
    const state = dialled ?? (refusal?.memberId === undefined ? undefined : this.#peers.get(refusal.memberId));
    if (state !== undefined && state.link === undefined) state.lastError = error;
    if (refusal === undefined || passes(error)) return 'failed';
    if (state?.isNewRefusal(refusal) === true) this.#options.onRefused?.(state.peer.id, error, refusal.by);
    return 'refused';
  }

  readonly #flush = (): void => {
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    for (const state of unflushed) {
      const messages = state.outbox;
      state.outbox = [];
      const dropped = state.link?.isOpen === true ? state.link.send(messages) : messages.length;
      if (dropped === 0) continue;
      state.droppedMessages += dropped;
      this.#noteUnreachable(state.peer.id);
    }
  };

  #receive(messages: readonly Message[]): void {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#isClosed) return;
    for (const message of messages) handlers.onMessage(message);
  }

  /** Told from a timer of its own: a core that answers each notice with a message could otherwise keep the turn from ending. */
  #noteUnreachable(peer: PeerId): void {
    this.#unreachable.add(peer);
    if (this.#unreachable.size > 1) return;
    this.#clock.schedule(() => {
      const unreachable = this.#unreachable;
      this.#unreachable = new Set();
      if (this.#isClosed) return;
      for (const each of unreachable) this.#handlers?.onUnreachable(each);
    }, 0);
  }

  readonly #heartbeat = (): void => {
    this.#cancelHeartbeat = this.#clock.schedule(this.#heartbeat, this.#limits.heartbeatMilliseconds);
    for (const state of this.#peers.values()) state.link?.heartbeat();
  };
}

function startedAgain(): RaftkvError {
  return new RaftkvError('closed', 'the member at the other end has been started again');
}
