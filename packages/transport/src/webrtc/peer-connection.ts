// The part of an RTCPeerConnection that this package uses, as an interface: that of a browser fits it, and so do packages for Node.
import type { DataPort } from './data-port.ts';

/** A STUN or TURN server. */
export interface IceServer {
  readonly urls: string | string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface PeerConnectionConfiguration {
  readonly iceServers?: IceServer[];
  /** `relay`: through TURN servers alone. */
  readonly iceTransportPolicy?: 'all' | 'relay';
}

export interface SessionDescription {
  readonly type: 'offer' | 'answer' | 'pranswer' | 'rollback';
  readonly sdp?: string;
}

export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

export interface PeerConnection {
  readonly signalingState: string;
  readonly connectionState: string;
  readonly iceGatheringState: string;
  readonly localDescription: SessionDescription | null;
  createDataChannel(label: string, init: { negotiated: boolean; id: number; protocol: string }): DataPort;
  createOffer(options?: { iceRestart?: boolean }): Promise<SessionDescription>;
  createAnswer(): Promise<SessionDescription>;
  setLocalDescription(description: SessionDescription): Promise<void>;
  setRemoteDescription(description: SessionDescription): Promise<void>;
  addIceCandidate(candidate: IceCandidate): Promise<void>;
  close(): void;
  addEventListener(type: 'connectionstatechange' | 'icegatheringstatechange', listener: () => void): void;
  addEventListener(type: 'icecandidate', listener: (event: { readonly candidate: IceCandidate | null }) => void): void;
}

export type PeerConnectionConstructor = new (configuration: PeerConnectionConfiguration) => PeerConnection;
