// The page of the suite about a way that is lost and found again: one channel over WebRTC to another page, whose signals the test carries, and a look at the
// browser's connections under it. The channel is the page's, or that of a worker, for which the page has the connections.
import { lendPeerConnections, openWebRtc } from '@raftkv/transport/webrtc';
import type { Signalling, WebRtc } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';
import type { FromRestartWorker, ToRestartWorker } from './webrtc-restart-worker.ts';

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

let worker: Worker | undefined;
let tellDialled: () => void = () => undefined;

function tell(message: ToRestartWorker, transfer: Transferable[] = []): void {
  worker!.postMessage(message, transfer);
}

function hearWorker(message: FromRestartWorker): void {
  switch (message.type) {
    case 'signal':
      return void globalThis.carryOver(message.signal);
    case 'dialled':
      return tellDialled();
    case 'heard':
      return void heard.push(...message.bytes);
    case 'ended':
      return void ends.push(message.code);
  }
}

function openOffThread(selfId: string): void {
  worker = new Worker(new URL('webrtc-restart-worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }) => hearWorker(data as FromRestartWorker));
  const { port1, port2 } = new MessageChannel();
  lendPeerConnections(port1);
  tell({ type: 'open', selfId, connections: port2 }, [port2]);
}

const restartLab = {
  open: (selfId: string, isOffThread: boolean): void => {
    if (isOffThread) return openOffThread(selfId);
    // As long as a busy machine may need.
    webRtc = openWebRtc({ selfId, signalling, onChannel: take, limits: { giveUpMilliseconds: 240_000 } });
  },
  dial: async (peerId: string): Promise<void> => {
    if (worker === undefined) return take(await webRtc!.dial(peerId));
    const dialled = new Promise<void>((resolve) => (tellDialled = resolve));
    tell({ type: 'dial', peerId });
    return dialled;
  },
  hear: (signal: unknown): void => {
    if (worker !== undefined) return tell({ type: 'hear', signal });
    for (const listener of listeners) listener(signal);
  },
  say: (byte: number): void => {
    if (worker === undefined) channel!.send(Uint8Array.of(byte));
    else tell({ type: 'say', byte });
  },
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
