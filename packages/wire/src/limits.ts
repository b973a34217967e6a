// Every size limit of keys, values, requests and frames, with the reason for its default. A limit is checked where bytes
// are made (so that the caller hears of it) and again where they are decoded (since nobody can be trusted to have checked).

export interface Limits {
  /** Bytes of a key. At the limit: `key_too_large`. */
  readonly maxKeyBytes: number;
  /** Bytes of a value. At the limit: `value_too_large`. */
  readonly maxValueBytes: number;
  /** Operations in a batch or a transaction (all branches and nesting counted). At the limit: `batch_too_large`. */
  readonly maxOps: number;
  /** Bytes of one encoded command. At the limit: `request_too_large`. */
  readonly maxCommandBytes: number;
  /** Bytes of one frame between client and server, or between peers after joining its parts. At the limit: `frame_too_large`, and the connection is closed. */
  readonly maxFrameBytes: number;
}

/** A tab on a phone must hold a frame twice (compressed and not) without notice; etcd's 1.5 MiB request fits. */
export const defaultLimits: Limits = {
  maxKeyBytes: 4 * 1024,
  maxValueBytes: 1024 * 1024,
  maxOps: 1024,
  maxCommandBytes: 1536 * 1024,
  maxFrameBytes: 4 * 1024 * 1024,
};

/**
 * The bounds of the format itself. A committed entry is decoded with these, never with a member's own settings: two members that
 * disagreed on whether a command is too large would diverge.
 */
export const formatLimits: Limits = {
  maxKeyBytes: 64 * 1024,
  maxValueBytes: 64 * 1024 * 1024,
  maxOps: 1024 * 1024,
  maxCommandBytes: 64 * 1024 * 1024,
  maxFrameBytes: 64 * 1024 * 1024,
};

/** These, or the format's own where they are wider: nobody may let in what the others would then refuse to apply. */
export function withinFormat(limits: Limits): Limits {
  if (limits === defaultLimits || limits === formatLimits) return limits;
  return {
    maxKeyBytes: Math.min(limits.maxKeyBytes, formatLimits.maxKeyBytes),
    maxValueBytes: Math.min(limits.maxValueBytes, formatLimits.maxValueBytes),
    maxOps: Math.min(limits.maxOps, formatLimits.maxOps),
    maxCommandBytes: Math.min(limits.maxCommandBytes, formatLimits.maxCommandBytes),
    maxFrameBytes: Math.min(limits.maxFrameBytes, formatLimits.maxFrameBytes),
  };
}
