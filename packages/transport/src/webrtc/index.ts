// The front door of transport over WebRTC, for tabs and, with an implementation of RTCPeerConnection, for Node.
export { borrowPeerConnections } from './borrow-connections.ts';
export { broadcastSignalling } from './broadcast-signalling.ts';
export { certificatesOf } from './certificates.ts';
export { answerInvitation, invite } from './invitation.ts';
export { lendPeerConnections } from './lend-connections.ts';
export { openWebRtc } from './open-webrtc.ts';
export { relaySignalling } from './relay-signalling.ts';
export { severalRelays } from './several-relays.ts';
export { openSignalRelay } from './signal-relay.ts';
export { parseSignal } from './signal.ts';
export { webRtcChannel } from './webrtc-channel.ts';
export { defaultWebRtcLimits } from './webrtc-limits.ts';

export type { ChannelPurpose, DialOptions } from '../purpose.ts';
export type { SignalPort } from './broadcast-signalling.ts';
export type { ChannelCertificates } from './certificates.ts';
export type { DataPort } from './data-port.ts';
export type { AnsweredInvitation, Invitation, InvitationOptions } from './invitation.ts';
export type { LendOptions, Loan } from './lend-connections.ts';
export type { LoanPort } from './lent-message.ts';
export type { WebRtc, WebRtcOptions } from './open-webrtc.ts';
export type {
  IceCandidate,
  IceServer,
  PeerConnection,
  PeerConnectionConfiguration,
  PeerConnectionConstructor,
  SessionDescription,
} from './peer-connection.ts';
export type { RelaySignalling, RelaySignallingOptions } from './relay-signalling.ts';
export type { RelayedLink, RelayedLinks } from './relayed-links.ts';
export type { SeveralRelaysOptions } from './several-relays.ts';
export type { SignalRelay, SignalRelayLimits, SignalRelayOptions } from './signal-relay.ts';
export type { Signal, SignalBody, Signalling } from './signal.ts';
export type { DataPorts, WebRtcChannel, WebRtcChannelOptions } from './webrtc-channel.ts';
export type { WebRtcLimits } from './webrtc-limits.ts';
