// Every limit and interval of the mesh, with its default, the reason for it, and what happens at it.
import { defaultLimits } from '@raftkv/wire';

export interface MeshLimits {
  /** Bytes of one frame of messages, joined. A larger one is not sent; announced by a peer, it closes the channel. Default 4 MiB. */
  readonly maxFrameBytes: number;
  /**
   * Larger frames travel in parts of this size, between which votes and heartbeats pass. Must fit the channel's own `maxFrameBytes`.
   * Default 256 KiB. A channel with a bulk pipe (WebRTC) lets heartbeats pass whatever this is.
   */
  readonly maxPartBytes: number;
  /**
   * Bytes of entries, snapshots and proposals that wait for one peer. Above it they are dropped, `onUnreachable` is told, and nothing more of
   * the kind is taken until half of it has left. Default 16 MiB: twice what the core keeps in flight to a follower, and twice what a follower forwards before it refuses more.
   */
  readonly maxQueuedBytes: number;
  /** Bytes of everything else that a full channel still takes until it drains; above it that is dropped too. Default 1 MiB. */
  readonly controlReserveBytes: number;
  /** From the open channel to the last word of the handshake, with the durable admission in between. Default 3 s, then `timeout`. */
  readonly handshakeMilliseconds: number;
  /** Incoming channels whose handshake is not done. One more is closed with `busy`. Default 64. */
  readonly maxPendingHandshakes: number;
  /** A channel that was silent for one interval is pinged. Default 500 ms. */
  readonly heartbeatMilliseconds: number;
  /**
   * A channel that was silent for so many intervals is dead and closed with `timeout`. Counted in intervals that passed here, so that a process
   * that was suspended does not take its own silence for that of others. Default 6.
   */
  readonly maxSilentHeartbeats: number;
  /** First pause before dialling again; it doubles, and each is shortened by up to half at random. Default 100 ms: well below an election timeout. */
  readonly minBackoffMilliseconds: number;
  /** The same for the member of a pair that leaves dialling to the other and steps in only when nothing comes. Default 500 ms. */
  readonly minBackoffOfOtherMilliseconds: number;
  /** Longest pause. Default 2 s: a follower that returns must not be kept away. */
  readonly maxBackoffMilliseconds: number;
  /** Pause after a refusal that only a person can lift. Default 10 s. */
  readonly refusedBackoffMilliseconds: number;
  /** First pause before a relayed channel's peer is dialled directly; it doubles likewise. Default 1 s. */
  readonly minDirectBackoffMilliseconds: number;
  /** Longest one. Default 1 minute: an attempt costs both sides a connection. */
  readonly maxDirectBackoffMilliseconds: number;
}

export const defaultMeshLimits: MeshLimits = {
  maxFrameBytes: defaultLimits.maxFrameBytes,
  maxPartBytes: 256 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  controlReserveBytes: 1024 * 1024,
  handshakeMilliseconds: 3000,
  maxPendingHandshakes: 64,
  heartbeatMilliseconds: 500,
  maxSilentHeartbeats: 6,
  minBackoffMilliseconds: 100,
  minBackoffOfOtherMilliseconds: 500,
  maxBackoffMilliseconds: 2000,
  refusedBackoffMilliseconds: 10_000,
  minDirectBackoffMilliseconds: 1000,
  maxDirectBackoffMilliseconds: 60_000,
};
