// The page of the suite about a way that is lost and found again: one channel over WebRTC to another page, whose signals the test carries, and a look at the
// browser's connections under it.
import { openWebRtc } from '@raftkv/transport/webrtc';
import type { Signalling, WebRtc } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';

const made: RTCPeerConnection[] = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    made.push(this);
  }
};

const listeners = new Set<(signal: unknown) => void>();
const signalling: Signalling = {
  send: (signal) => void globalThis.carryOver(signal),
  listen: (onSignal) => {
    listeners.add(onSignal);
    return () => listeners.delete(onSignal);
  },
};

let webRtc: WebRtc | undefined;
let channel: Channel | undefined;
const heard: number[] = [];
const ends: string[] = [];

function take(one: Channel): void {
  channel = one;
  one.start({
    onFrame: (frame) => void heard.push(...frame),
    onClose: (error) => void ends.push(error?.code ?? 'closed'),
  });
}

const restartLab = {
  open: (selfId: string): void => {
    // As long as a busy machine may need.
    webRtc = openWebRtc({ selfId, signalling, onChannel: take, limits: { giveUpMilliseconds: 240_000 } });
  },
  dial: async (peerId: string): Promise<void> => take(await webRtc!.dial(peerId)),
  hear: (signal: unknown): void => {
    for (const listener of listeners) listener(signal);
  },
  say: (byte: number): void => void channel!.send(Uint8Array.of(byte)),
  /** By what the other side knows each connection that was made here; a restart of ICE changes it. */
  fragments: (): string[] =>
    made.map(({ localDescription }) => /a=ice-ufrag:(\S+)/.exec(localDescription?.sdp ?? '')?.[1] ?? ''),
  states: (): string[] => made.map(({ connectionState }) => connectionState),
  heard: (): number[] => heard,
  ends: (): string[] => ends,
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var restartLab: RestartLab;
  var carryOver: (signal: unknown) => unknown;
}
export type RestartLab = typeof restartLab;

globalThis.restartLab = restartLab;
