// Makes an RTCPeerConnection, with the runtime's own constructor or a given one. Called by whatever begins a session.
import { RaftkvError } from '@raftkv/wire';
import type { PeerConnection, PeerConnectionConfiguration, PeerConnectionConstructor } from './peer-connection.ts';

/** Throws `unsupported` where there is no WebRTC, `invalid_argument` for servers that make no sense. */
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
    throw RaftkvError.from(error, 'invalid_argument');
  }
}
