// The contract of a Channel: one ordered, framed, two-way byte pipe with backpressure and a reason for its end.
// Over WebSocket, in memory, later over WebRTC, BroadcastChannel and MessagePort. A channel knows nothing of what its frames mean.
import type { RaftkvError } from '@raftkv/wire';

export interface ChannelHandlers {
  /** A whole frame, in order. Not called after onClose, and not before `start`. The bytes belong to the receiver. */
  readonly onFrame: (frame: Uint8Array) => void;
  /** Once, whoever ended it. `error` undefined: closed in order. */
  readonly onClose: (error: RaftkvError | undefined) => void;
  /** `bufferedBytes` fell below the low-water mark after `send` returned false. */
  readonly onDrain?: () => void;
}

export interface Channel {
  /** Frames are held back until this is called, once. */
  start(handlers: ChannelHandlers): void;
  /**
   * Queues one frame (at most `maxFrameBytes`, else throws `frame_too_large`). False: the high-water mark is passed, hold on until `onDrain`.
   * Passing the hard limit (`maxBufferedBytes`) closes the channel with `busy`. After the end it does nothing and answers false.
   */
  send(frame: Uint8Array): boolean;
  readonly bufferedBytes: number;
  readonly maxFrameBytes: number;
  readonly isOpen: boolean;
  /** Something to show: "127.0.0.1:8081", "memory". */
  readonly remote: string;
  /** Ends it; queued frames are sent first where possible. Idempotent. */
  close(error?: RaftkvError): void;
}
