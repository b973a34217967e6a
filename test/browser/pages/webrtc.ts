// The page of the WebRTC suites: a member of a mesh whose peers are other tabs, or Node. Signals go through a BroadcastChannel, through whoever runs the
// test, or in codes that the test carries.
import type { HeartbeatRequest, InstallSnapshotRequest, Message } from '@raftkv/raft';
import { openMesh } from '@raftkv/transport';
import type { Channel, Mesh } from '@raftkv/transport';
import { answerInvitation, broadcastSignalling, invite, openWebRtc } from '@raftkv/transport/webrtc';
import type { AnsweredInvitation, Invitation, Signalling, WebRtc } from '@raftkv/transport/webrtc';

let webRtc: WebRtc | undefined;
let mesh: Mesh | undefined;
let invitation: Invitation | undefined;
let answered: AnsweredInvitation | undefined;
let selfId = '';
const received: Message[] = [];
const heardBytes: number[] = [];
const listeners = new Set<(signal: unknown) => void>();

const throughTest: Signalling = {
  send: (signal) => void globalThis.carrySignal?.(signal),
  listen: (onSignal) => {
    listeners.add(onSignal);
    return () => listeners.delete(onSignal);
  },
};

function listenOn(channel: Channel): void {
  channel.start({ onFrame: (frame) => heardBytes.push(...frame), onClose: () => undefined });
}

const webRtcLab = {
  /** A member of a mesh with these peers, over tabs of the origin or over what the test carries. */
  open: (id: string, peerIds: readonly string[], signalling: 'tabs' | 'test'): void => {
    selfId = id;
    webRtc = openWebRtc({
      selfId,
      signalling: signalling === 'tabs' ? broadcastSignalling(new BroadcastChannel('signals')) : throughTest,
      onChannel: (channel) => mesh?.accept(channel),
    });
    mesh = openMesh({
      self: { memberId: id, memberName: id, clusterId: 'cluster', storeId: `store-${id}` },
      // One of a pair dials, so that there is never a second channel, whose coming could lose a message that a test waits for.
      peers: peerIds.map((peerId) => ({ id: peerId, name: peerId, address: peerId, dials: id < peerId })),
      dial: (peerId, signal) => webRtc!.dial(peerId, { signal }),
      admit: async () => undefined,
    });
    mesh.start({ onMessage: (message) => received.push(message), onUnreachable: () => undefined });
  },
  status: () => mesh!.status().map(({ id, isConnected, path }) => ({ id, isConnected, path })),
  sessions: () => webRtc!.sessions,
  removePeer: (id: string): void => {
    mesh!.removePeer(id);
    webRtc!.drop(id);
  },
  /** A snapshot of so many bytes and, behind it, a heartbeat. */
  send: (to: string, snapshotBytes: number): void => {
    const snapshot: InstallSnapshotRequest = {
      type: 'installSnapshotRequest',
      from: selfId,
      to,
      term: 1,
      meta: {
        lastIncludedIndex: 9,
        lastIncludedTerm: 1,
        configuration: { voters: [selfId, to].sort(), votersOutgoing: [], learners: [] },
      },
      offset: 0,
      data: new Uint8Array(snapshotBytes).fill(3),
      done: true,
    };
    const heartbeat: HeartbeatRequest = {
      type: 'heartbeatRequest',
      from: selfId,
      to,
      term: 1,
      commitIndex: 0,
      readToken: 7,
    };
    mesh!.send([...(snapshotBytes === 0 ? [] : [snapshot]), heartbeat]);
  },
  received: (): string[] => received.map((message) => `${message.type} from ${message.from}`),
  hear: (signal: unknown): void => {
    for (const listener of listeners) listener(signal);
  },
  invite: async (): Promise<string> => {
    invitation = await invite();
    return invitation.code;
  },
  answer: async (code: string): Promise<string> => {
    answered = await answerInvitation(code);
    return answered.code;
  },
  /** Each side says a byte on the channel that the codes made. */
  accept: async (code: string, byte: number): Promise<void> => {
    const channel = await invitation!.accept(code);
    listenOn(channel);
    channel.send(Uint8Array.of(byte));
  },
  greet: async (byte: number): Promise<void> => {
    const channel = await answered!.channel;
    listenOn(channel);
    channel.send(Uint8Array.of(byte));
  },
  heardBytes: () => heardBytes,
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var webRtcLab: WebRtcLab;
  var carrySignal: ((signal: unknown) => unknown) | undefined;
}
export type WebRtcLab = typeof webRtcLab;

globalThis.webRtcLab = webRtcLab;
