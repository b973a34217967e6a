// The hard ceilings of the state machine and of its snapshot format, and the defaults of what can be set. The ceilings are far above
// what `wire` lets through: they only make sure that whatever the store holds can be written to a snapshot and read back.

/** Longest key. Above it: `invalid_argument`. */
export const maxKeyBytes = 64 * 1024;
/** Longest value. Above it: `invalid_argument`. */
export const maxValueBytes = 256 * 1024 * 1024;
/** Transactions within transactions, the outermost counted. Above it: `invalid_argument`. */
export const maxTxnDepth = 8;

export const defaultRetainedRevisions = 10_000;
/** A window of large values must not eat the memory of a tab. */
export const defaultRetainedBytes = 128 * 1024 * 1024;
export const defaultMaxSessions = 10_000;
export const defaultMaxSessionAnswers = 16_384;
export const defaultChunkBytes = 256 * 1024;
