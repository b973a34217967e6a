// Connects two pages that share no server at all: one makes a code, a person carries it to the other, which makes a code in answer, and that is
// carried back. Everything is in the two codes, so nothing can be told later: a way that is lost is not sought again.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { decodeCode, encodeCode } from './invitation-code.ts';
import { newConnection } from './new-connection.ts';
import type { IceServer, PeerConnection, PeerConnectionConstructor } from './peer-connection.ts';
import { PeerSession } from './peer-session.ts';
import { defaultWebRtcLimits } from './webrtc-limits.ts';

export interface InvitationOptions {
  /** STUN and TURN servers. Default none: enough within one local network. */
  readonly iceServers?: readonly IceServer[];
  readonly RTCPeerConnection?: PeerConnectionConstructor;
  readonly channel?: Partial<ChannelLimits>;
  /** From the code to the open channel, with people in between. Default 10 minutes, then `timeout`. */
  readonly connectMilliseconds?: number;
  /** How long addresses are looked for; the code has those that were found. Default 3 s. */
  readonly gatherMilliseconds?: number;
  /** Something to show. Default "an invited page" and "the page that invited". */
  readonly remote?: string;
  readonly clock?: TransportClock;
}

export interface Invitation {
  /** For the other page: some 600 characters, fit for a link. Of use once. */
  readonly code: string;
  /**
   * Takes the code that came back. Resolves with the open channel; rejects with `bad_frame` (it is no answer; another one may be tried), `invalid_argument`
   * (the answer to another invitation), `connect_failed` or `timeout`.
   */
  accept(answerCode: string): Promise<Channel>;
  /** No longer wanted. */
  close(): void;
}

export interface AnsweredInvitation {
  /** To be carried back. */
  readonly code: string;
  /** Open once the code was taken there. Rejects with `connect_failed`, `timeout`, or `closed`. */
  readonly channel: Promise<Channel>;
  close(): void;
}

const defaultConnectMilliseconds = 10 * 60_000;
const defaultGatherMilliseconds = 3000;

/**
 * @example
 * ```ts
 * const invitation = await invite();
 * show(invitation.code);
 * const channel = await invitation.accept(await askForAnswer());
 * ```
 */
export async function invite(options: InvitationOptions = {}): Promise<Invitation> {
  const name = crypto.randomUUID();
  const { session, connection } = open(options, 'an invited page', false);
  await session.offer();
  const code = await describe(connection, session, 'offer', name, options);
  return {
    code,
    accept: async (answerCode) => {
      const answer = decodeCode(answerCode, 'answer');
      if (answer.session !== name) {
        throw new RaftkvError('invalid_argument', 'the code answers another invitation');
      }
      await session.receive({ type: 'answer', sdp: answer.sdp });
      return session.opened;
    },
    close: () => session.close(),
  };
}

/** Rejects with `bad_frame` or `unsupported_version` for a code that cannot be used, `connect_failed` for one whose content makes no sense. */
export async function answerInvitation(code: string, options: InvitationOptions = {}): Promise<AnsweredInvitation> {
  const offer = decodeCode(code, 'offer');
  const { session, connection } = open(options, 'the page that invited', true);
  await session.receive({ type: 'offer', sdp: offer.sdp });
  const answer = await describe(connection, session, 'answer', offer.session, options);
  return { code: answer, channel: session.opened, close: () => session.close() };
}

function open(
  options: InvitationOptions,
  remote: string,
  isPolite: boolean,
): { readonly session: PeerSession; readonly connection: PeerConnection } {
  const { iceServers, connectMilliseconds = defaultConnectMilliseconds, channel = {} } = options;
  const connection = newConnection(
    options.RTCPeerConnection,
    iceServers === undefined ? {} : { iceServers: [...iceServers] },
  );
  const session = new PeerSession({
    connection,
    purpose: 'peer',
    isPolite,
    trickles: false,
    send: () => undefined,
    remote: options.remote ?? remote,
    clock: options.clock ?? systemClock,
    limits: { ...defaultWebRtcLimits, connectMilliseconds },
    channel,
    onEnded: () => undefined,
  });
  return { session, connection };
}

/** The code, when all addresses are found or enough time has passed. */
async function describe(
  connection: PeerConnection,
  session: PeerSession,
  type: 'offer' | 'answer',
  name: string,
  { clock = systemClock, gatherMilliseconds = defaultGatherMilliseconds }: InvitationOptions,
): Promise<string> {
  await new Promise<void>((resolve) => {
    const cancel = clock.schedule(resolve, gatherMilliseconds);
    const finish = (): void => {
      cancel();
      resolve();
    };
    const look = (): void => void (connection.iceGatheringState === 'complete' && finish());
    connection.addEventListener('icegatheringstatechange', look);
    look();
    session.opened.catch(finish);
  });
  const sdp = connection.localDescription?.sdp;
  // Failed: that says why.
  if (sdp === undefined || connection.localDescription?.type !== type) await session.opened;
  return encodeCode({ type, session: name, sdp: sdp ?? '' });
}
