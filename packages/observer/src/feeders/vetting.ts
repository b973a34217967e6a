// What another tab brings, compared with what a member vouches for before anybody sees it: a whole state by its digest, then changes from one digest to the
// next. Nothing that does not agree leaves this file, so a copy that is fed through it holds no lie, and nothing need be taken back.
import type { Change, KeyRange, KeyValue } from '@raftkv/kv';
import {
  RaftkvError,
  StateDigest,
  decodeFeedChanges,
  decodeFeedEntries,
  defaultLimits,
  digestOfChanges,
  encodeFeedChanges,
  encodeFeedEntries,
} from '@raftkv/wire';
import type { DigestAnswer, DigestRequest } from '@raftkv/wire';
import { Copy } from '../copy.ts';
import type { Inflate } from '../inflate.ts';
import { pause } from './feeder-clock.ts';
import type { FeederClock } from './feeder-clock.ts';
import type { PeerFeed } from './peer-feed.ts';
import { pieceBytes } from './peer-talk.ts';
import type { ChangesPiece, Piece, SnapshotPiece } from './peer-talk.ts';
import { merged } from './key-ranges.ts';

/** What agreed with a member, as a piece of a feed. */
export type Vetted =
  | { readonly type: 'feedChanges'; readonly revision: number; readonly index: number; readonly payload: Uint8Array }
  | {
      readonly type: 'feedSnapshot';
      readonly isFirst: boolean;
      readonly isDone: boolean;
      readonly revision: number;
      readonly index: number;
      readonly payload: Uint8Array;
    };

export interface VettingOptions {
  readonly peer: PeerFeed;
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
  /** Asks a member. Rejects when that cannot be had. */
  readonly ask: (about: DigestRequest['about'], from: number) => Promise<DigestAnswer>;
  /** What the copy has, up to the piece that was given to `emit` last. */
  readonly position: () => number;
  /** Resolves when the next piece may follow. */
  readonly emit: (piece: Vetted) => Promise<void>;
  readonly inflate: Inflate;
  readonly clock: FeederClock;
  /** Between two questions at least. */
  readonly markMilliseconds: number;
  /** A feeder that a member is ahead of has this long for the next piece. */
  readonly patienceMilliseconds: number;
}

/** A snapshot comes at this rate at least, once it has had a while to begin. */
const leastBytesPerSecond = 16 * 1024;
const beginMilliseconds = 5_000;
/** All that one digest covers has come by then, however many pieces it comes in. */
const patienceFactor = 4;
/** A copy may be larger than what the member has said by so much: it was written to meanwhile. */
const sizeFactor = 2;
const sizeSlackBytes = 16 * 1024 * 1024;
const entryBytes = 64;
const pageBytes = 64 * 1024;
/** After so much work in one go the page gets its turn. */
const sliceMilliseconds = 8;

export class Vetting {
  readonly #options: VettingOptions;
  readonly #ranges: readonly KeyRange[];
  /** Came, and not vouched for yet; beyond what the copy has. */
  #pending: Change[] = [];
  /** Up to where the feeder has brought everything. */
  #covered = 0;
  #coveredAt = 0;
  /** Pieces that are not told as consumed, as some of them is still pending. */
  #held: { readonly revision: number; readonly bytes: number }[] = [];
  #askedAt = -Infinity;

  constructor(options: VettingOptions) {
    this.#options = options;
    this.#ranges = merged(options.ranges);
  }

  /** Goes on until the feeder is to be left, and rejects with why: `diverged`, `bad_frame` and `frame_too_large` are lies, others weakness. */
  async run(): Promise<never> {
    const { peer, position } = this.#options;
    if (position() === 0) await this.#fetchState();
    else await this.#goOn(position());
    for (;;) {
      const answer = await this.#ask('changes', position());
      if (answer.about === 'changes') await this.#follow(answer);
      else if (answer.about === 'compacted') await this.#fetchState();
      else this.#judge(answer, peer);
    }
  }

  /** One that has missed nothing learns so at once. */
  async #goOn(from: number): Promise<void> {
    this.#observe(from);
    const { revision, index } = await this.#ask('place', 0);
    if (revision === from) {
      await this.#options.emit({ type: 'feedChanges', revision, index, payload: new Uint8Array(0) });
    }
  }

  #observe(from: number): void {
    this.#pending = [];
    this.#held = [];
    this.#covered = from;
    this.#options.peer.observe(from, this.#options.ranges);
  }

  async #ask(about: DigestRequest['about'], from: number): Promise<DigestAnswer> {
    const { ask, peer, clock, markMilliseconds } = this.#options;
    const rest = this.#askedAt + markMilliseconds - clock.now();
    if (rest > 0) await pause(clock, rest);
    this.#askedAt = clock.now();
    return peer.whileItLasts(ask(about, from));
  }

  /** The member knows of nothing new, but the feeder does, and that for long: it has made it up. A member without a leader may lag. */
  #judge({ leader, revision }: DigestAnswer, peer: PeerFeed): void {
    const { patienceMilliseconds, clock } = this.#options;
    const pending = this.#covered > revision ? clock.now() - this.#coveredAt : 0;
    if (leader === undefined || Math.max(pending, peer.waitingBeyond(revision)) <= patienceMilliseconds) return;
    throw new RaftkvError('diverged', `the feeder tells of what comes after revision ${revision}, and no member does`);
  }

  async #follow({ revision, index, digest }: DigestAnswer): Promise<void> {
    const { position, emit } = this.#options;
    const from = position();
    const snapshot = await this.#bring(revision);
    if (snapshot !== undefined) return this.#fetchState(snapshot);
    const changes = this.#takePending(revision);
    if (!isSame(digestOfChanges(from, revision, changes), digest)) {
      throw new RaftkvError('diverged', `what the feeder brings of revisions ${from + 1} to ${revision} is not so`);
    }
    const payload = changes.length === 0 ? new Uint8Array(0) : encodeFeedChanges(changes);
    await emit({ type: 'feedChanges', revision, index, payload });
    this.#release(revision);
  }

  /** Waits until the feeder has brought all changes up to here; answers the first piece of a snapshot, if it brings that instead. */
  async #bring(revision: number): Promise<SnapshotPiece | undefined> {
    const { peer, clock, patienceMilliseconds } = this.#options;
    const end = clock.now() + patienceMilliseconds * patienceFactor;
    while (this.#covered < revision) {
      if (clock.now() > end) throw new RaftkvError('timeout', 'the feeder is too slow');
      const piece = await peer.next(patienceMilliseconds);
      if (piece.type === 'snapshot') return piece;
      this.#pending.push(...(await this.#read(piece)));
      this.#held.push({ revision: piece.revision, bytes: pieceBytes(piece) });
    }
    return undefined;
  }

  /** Of changes, those that are new. */
  async #read(piece: ChangesPiece): Promise<Change[]> {
    const changes = decodeFeedChanges(await this.#raw(piece));
    const last = changes.at(-1)?.revision ?? 0;
    if (last > piece.revision || piece.revision < this.#covered) {
      throw new RaftkvError('bad_frame', `the feeder contradicts itself at revision ${piece.revision}`);
    }
    const news = changes.filter(({ revision }) => revision > this.#covered);
    this.#covered = piece.revision;
    this.#coveredAt = this.#options.clock.now();
    return news;
  }

  async #raw({ isDeflated, payload }: Piece): Promise<Uint8Array> {
    return isDeflated ? this.#options.inflate(payload, defaultLimits.maxFrameBytes) : payload;
  }

  #takePending(revision: number): Change[] {
    let count = 0;
    while (count < this.#pending.length && this.#pending[count]!.revision <= revision) count += 1;
    return this.#pending.splice(0, count);
  }

  #release(revision: number): void {
    let bytes = 0;
    while (this.#held.length > 0 && this.#held[0]!.revision <= revision) bytes += this.#held.shift()!.bytes;
    if (bytes > 0) this.#options.peer.consumed(bytes);
  }

  /** A whole state: brought, then brought up to a revision of which a member has the digest. */
  async #fetchState(first?: SnapshotPiece): Promise<void> {
    if (first === undefined) this.#observe(0);
    const { bytes } = await this.#ask('place', 0);
    const copy = await this.#build(bytes * sizeFactor + sizeSlackBytes, first);
    const answer = await this.#stateFrom(this.#covered);
    const { revision, index, digest } = answer;
    if ((await this.#bring(revision)) !== undefined) throw new RaftkvError('timeout', 'the feeder begins again');
    copy.applyWhileBuilding(this.#takePending(revision));
    if (!isSame(await this.#digestOf(copy), digest)) {
      throw new RaftkvError('diverged', `what the feeder brings as the state at revision ${revision} is not so`);
    }
    await this.#emitState(copy, revision, index);
    this.#release(revision);
  }

  async #stateFrom(revision: number): Promise<DigestAnswer> {
    for (;;) {
      const answer = await this.#ask('state', revision);
      if (answer.about === 'state') return answer;
      // The member has not come so far yet. It is one that hears a leader: then the feeder has made it up, or is left for one that has not.
      if (answer.leader !== undefined && answer.revision < revision) {
        throw new RaftkvError(
          'diverged',
          `the feeder stands at revision ${revision}, the member at ${answer.revision}`,
        );
      }
    }
  }

  async #build(maxBytes: number, first: SnapshotPiece | undefined): Promise<Copy> {
    const { peer, clock, patienceMilliseconds } = this.#options;
    const startedAt = clock.now();
    let copy: Copy | undefined;
    let came = 0;
    this.#pending = [];
    for (let piece: Piece = first ?? (await peer.next(patienceMilliseconds)); ;) {
      came += pieceBytes(piece);
      if (piece.type === 'snapshot') {
        if (piece.isFirst) copy = new Copy({ isOfAllKeys: false });
        if (copy === undefined) throw new RaftkvError('bad_frame', 'a snapshot that has no beginning');
        if (piece.revision < this.#covered && !piece.isFirst) throw new RaftkvError('bad_frame', 'it goes back');
        copy.addEntries(decodeFeedEntries(await this.#raw(piece)));
        this.#covered = piece.revision;
      } else if (copy !== undefined) copy.applyWhileBuilding(await this.#read(piece));
      peer.consumed(pieceBytes(piece));
      if (copy !== undefined && copy.bytes + copy.size * entryBytes > maxBytes) {
        throw new RaftkvError('frame_too_large', 'the feeder brings more than the members have');
      }
      if (piece.type === 'snapshot' && piece.isDone && copy !== undefined) return copy;
      const took = clock.now() - startedAt;
      if (took > beginMilliseconds && (came * 1000) / took < leastBytesPerSecond) {
        throw new RaftkvError('timeout', 'the feeder is too slow');
      }
      piece = await peer.next(patienceMilliseconds);
    }
  }

  async #digestOf(copy: Copy): Promise<Uint8Array> {
    const digest = new StateDigest();
    await this.#walk(copy, (entries) => {
      for (const entry of entries) digest.add(entry);
    });
    return digest.finish();
  }

  async #emitState(copy: Copy, revision: number, index: number): Promise<void> {
    const { emit } = this.#options;
    let isFirst = true;
    await this.#walk(copy, (entries, isDone) => {
      const payload = encodeFeedEntries(entries);
      const emitted = emit({ type: 'feedSnapshot', isFirst, isDone, revision, index, payload });
      isFirst = false;
      return emitted;
    });
  }

  /** Page by page, with pauses; the last one may be empty. */
  async #walk(copy: Copy, visit: (page: readonly KeyValue[], isDone: boolean) => Promise<void> | void): Promise<void> {
    const { clock } = this.#options;
    let since = clock.now();
    for (let next: string | undefined = ''; next !== undefined;) {
      const page: KeyValue[] = [];
      let bytes = 0;
      const from: string = next;
      next = undefined;
      for (const range of this.#ranges) {
        if (range.to !== undefined && range.to <= from) continue;
        copy.walk({ from: range.from > from ? range.from : from, to: range.to }, (entry) => {
          if (bytes >= pageBytes) {
            next = entry.key;
            return false;
          }
          page.push(entry);
          bytes += entryBytes + entry.key.length + entry.value.length;
          return true;
        });
        if (next !== undefined) break;
      }
      await visit(page, next === undefined);
      if (clock.now() - since < sliceMilliseconds) continue;
      await pause(clock, 0);
      since = clock.now();
    }
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
