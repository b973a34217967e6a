// What a channel between two members, or a member and a client, is for. Said by whoever dials and agreed to by the other side, so that one door serves both:
// which handler a channel goes to is decided before a byte of it is read. Used by `openWebRtc`, its relay, and `openBroadcastDoor`.
import { RaftkvError } from '@raftkv/wire';

/** Values of the protocol: never change or reuse one. */
export const purposes = ['peer', 'client', 'room', 'feed'] as const;

/**
 * `peer`: between members of a cluster, for the mesh. `client`: somebody asks a member, as over its client port. `room`: tabs of a room tell each other what they are. `feed`: one
 * copy is fed by another. */
export type ChannelPurpose = (typeof purposes)[number];

export interface DialOptions {
  /** Gives up with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Default `peer`. */
  readonly purpose?: ChannelPurpose;
}

/** Of what came in. Nothing said means `peer`, as older builds do. Throws `unsupported` for a purpose of another build. */
export function parsePurpose(text: string | undefined): ChannelPurpose {
  const purpose = purposes.find((known) => known === (text || 'peer'));
  if (purpose === undefined) throw new RaftkvError('unsupported', 'a channel for a purpose that is not known here');
  return purpose;
}

/** The other side agreed to another purpose, or is of a build that knows none. */
export function checkAgreed(text: string | undefined, purpose: ChannelPurpose, peerId: string): void {
  if ((text || 'peer') !== purpose) throw new RaftkvError('unsupported', `${peerId} takes no channel of a ${purpose}`);
}
