// Which certificates the two ends of a channel over WebRTC have: what each end's description says of them, and the browser has held the other end to. Whoever proves
// something over a channel binds the proof to them (RFC 5056), so that nobody between two ends can pass it on. Noted by `peer-session.ts`.
import type { Channel } from '../channel.ts';

/** Fingerprints, as text to compare: what is `own` at one end is `other` at the other end, if nobody is between them. */
export interface ChannelCertificates {
  readonly own: string;
  readonly other: string;
}

const known = new WeakMap<Channel, ChannelCertificates>();

/**
 * Of a channel that `openWebRtc`, `invite` or `answerInvitation` gave. Undefined for one that leads through a relay, whose ends have no certificates, and for any other.
 *
 * @example
 * const { own, other } = certificatesOf(await invitation.accept(answer))!;
 */
export function certificatesOf(channel: Channel): ChannelCertificates | undefined {
  return known.get(channel);
}

/** Of a channel that is open, with the descriptions that it came from. */
export function noteCertificates(channel: Channel, local: string | undefined, remote: string | undefined): void {
  const [own, other] = [fingerprintsIn(local ?? ''), fingerprintsIn(remote ?? '')];
  if (own !== '' && other !== '') known.set(channel, { own, other });
}

/** All lines that speak of any, however they are written: no end may take up one that the other does not see here. */
export function fingerprintsIn(sdp: string): string {
  const lines = sdp.split(/[\r\n]+/).filter((line) => /fingerprint/i.test(line));
  return [...new Set(lines.map((line) => line.trim().toLowerCase()))].toSorted().join('\n');
}
