// What travels between members, out of the counters that each shows at `/metrics`. Pure: texts and counts in, rates out.

/** Counted since the member's start. */
export interface PeerCount {
  readonly messages: number;
  readonly bytes: number;
}
/** By the name of the peer that it was sent to. */
export type SentCounts = ReadonlyMap<string, PeerCount>;

/** What went one way over a link since the last look. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

const line = /^raftkv_peer_sent_(messages|bytes)_total\{peer="([^"\\]+)"\} (\d+)$/gm;

export function readSentCounts(metrics: string): SentCounts {
  const counts = new Map<string, { messages: number; bytes: number }>();
  for (const [, kind, peer, value] of metrics.matchAll(line)) {
    const count = counts.get(peer!) ?? { messages: 0, bytes: 0 };
    count[kind as 'messages' | 'bytes'] = Number(value);
    counts.set(peer!, count);
  }
  return counts;
}

/** Of the members that answered both times. A counter that went back was started anew with its member: all of it is new. */
export function flowsBetween(
  before: ReadonlyMap<string, SentCounts>,
  after: ReadonlyMap<string, SentCounts>,
  seconds: number,
): Flow[] {
  const flows: Flow[] = [];
  for (const [from, counts] of after) {
    const known = before.get(from);
    if (known === undefined || seconds <= 0) continue;
    for (const [to, count] of counts) {
      const start = known.get(to) ?? { messages: 0, bytes: 0 };
      const isAnew = count.messages < start.messages || count.bytes < start.bytes;
      const [messages, bytes] = isAnew
        ? [count.messages, count.bytes]
        : [count.messages - start.messages, count.bytes - start.bytes];
      flows.push({ from, to, messagesPerSecond: messages / seconds, bytesPerSecond: bytes / seconds });
    }
  }
  return flows;
}
