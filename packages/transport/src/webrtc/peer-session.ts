// One attempt to connect two sides, from the first word to the closed connection: opens the two data channels, restarts ICE when the way is
// lost, gives up in time, and lets go of the connection when the channel is done. Whom to connect to is for `open-webrtc.ts` and `invitation.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { TransportClock } from '../clock.ts';
import { checkAgreed } from '../purpose.ts';
import type { ChannelPurpose } from '../purpose.ts';
import { noteCertificates } from './certificates.ts';
import { Negotiation } from './negotiation.ts';
import type { PeerConnection } from './peer-connection.ts';
import type { SignalBody } from './signal.ts';
import { webRtcChannel } from './webrtc-channel.ts';
import type { WebRtcChannel, WebRtcChannelOptions } from './webrtc-channel.ts';
import type { WebRtcLimits } from './webrtc-limits.ts';

export interface PeerSessionOptions {
  readonly connection: PeerConnection;
  readonly purpose: ChannelPurpose;
  readonly isPolite: boolean;
  readonly trickles: boolean;
  readonly send: (body: SignalBody) => void;
  readonly remote: string;
  readonly clock: TransportClock;
  readonly limits: WebRtcLimits;
  readonly channel: WebRtcChannelOptions;
  /** The connection is closed. Nothing is sent from now on. */
  readonly onEnded: () => void;
}

/** Of the data channels; both sides open them with these, so neither waits for the other's news. */
const protocol = 'raftkv-pieces.v1';
/** Of each purpose its own, so that sides which disagree about it never hear each other. */
const dataChannels = {
  peer: { urgent: { label: 'raftkv', id: 0 }, bulk: { label: 'raftkv-bulk', id: 1 } },
  client: { urgent: { label: 'raftkv-client', id: 2 }, bulk: { label: 'raftkv-client-bulk', id: 3 } },
  room: { urgent: { label: 'raftkv-room', id: 4 }, bulk: { label: 'raftkv-room-bulk', id: 5 } },
  feed: { urgent: { label: 'raftkv-feed', id: 6 }, bulk: { label: 'raftkv-feed-bulk', id: 7 } },
} as const;

/** Above those of all purposes; one more each time. */
const firstFlushId = 16;
const maxFlushes = 64;

export class PeerSession {
  /** Open at both ports; rejects with `connect_failed`, `timeout`, or what the other side or `close` gave as the reason. */
  readonly opened: Promise<WebRtcChannel>;
  readonly #options: PeerSessionOptions;
  readonly #negotiation: Negotiation;
  readonly #channel: WebRtcChannel;
  #settle: { readonly resolve: (channel: WebRtcChannel) => void; readonly reject: (error: RaftkvError) => void };
  #isOpened = false;
  #isEnded = false;
  #flushes = 0;
  #cancelDeadline: () => void;
  #cancelPatience: () => void = () => undefined;
  #cancelRestart: (() => void) | undefined;
  #cancelGivingUp: (() => void) | undefined;

  constructor(options: PeerSessionOptions) {
    const { connection, clock, limits } = options;
    this.#options = options;
    this.#settle = { resolve: () => {}, reject: () => {} };
    this.opened = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever waits is told; nobody has to.
    this.opened.catch(() => undefined);
    const { remote, purpose } = options;
    this.#negotiation = new Negotiation({
      ...options,
      send: (body) => options.send(namingPurpose(body, purpose)),
      onFailed: (error) => this.#noteFailed(error),
    });
    const open = ({ label, id }: { readonly label: string; readonly id: number }) =>
      connection.createDataChannel(label, { negotiated: true, id, protocol });
    const ports = { urgent: open(dataChannels[purpose].urgent), bulk: open(dataChannels[purpose].bulk) };
    this.#channel = webRtcChannel(ports, { remote, ...options.channel, onReleased: () => this.#end() });
    const look = (): void => {
      if (ports.urgent.readyState === 'open' && ports.bulk.readyState === 'open') this.#noteOpen();
    };
    for (const port of [ports.urgent, ports.bulk]) port.addEventListener('open', look);
    connection.addEventListener('connectionstatechange', () => this.#look());
    this.#cancelDeadline = clock.schedule(
      () => this.close(new RaftkvError('timeout', `no way to ${remote} in ${limits.connectMilliseconds} ms`)),
      limits.connectMilliseconds,
    );
  }

  /** The first word, from the side that dials; `answerMilliseconds`: how long until the other side says its own. */
  offer(answerMilliseconds = Infinity): Promise<void> {
    const { clock, limits, remote } = this.#options;
    if (answerMilliseconds < limits.connectMilliseconds) {
      this.#cancelPatience = clock.schedule(
        () => this.close(new RaftkvError('timeout', `${remote} did not answer in ${answerMilliseconds} ms`)),
        answerMilliseconds,
      );
    }
    return this.#negotiation.offer(false);
  }

  /** Resolves when it is worked through. */
  async receive(body: SignalBody): Promise<void> {
    if (this.#isEnded || body.type === 'note') return;
    this.#cancelPatience();
    if (body.type === 'candidate') {
      const { candidate, mid, line } = body;
      await this.#negotiation.addCandidate({ candidate, sdpMid: mid, sdpMLineIndex: line });
    } else if (body.type !== 'bye') {
      try {
        checkAgreed(body.purpose, this.#options.purpose, this.#options.remote);
      } catch (error) {
        return this.#noteFailed(RaftkvError.from(error));
      }
      await this.#negotiation.describe(body.type, body.sdp);
    } else if (!this.#isOpened) {
      // Of an open channel its own end tells, which nobody else can say.
      this.#fail(new RaftkvError(body.code, body.message));
    }
  }

  /** In order once it is open; before, the attempt ends and the other side is told why. */
  close(error?: RaftkvError): void {
    if (this.#isEnded) return;
    if (this.#isOpened) return this.#channel.close(error);
    const { code, message } = error ?? new RaftkvError('closed', 'no longer wanted');
    this.#options.send({ type: 'bye', code, message: message.slice(0, 200) });
    this.#fail(error ?? new RaftkvError('closed', 'no longer wanted'));
  }

  /**
   * What was sent leaves the process before this answers, where the browser makes a data channel on the thread that sends and waits for it, as Chromium does: a page that is closed
   * takes with it whatever that thread has not come to, and no time that the page itself holds out lets it come to more. The channel is said to nobody, and ends with the connection.
   */
  flush(): void {
    if (!this.#isOpened || this.#isEnded || this.#flushes === maxFlushes) return;
    const id = firstFlushId + this.#flushes++;
    try {
      this.#options.connection.createDataChannel('raftkv-flush', { negotiated: true, id, protocol });
    } catch {
      // The connection is closed already: nothing of it is left to be sent.
    }
  }

  /** An open channel goes on while its way holds, whatever a later description was. */
  #noteFailed(error: RaftkvError): void {
    if (!this.#isOpened) this.close(error);
  }

  #noteOpen(): void {
    if (this.#isOpened || this.#isEnded) return;
    this.#isOpened = true;
    this.#cancelDeadline();
    noteCertificates(this.#channel, this.#options.connection.localDescription?.sdp, this.#negotiation.remoteSdp);
    this.#settle.resolve(this.#channel);
  }

  /** The way may come back by itself, or with new candidates; for a while the channel waits for it. */
  #look(): void {
    const { connection, clock, limits } = this.#options;
    const state = connection.connectionState;
    if (state === 'failed' && !this.#isOpened) {
      return this.close(new RaftkvError('connect_failed', `no way leads to ${this.#options.remote}`));
    }
    if (state === 'closed') return this.#fail(new RaftkvError('connection_lost', 'the connection was closed'));
    this.#cancelRestart?.();
    if (state === 'connected') {
      this.#cancelGivingUp?.();
      this.#cancelGivingUp = undefined;
    }
    if (!this.#isOpened || (state !== 'disconnected' && state !== 'failed')) return;
    this.#cancelGivingUp ??= clock.schedule(
      () => this.#fail(new RaftkvError('connection_lost', 'the way was lost and did not come back')),
      limits.giveUpMilliseconds,
    );
    // Nobody could be told of new candidates.
    if (!this.#options.trickles) return;
    const pause = state === 'failed' ? 0 : limits.restartMilliseconds;
    this.#cancelRestart = clock.schedule(() => void this.#negotiation.offer(true), pause);
  }

  #fail(error: RaftkvError): void {
    this.#settle.reject(error);
    // Releases the ports, and so ends this.
    this.#channel.lose(error.message);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelDeadline();
    this.#cancelPatience();
    this.#cancelRestart?.();
    this.#cancelGivingUp?.();
    this.#settle.reject(new RaftkvError('connection_lost', `the connection to ${this.#options.remote} ended`));
    this.#options.connection.close();
    this.#options.onEnded();
  }
}

/** What is said to builds that know no purposes is what they know. */
function namingPurpose(body: SignalBody, purpose: ChannelPurpose): SignalBody {
  const isDescription = body.type === 'offer' || body.type === 'answer';
  return isDescription && purpose !== 'peer' ? { ...body, purpose } : body;
}
