// The limits and intervals of connections over WebRTC, with their defaults and what happens at each.

export interface WebRtcLimits {
  /** From the first word of an attempt to open data channels. Default 10 s, then `timeout`. */
  readonly connectMilliseconds: number;
  /** From an offer to the first word of the other side, within the above. Default 5 s, then `timeout`: it is not there, or frozen. */
  readonly answerMilliseconds: number;
  /** How long a way may be gone before new candidates are asked for (a restart of ICE). Default 2 s; at once when the browser has given it up. */
  readonly restartMilliseconds: number;
  /** How long a way may be gone before the channel ends with `connection_lost`. Default 15 s. */
  readonly giveUpMilliseconds: number;
  /** Sessions at a time, of both sides. One more is refused with `busy`. Default 64: a browser allows some hundred connections. */
  readonly maxSessions: number;
  /** Of these, the ones that others opened as clients. One more of them is refused with `busy`, so that members find room. Default 48. */
  readonly maxClientSessions: number;
  /** Sessions and links through a relay that one other member may have here at a time, as the one that dialled. One more is refused with `busy`. Default 16. */
  readonly maxSessionsOfOne: number;
  /** How long the direct way has for itself before the one through the relay is tried beside it, where there is one. Default 1 s. */
  readonly relayAfterMilliseconds: number;
  /** Signals of one session that wait to be worked through; what comes above is dropped. Default 256. */
  readonly maxWaitingSignals: number;
}

export const defaultWebRtcLimits: WebRtcLimits = {
  connectMilliseconds: 10_000,
  answerMilliseconds: 5000,
  restartMilliseconds: 2000,
  giveUpMilliseconds: 15_000,
  maxSessions: 64,
  maxClientSessions: 48,
  maxSessionsOfOne: 16,
  relayAfterMilliseconds: 1000,
  maxWaitingSignals: 256,
};
