// The limits of the HTTP side, with their reasons, and what happens at each.

export interface HttpLimits {
  /** Bytes of a request's body. Above it: 400, `request is too large`. etcd's own 1.5 MiB request fits in base64. */
  readonly maxBodyBytes: number;
  /** Requests to the gateway at work at once, watches apart. One more: 503, `too many requests`. */
  readonly maxConcurrentRequests: number;
  /** Open `/v3/watch` streams. One more: 503, `too many requests`. */
  readonly maxWatchStreams: number;
  /** Open connections, upgraded ones included. One more is closed at once. */
  readonly maxConnections: number;
  /** Units of one message in a watch's request stream. A longer one ends the stream. */
  readonly maxWatchMessageLength: number;
  /** How long a client may take to send its headers. Then 408. */
  readonly headersTimeoutMilliseconds: number;
  /** How long a client may take to send its body. Then 408. */
  readonly bodyTimeoutMilliseconds: number;
  /** How long an idle connection is kept for the next request; longer than the minute that proxies keep theirs. */
  readonly keepAliveTimeoutMilliseconds: number;
  /** How long a connection may stand still while an answer is due or on its way, watches apart. Then it is cut. */
  readonly stalledTimeoutMilliseconds: number;
  /** Length of the larger answers on their way. Beyond it reads are refused: 503, `too many requests`. */
  readonly maxUnsentBytes: number;
  /** How long `close` waits for requests at work before it cuts them. */
  readonly closeTimeoutMilliseconds: number;
}

export const defaultHttpLimits: HttpLimits = {
  maxBodyBytes: 2 * 1024 * 1024,
  maxConcurrentRequests: 1024,
  maxWatchStreams: 1024,
  maxConnections: 10_000,
  maxWatchMessageLength: 64 * 1024,
  headersTimeoutMilliseconds: 10_000,
  bodyTimeoutMilliseconds: 30_000,
  keepAliveTimeoutMilliseconds: 65_000,
  stalledTimeoutMilliseconds: 60_000,
  maxUnsentBytes: 256 * 1024 * 1024,
  closeTimeoutMilliseconds: 3_000,
};
