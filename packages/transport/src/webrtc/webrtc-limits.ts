// The limits and intervals of connections over WebRTC, with their defaults and what happens at each.

export interface WebRtcLimits {
  /** From the first word of an attempt to open data channels. Default 10 s, then `timeout`. */
  readonly connectMilliseconds: number;
  /** How long a way may be gone before new candidates are asked for (a restart of ICE). Default 2 s; at once when the browser has given it up. */
  readonly restartMilliseconds: number;
  /** How long a way may be gone before the channel ends with `connection_lost`. Default 15 s. */
  readonly giveUpMilliseconds: number;
  /** Sessions at a time, of both sides. One more is refused with `busy`. Default 64: a browser allows some hundred connections. */
  readonly maxSessions: number;
  /** How long the direct way has for itself before the one through the relay is tried beside it, where there is one. Default 1 s. */
  readonly relayAfterMilliseconds: number;
  /** Signals of one session that wait to be worked through; what comes above is dropped. Default 256. */
  readonly maxWaitingSignals: number;
}

export const defaultWebRtcLimits: WebRtcLimits = {
  connectMilliseconds: 10_000,
  restartMilliseconds: 2000,
  giveUpMilliseconds: 15_000,
  maxSessions: 64,
  relayAfterMilliseconds: 1000,
  maxWaitingSignals: 256,
};
