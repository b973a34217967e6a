// What the mesh is given and what it tells: the types at its border. The mesh itself is in `mesh.ts`.
import type { PeerId } from '@raftkv/raft';
import type { RaftkvError } from '@raftkv/wire';
import type { Channel, ChannelKind } from './channel.ts';
import type { TransportClock } from './clock.ts';
import type { Greeted, HandshakeOptions, MeshSelf } from './handshake.ts';
import type { MeshLimits } from './mesh-limits.ts';
import type { PeerTraffic } from './peer-traffic.ts';
import type { Transport } from './transport.ts';

export interface MeshPeer {
  readonly id: PeerId;
  readonly name: string;
  /** Given to `dial` as it is. */
  readonly address: string;
  /**
   * Whether this side dials this peer. By default both may: the member with the smaller id does, the other knocks once when it starts and steps in
   * when nothing comes. Set it where only one side can be dialled, such as a tab.
   */
  readonly dials?: boolean;
}

export interface MeshOptions {
  readonly self: MeshSelf;
  readonly peers: readonly MeshPeer[];
  /** Opens a channel; must settle once `signal` is aborted. Rejects with a RaftkvError. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<Channel>;
  /**
   * Opens a channel whose `path` is `direct`, or rejects. Tried on and on, with growing pauses, for as long as the channel that this member dialled is a
   * relayed one. Default: what is relayed stays so.
   */
  readonly dialDirect?: (address: string, signal: AbortSignal) => Promise<Channel>;
  /**
   * Registers a peer's storage, durably, before it resolves, and the start of it that the peer tells; rejects with a RaftkvError (`member_amnesia` for another
   * storage under a known id, `member_superseded` for an older start) to refuse the peer, which is told. Called once or twice for each handshake, and when a founder
   * has more to tell, so it must bear repetition.
   */
  readonly admit: (peer: Greeted) => Promise<void>;
  /**
   * What a member is told that is no peer here: `busy` if it may become one soon, `member_removed` if it was one. Default: `wrong_member`. A member
   * that is told `busy` asks again soon.
   */
  readonly strangerError?: (memberId: PeerId) => RaftkvError;
  /**
   * What a peer is told of this member: which start of its storage it is, and what it knows of the founding, all of it durable. Default: nothing; then version 1 of
   * the handshake is spoken. Channels of an older start are closed as soon as a newer one has been admitted.
   */
  readonly factsFor?: HandshakeOptions['factsFor'];
  /** The id of the cluster in which this one is met, where not all are met in that of `self`. Throws a RaftkvError to refuse. */
  readonly clusterIdFor?: HandshakeOptions['clusterIdFor'];
  /** Somebody of another cluster took this member for one of its own, and was refused with `wrong_cluster`. */
  readonly onForeign?: HandshakeOptions['onForeign'];
  /** A channel stands: we admitted this peer's storage and it has admitted ours. Once a handshake. */
  readonly onWelcomed?: (peer: PeerId) => void;
  /** One of the two refused the other (`by`). Told once for each code and side until the peer is welcomed. Retried slowly. */
  readonly onRefused?: (peer: PeerId, error: RaftkvError, by: 'self' | 'peer') => void;
  readonly clock?: TransportClock;
  /** In [0, 1), for the jitter of reconnection. */
  readonly random?: () => number;
  readonly limits?: Partial<MeshLimits>;
}

/** How a peer is reached. */
export interface MeshLink {
  /** Of a channel through a relay: of the one to the relay. Undefined: the channel does not say. */
  readonly kind: ChannelKind | undefined;
  readonly path: 'direct' | 'relayed';
  /** Smoothed; measured when the channel stands, and every ten intervals. Undefined: not yet. */
  readonly roundTripMilliseconds: number | undefined;
}

/** What is known of one peer, for status pages and metrics. */
export interface MeshPeerStatus {
  readonly id: PeerId;
  readonly name: string;
  readonly address: string;
  readonly isConnected: boolean;
  /** Of a channel that can go straight or through a third one: which way it goes. */
  readonly path: 'direct' | 'relayed' | undefined;
  /** Undefined: there is no channel. */
  readonly link: MeshLink | undefined;
  readonly queuedBytes: number;
  /** Messages that were dropped since the start, for want of a channel or of room. */
  readonly droppedMessages: number;
  /** What travelled since the start. */
  readonly traffic: Readonly<PeerTraffic>;
  /** Channels that stood since the start. */
  readonly connections: number;
  /** Why the last channel or attempt ended; undefined while all is well. */
  readonly lastError: RaftkvError | undefined;
}

export interface Mesh extends Transport {
  /** Takes an incoming channel, unstarted, and sees it through the handshake. Never throws. */
  accept(channel: Channel): void;
  /** A known id: its address and name are replaced, a standing channel stays. */
  addPeer(peer: MeshPeer): void;
  /** Closes its channel, and refuses it from now on. */
  removePeer(peer: PeerId): void;
  status(): readonly MeshPeerStatus[];
  /** How this peer is reached; undefined: not at all. */
  linkTo(peer: PeerId): MeshLink | undefined;
  /** There is more to tell of the founding than before: whoever is connected is told what `factsFor` says now, if it speaks version 2. */
  tellFounding(): void;
  /** This machine is on another network, or on one again: whom it cannot reach, or only through a relay, is dialled at once instead of after a pause. */
  networkChanged(): void;
}
