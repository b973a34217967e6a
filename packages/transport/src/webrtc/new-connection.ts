// Makes an RTCPeerConnection, with the runtime's own constructor or a given one. Called by whatever begins a session.
import { RaftkvError } from '@raftkv/wire';
import type { PeerConnection, PeerConnectionConfiguration, PeerConnectionConstructor } from './peer-connection.ts';

/** What a browser says of servers that make no sense; anything else is that it has no WebRTC for this page. */
const wrongWords = ['SyntaxError', 'TypeError', 'InvalidAccessError'];

/** Throws `unsupported` where there is no WebRTC, or a policy forbids it, `invalid_argument` for servers that make no sense. */
export function newConnection(
  given: PeerConnectionConstructor | undefined,
  configuration: PeerConnectionConfiguration,
): PeerConnection {
  const runtime = globalThis as { readonly RTCPeerConnection?: PeerConnectionConstructor };
  const Constructor = given ?? runtime.RTCPeerConnection;
  if (Constructor === undefined) {
    const hint = 'pass one as `RTCPeerConnection`, for Node that of @raftkv/transport/node-webrtc';
    throw new RaftkvError('unsupported', `this runtime has no WebRTC: ${hint}`);
  }
  try {
    return new Constructor(configuration);
  } catch (error) {
    const isWrong = wrongWords.includes((error as { readonly name?: string }).name ?? '');
    throw RaftkvError.from(error, isWrong ? 'invalid_argument' : 'unsupported');
  }
}
