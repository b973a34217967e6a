// The contract of a Channel: one ordered, framed, two-way byte pipe with backpressure and a reason for its end.
// Over WebSocket, WebRTC, BroadcastChannel, and in memory. A channel knows nothing of what its frames mean.
import type { RaftkvError } from '@raftkv/wire';

/** None of these is ever called from inside `start`, `send` or `close`, so a caller need not fear its own shadow. */
export interface ChannelHandlers {
  /** A whole frame, in order. Not called after onClose or a local `close`, and not before `start`. The bytes belong to the receiver. */
  readonly onFrame: (frame: Uint8Array) => void;
  /**
   * Once, whoever ended it, after the last frame. `error` undefined: closed in order. A local `close(error)` gives that error back; what the
   * other side gave to `close` arrives with its code where the pipe can carry it; a pipe that broke is `connection_lost`.
   */
  readonly onClose: (error: RaftkvError | undefined) => void;
  /** `bufferedBytes` fell to the low-water mark after `send` returned false. */
  readonly onDrain?: () => void;
}

/** What carries a channel. */
export type ChannelKind = 'websocket' | 'webrtc' | 'broadcast' | 'memory';

export interface Channel {
  /** Frames are held back until this is called, once. */
  start(handlers: ChannelHandlers): void;
  /**
   * Queues one frame (at most `maxFrameBytes`, else throws `frame_too_large`). False: the high-water mark is passed, hold on until `onDrain`.
   * Passing the hard limit (`maxBufferedBytes`) closes the channel with `busy`. After the end it does nothing and answers false.
   * The bytes are not copied: they must not change afterwards.
   */
  send(frame: Uint8Array): boolean;
  /** Sent, but not yet handed to the system (or, in memory, to the other side). 0 after the end. */
  readonly bufferedBytes: number;
  readonly maxFrameBytes: number;
  readonly isOpen: boolean;
  /** Something to show: "127.0.0.1:8081", "memory". */
  readonly remote: string;
  /**
   * A second pipe between the same two, where they have one: for what is large, so that frames here never wait behind it. Frames of the two are not
   * ordered with each other. Started apart; ends with this one, and what is under way on it then may be lost.
   */
  readonly bulk?: Channel;
  /** What carries it, where it says so. */
  readonly kind?: ChannelKind;
  /** Whether bytes go straight to the other side or through a third one, where that can differ. */
  readonly path?: 'direct' | 'relayed';
  /** Ends it; queued frames are sent first where possible. Idempotent. */
  close(error?: RaftkvError): void;
}
