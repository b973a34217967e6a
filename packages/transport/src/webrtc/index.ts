// The front door of transport over WebRTC, for tabs and, with an implementation of RTCPeerConnection, for Node.
export { webRtcChannel } from './webrtc-channel.ts';

export type { DataPort } from './data-port.ts';
export type { DataPorts, WebRtcChannel, WebRtcChannelOptions } from './webrtc-channel.ts';
