// Perfect negotiation over one RTCPeerConnection: either side may offer at any time (the first offer, a restart of ICE), and when both do, the
// polite one takes its offer back. Signals are handled one after the other. When to offer, and what a connection is for, is for `peer-session.ts`.
import { RaftkvError } from '@raftkv/wire';
import { fingerprintsIn } from './certificates.ts';
import type { IceCandidate, PeerConnection } from './peer-connection.ts';
import type { SignalBody } from './signal.ts';

/** Candidates that wait for the description that they belong to; more are dropped. */
const maxEarlyCandidates = 64;

export interface NegotiationOptions {
  readonly connection: PeerConnection;
  /** Exactly one of the two sides is. */
  readonly isPolite: boolean;
  /** False: no candidates are sent, they are in the description. */
  readonly trickles: boolean;
  readonly send: (body: SignalBody) => void;
  /** A description made no sense to the connection. */
  readonly onFailed: (error: RaftkvError) => void;
}

export class Negotiation {
  readonly #options: NegotiationOptions;
  #earlyCandidates: IceCandidate[] = [];
  #hasRemote = false;
  #remoteSdp: string | undefined;
  /** The end of the work so far; all of it is done in turn. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: NegotiationOptions) {
    this.#options = options;
    if (!options.trickles) return;
    options.connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null || candidate.candidate === '') return;
      const { sdpMid = null, sdpMLineIndex = null } = candidate;
      options.send({ type: 'candidate', candidate: candidate.candidate, mid: sdpMid, line: sdpMLineIndex });
    });
  }

  /** What the other side last said of itself. */
  get remoteSdp(): string | undefined {
    return this.#remoteSdp;
  }

  /** Does nothing while an offer of either side is under way. */
  offer(iceRestart: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { connection } = this.#options;
      if (connection.signalingState !== 'stable') return;
      await connection.setLocalDescription(await connection.createOffer({ iceRestart }));
      this.#sendLocal();
    });
  }

  /** A description of the other side; answers an offer. Also when both offered. */
  describe(type: 'offer' | 'answer', sdp: string): Promise<void> {
    return this.#inTurn(async () => {
      const { connection, isPolite } = this.#options;
      if (type === 'answer' && connection.signalingState !== 'have-local-offer') return;
      if (this.#remoteSdp !== undefined && fingerprintsIn(sdp) !== fingerprintsIn(this.#remoteSdp)) {
        throw new RaftkvError('wrong_member', 'the other side of a connection does not become another one');
      }
      if (type === 'offer' && connection.signalingState !== 'stable') {
        if (!isPolite) return;
        await connection.setLocalDescription({ type: 'rollback' });
      }
      // Before: the channel may be open before a browser says that it has taken it.
      this.#remoteSdp = sdp;
      await connection.setRemoteDescription({ type, sdp });
      this.#hasRemote = true;
      for (const candidate of this.#earlyCandidates.splice(0)) await this.#add(candidate);
      if (type === 'answer') return;
      await connection.setLocalDescription(await connection.createAnswer());
      this.#sendLocal();
    });
  }

  addCandidate(candidate: IceCandidate): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#hasRemote) await this.#add(candidate);
      else if (this.#earlyCandidates.length < maxEarlyCandidates) this.#earlyCandidates.push(candidate);
    });
  }

  /** Of an offer that was not taken, of one before a restart, or nonsense: the others may do. */
  async #add(candidate: IceCandidate): Promise<void> {
    await this.#options.connection.addIceCandidate(candidate).catch(() => undefined);
  }

  #sendLocal(): void {
    const { connection, send, trickles } = this.#options;
    const { type, sdp } = connection.localDescription ?? {};
    if (trickles && (type === 'offer' || type === 'answer') && sdp !== undefined) send({ type, sdp });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      const { connection, onFailed } = this.#options;
      // Closed in the middle of something: nobody waits for it.
      if (connection.signalingState !== 'closed') onFailed(RaftkvError.from(error, 'connect_failed'));
    });
    return this.#work;
  }
}
