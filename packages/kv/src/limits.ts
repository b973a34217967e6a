// The hard ceilings of the state machine and of its snapshot format, which nobody can set. They are far above
// what `wire` lets through: they only make sure that whatever the store holds can be written to a snapshot and read back.

/** Longest key. Above it: `invalid_argument`. */
export const maxKeyBytes = 64 * 1024;
/** Longest value. Above it: `invalid_argument`. */
export const maxValueBytes = 256 * 1024 * 1024;
/** Transactions within transactions, the outermost counted. Above it: `invalid_argument`. */
export const maxTxnDepth = 8;

/** Size of a snapshot's chunks. */
export const defaultChunkBytes = 256 * 1024;
