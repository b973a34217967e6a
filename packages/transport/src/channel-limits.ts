// The limits that every channel honours, with their defaults and what happens at each. Each channel takes them as options.
import { defaultLimits } from '@raftkv/wire';

export interface ChannelLimits {
  /** Bytes of one frame, either way. Sending a larger one throws `frame_too_large`; receiving one closes the channel with it. Default 4 MiB. */
  readonly maxFrameBytes: number;
  /** Buffered bytes from which on `send` answers false. Default 512 KiB: enough to keep a fast link busy between two drains. */
  readonly highWaterBytes: number;
  /** Buffered bytes at or below which a full channel drains. Default 128 KiB. */
  readonly lowWaterBytes: number;
  /**
   * Hard limit. To have more than this buffered closes the channel with `busy`, and so does receiving more than this before `start`.
   * Default 16 MiB.
   */
  readonly maxBufferedBytes: number;
}

export const defaultChannelLimits: ChannelLimits = {
  maxFrameBytes: defaultLimits.maxFrameBytes,
  highWaterBytes: 512 * 1024,
  lowWaterBytes: 128 * 1024,
  maxBufferedBytes: 16 * 1024 * 1024,
};
