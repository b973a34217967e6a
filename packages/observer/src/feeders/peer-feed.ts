// What comes from another tab that feeds this one, in order and for the asking: the meeting (both show the secret), then pieces, held within a window, and
// the faults by which a feeder is left. Nothing is believed here; `vetting.ts` compares.
import type { KeyRange } from '@raftkv/kv';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { FeederClock } from './feeder-clock.ts';
import { decodeFeederMessage, encodeFedMessage, pieceBytes } from './peer-talk.ts';
import type { FedMessage, FeederMessage, Piece } from './peer-talk.ts';
import { drawNonce, isSame, proofOf } from './secret.ts';

export interface PeerFeedOptions {
  readonly selfId: string;
  readonly feederId: string;
  readonly clusterId: string;
  readonly secret: string;
  readonly clock: FeederClock;
  /** The meeting takes no longer. */
  readonly timeoutMilliseconds: number;
  /** A piece came, of so many bytes. */
  readonly onBytes: (bytes: number) => void;
}

/** More than the window of a feeder, and the piece that passes it: whoever sends more keeps to no rule. */
const maxHeldBytes = 6 * 1024 * 1024;
/** Consumption is reported in steps of this size. */
const reportBytes = 64 * 1024;

export class PeerFeed {
  readonly feederId: string;
  /** Whoever feeds the feeder, itself first. */
  path: readonly string[] = [];
  onPath: (() => void) | undefined;
  readonly #channel: Channel;
  readonly #options: PeerFeedOptions;
  readonly #pieces: { readonly piece: Piece; readonly cameAt: number }[] = [];
  #heldBytes = 0;
  #consumedBytes = 0;
  #round = 0;
  #failure: RaftkvError | undefined;
  #onFailed: ((error: RaftkvError) => void) | undefined;
  #wake: (() => void) | undefined;
  #onMeeting: ((message: FeederMessage) => void) | undefined;

  private constructor(channel: Channel, options: PeerFeedOptions) {
    this.#channel = channel;
    this.#options = options;
    this.feederId = options.feederId;
    channel.start({
      onFrame: (frame) => this.#receive(frame),
      onClose: (error) => this.#end(error ?? new RaftkvError('connection_lost', 'the feeder went away')),
    });
  }

  /** Shows the secret and has it shown. Rejects, with the channel closed, if that comes to nothing: `busy` for a refusal, `timeout`, `connection_lost`, `diverged` for one that does not know it. */
  static async meet(channel: Channel, options: PeerFeedOptions): Promise<PeerFeed> {
    const feed = new PeerFeed(channel, options);
    const cancelDeadline = options.clock.schedule(
      () => feed.#end(new RaftkvError('timeout', 'the feeder says nothing')),
      options.timeoutMilliseconds,
    );
    try {
      await feed.whileItLasts(feed.#meet());
      return feed;
    } catch (error) {
      feed.close();
      throw error;
    } finally {
      cancelDeadline();
    }
  }

  /** From what this tab has on; 0 = it has nothing. What came of an earlier wish is void. */
  observe(from: number, ranges: readonly KeyRange[]): void {
    this.#round += 1;
    this.#forgetPieces();
    this.#say({ type: 'observe', round: this.#round, from, ranges });
  }

  /** The next piece. Rejects with `timeout` when none comes in time, and with what ended the feeder. */
  async next(timeoutMilliseconds: number): Promise<Piece> {
    const { clock } = this.#options;
    const end = clock.now() + timeoutMilliseconds;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const held = this.#pieces.shift();
      if (held !== undefined) {
        this.#heldBytes -= pieceBytes(held.piece);
        return held.piece;
      }
      const left = end - clock.now();
      if (left <= 0) throw new RaftkvError('timeout', 'the feeder is too slow');
      await this.#news(left);
    }
  }

  /** How long the oldest piece has been waiting that leads beyond this revision; 0 = there is none. */
  waitingBeyond(revision: number): number {
    const held = this.#pieces.find(({ piece }) => piece.revision > revision);
    return held === undefined ? 0 : this.#options.clock.now() - held.cameAt;
  }

  /** Settles as `other` does, unless this feeder is of no use any more before. One at a time. */
  whileItLasts<T>(other: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      this.#onFailed = reject;
      other.then(resolve, reject);
    });
  }

  /** So many bytes of pieces, as `pieceBytes` counts them, are not held any more. */
  consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < reportBytes) return;
    this.#say({ type: 'consumed', bytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  close(): void {
    this.#end(new RaftkvError('closed', 'the feeder was left'));
  }

  async #meet(): Promise<void> {
    const { selfId, feederId, clusterId, secret } = this.#options;
    const challenge = await this.#hear('challenge');
    const meeting = { clusterId, feederId, fedId: selfId, feederNonce: challenge.nonce, fedNonce: drawNonce() };
    const proof = proofOf(secret, 'fed', meeting);
    this.#say({ type: 'hello', id: selfId, nonce: meeting.fedNonce, proof, clusterId });
    const welcome = await this.#hear('welcome');
    if (!isSame(welcome.proof, proofOf(secret, 'feeder', meeting))) {
      throw new RaftkvError('diverged', 'the feeder does not know the secret');
    }
    this.path = welcome.path;
  }

  #hear<Type extends FeederMessage['type']>(type: Type): Promise<Extract<FeederMessage, { readonly type: Type }>> {
    return new Promise((resolve, reject) => {
      this.#onMeeting = (message) => {
        this.#onMeeting = undefined;
        if (message.type === type) resolve(message as Extract<FeederMessage, { readonly type: Type }>);
        else if (message.type === 'refused') reject(new RaftkvError('busy', `the feeder says: ${message.reason}`));
        else reject(new RaftkvError('bad_frame', `a ${type} was due`));
      };
    });
  }

  #receive(frame: Uint8Array): void {
    if (this.#failure !== undefined) return;
    try {
      this.#handle(decodeFeederMessage(frame));
    } catch (error) {
      this.#end(RaftkvError.from(error, 'bad_frame'));
    }
  }

  #handle(message: FeederMessage): void {
    if (this.#onMeeting !== undefined) return this.#onMeeting(message);
    switch (message.type) {
      case 'snapshot':
      case 'changes':
        return this.#take(message);
      case 'path':
        this.path = message.path;
        return this.onPath?.();
      case 'refused':
        throw new RaftkvError('busy', `the feeder says: ${message.reason}`);
      default:
        throw new RaftkvError('bad_frame', `a ${message.type} in the middle`);
    }
  }

  #take(piece: Piece): void {
    const bytes = pieceBytes(piece);
    this.#options.onBytes(bytes);
    if (piece.round !== this.#round) return this.consumed(bytes);
    this.#pieces.push({ piece, cameAt: this.#options.clock.now() });
    this.#heldBytes += bytes;
    if (this.#heldBytes > maxHeldBytes) throw new RaftkvError('bad_frame', 'the feeder sends more than was asked for');
    this.#wake?.();
  }

  #forgetPieces(): void {
    const bytes = this.#heldBytes;
    this.#pieces.length = 0;
    this.#heldBytes = 0;
    if (bytes > 0) this.consumed(bytes);
  }

  #news(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }

  #say(message: FedMessage): void {
    this.#channel.send(encodeFedMessage(message));
  }

  #end(error: RaftkvError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#pieces.length = 0;
    this.#channel.close();
    this.#onFailed?.(error);
    this.#wake?.();
  }
}
