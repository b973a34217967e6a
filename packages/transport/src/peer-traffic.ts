// What travelled between this member and one peer since the start, over all the channels that the two had. Counted where frames and messages
// pass anyway: `lanes.ts` and `peer-link.ts`. Read by status pages and metrics.

export interface PeerTraffic {
  /** Messages of the core. */
  sentMessages: number;
  receivedMessages: number;
  /** Bytes of frames given to the channel and taken from it, pings included, handshakes not. */
  sentBytes: number;
  receivedBytes: number;
}

export function noTraffic(): PeerTraffic {
  return { sentMessages: 0, receivedMessages: 0, sentBytes: 0, receivedBytes: 0 };
}
