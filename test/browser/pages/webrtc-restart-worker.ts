// The worker of the suite about a way that is lost and found again: the channel is this worker's, the connection under it the page's, and the signals go by the page.
import { borrowPeerConnections, openWebRtc } from '@raftkv/transport/webrtc';
import type { LoanPort, WebRtc } from '@raftkv/transport/webrtc';
import type { Channel } from '@raftkv/transport';

/** To this worker. */
export type ToRestartWorker =
  | { readonly type: 'open'; readonly selfId: string; readonly connections: LoanPort }
  | { readonly type: 'dial'; readonly peerId: string }
  | { readonly type: 'hear'; readonly signal: unknown }
  | { readonly type: 'say'; readonly byte: number };

/** From it. */
export type FromRestartWorker =
  | { readonly type: 'signal'; readonly signal: unknown }
  | { readonly type: 'dialled' }
  | { readonly type: 'heard'; readonly bytes: readonly number[] }
  | { readonly type: 'ended'; readonly code: string };

const listeners = new Set<(signal: unknown) => void>();
let webRtc: WebRtc | undefined;
let channel: Channel | undefined;

function tell(message: FromRestartWorker): void {
  postMessage(message);
}

function take(one: Channel): void {
  channel = one;
  one.start({
    onFrame: (frame) => tell({ type: 'heard', bytes: [...frame] }),
    onClose: (error) => tell({ type: 'ended', code: error?.code ?? 'closed' }),
  });
}

addEventListener('message', ({ data }) => {
  const message = data as ToRestartWorker;
  switch (message.type) {
    case 'open':
      webRtc = openWebRtc({
        selfId: message.selfId,
        RTCPeerConnection: borrowPeerConnections(message.connections),
        signalling: {
          send: (signal) => tell({ type: 'signal', signal }),
          listen: (onSignal) => {
            listeners.add(onSignal);
            return () => listeners.delete(onSignal);
          },
        },
        onChannel: take,
        limits: { giveUpMilliseconds: 240_000 },
      });
      return;
    case 'dial':
      void webRtc!.dial(message.peerId).then((one) => {
        take(one);
        tell({ type: 'dialled' });
      });
      return;
    case 'hear':
      for (const listener of listeners) listener(message.signal);
      return;
    case 'say':
      channel!.send(Uint8Array.of(message.byte));
  }
});
