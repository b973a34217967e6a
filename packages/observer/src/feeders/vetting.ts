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
import type { Copy } from '../copy.ts';
import type { Inflate } from '../inflate.ts';
import { pause } from './feeder-clock.ts';
import type { FeederClock } from './feeder-clock.ts';
import type { PeerFeed } from './peer-feed.ts';
import { pieceBytes } from './peer-talk.ts';
import type { ChangesPiece, Piece, SnapshotPiece } from './peer-talk.ts';
import { merged } from './key-ranges.ts';
import { StateBuild } from './state-build.ts';

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
  /** The copy has all that the member had a moment ago. The next piece waits for what this resolves with. */
  readonly onCaughtUp: () => Promise<void>;
}

/** All that one digest covers has come by then, however many pieces it comes in. */
const patienceFactor = 4;
/** Changes that came and are not vouched for yet, inflated. One digest and the pieces around it are less. */
const maxPendingBytes = 16 * 1024 * 1024;
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
  #held: { readonly revision: number; readonly bytes: number; readonly rawBytes: number }[] = [];
  /** Of these. */
  #pendingBytes = 0;
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
      if (answer.about === 'changes') {
        await this.#follow(answer);
        if (answer.index > 0) await this.#options.onCaughtUp();
      } else if (answer.about === 'compacted') await this.#fetchState();
      else this.#judge(answer, peer);
    }
  }

  /** One that has missed nothing learns so at once. */
  async #goOn(from: number): Promise<void> {
    this.#observe(from);
    const { revision, index } = await this.#ask('place', 0);
    if (revision !== from) return;
    await this.#options.emit({ type: 'feedChanges', revision, index, payload: new Uint8Array(0) });
    await this.#options.onCaughtUp();
  }

  #observe(from: number): void {
    this.#pending = [];
    // Else they would be missing in the feeder's window for ever.
    this.#release(Infinity);
    this.#cover(from);
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
    const { patienceMilliseconds, clock, position } = this.#options;
    // What the copy has a member has vouched for, if not this one.
    const known = Math.max(revision, position());
    const pending = this.#covered > known ? clock.now() - this.#coveredAt : 0;
    if (leader === undefined || Math.max(pending, peer.waitingBeyond(known)) <= patienceMilliseconds) return;
    throw new RaftkvError('diverged', `the feeder tells of what comes after revision ${known}, and no member does`);
  }

  async #follow({ revision, index, digest }: DigestAnswer): Promise<void> {
    const { position, emit } = this.#options;
    const from = position();
    const snapshot = await this.#bring(revision, () => this.#checkPending());
    if (snapshot !== undefined) return this.#fetchState(snapshot);
    // What a member brought itself meanwhile need not be brought again.
    const changes = this.#takePending(revision).filter((change) => change.revision > from);
    if (!isSame(digestOfChanges(from, revision, changes), digest)) {
      throw new RaftkvError('diverged', `what the feeder brings of revisions ${from + 1} to ${revision} is not so`);
    }
    const payload = changes.length === 0 ? new Uint8Array(0) : encodeFeedChanges(changes);
    await emit({ type: 'feedChanges', revision, index, payload });
    this.#release(revision);
  }

  /** Waits until the feeder has brought all changes up to here; answers the first piece of a snapshot, if it brings that instead. */
  async #bring(
    revision: number,
    onPiece: (piece: ChangesPiece, raw: Uint8Array) => void,
  ): Promise<SnapshotPiece | undefined> {
    const { peer, clock, patienceMilliseconds } = this.#options;
    const end = clock.now() + patienceMilliseconds * patienceFactor;
    while (this.#covered < revision) {
      if (clock.now() > end) throw new RaftkvError('timeout', 'the feeder is too slow');
      const piece = await peer.next(patienceMilliseconds);
      if (piece.type === 'snapshot') return piece;
      const raw = await this.#raw(piece);
      for (const change of this.#read(piece, raw)) this.#pending.push(change);
      this.#held.push({ revision: piece.revision, bytes: pieceBytes(piece), rawBytes: raw.length });
      this.#pendingBytes += raw.length;
      onPiece(piece, raw);
    }
    return undefined;
  }

  #checkPending(): void {
    if (this.#pendingBytes <= maxPendingBytes) return;
    throw new RaftkvError('frame_too_large', 'the feeder brings more than a member vouches for in one go');
  }

  /** Of changes, those that are new. */
  #read(piece: ChangesPiece, raw: Uint8Array): Change[] {
    const changes = decodeFeedChanges(raw);
    const last = changes.at(-1)?.revision ?? 0;
    if (last > piece.revision || piece.revision < this.#covered) {
      throw new RaftkvError('bad_frame', `the feeder contradicts itself at revision ${piece.revision}`);
    }
    const news = changes.filter(({ revision }) => revision > this.#covered);
    this.#cover(piece.revision);
    return news;
  }

  #cover(revision: number): void {
    this.#covered = revision;
    this.#coveredAt = this.#options.clock.now();
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
    while (this.#held.length > 0 && this.#held[0]!.revision <= revision) {
      const piece = this.#held.shift()!;
      bytes += piece.bytes;
      this.#pendingBytes -= piece.rawBytes;
    }
    if (bytes > 0) this.#options.peer.consumed(bytes);
  }

  /** A whole state: brought, then brought up to a revision of which a member has the digest. */
  async #fetchState(first?: SnapshotPiece): Promise<void> {
    if (first === undefined) this.#observe(0);
    const { bytes } = await this.#ask('place', 0);
    const state = new StateBuild(bytes, this.#options.clock);
    await this.#build(state, first);
    const { revision, index, digest } = await this.#stateFrom(this.#covered, state);
    const takeIn = (): void => state.apply(this.#takePending(revision));
    const again = await this.#bring(revision, (piece, raw) => {
      takeIn();
      this.#release(piece.revision);
      state.count(raw.length);
    });
    if (again !== undefined) throw new RaftkvError('timeout', 'the feeder begins again');
    takeIn();
    if (!isSame(await this.#digestOf(state.copy), digest)) {
      throw new RaftkvError('diverged', `what the feeder brings as the state at revision ${revision} is not so`);
    }
    await this.#emitState(state.copy, revision, index);
  }

  async #stateFrom(revision: number, state: StateBuild): Promise<DigestAnswer> {
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
      // One that hears none, or does not get round to it: another feeder may be where it is.
      state.expectTime();
    }
  }

  async #build(state: StateBuild, first: SnapshotPiece | undefined): Promise<void> {
    const { peer, patienceMilliseconds } = this.#options;
    this.#pending = [];
    this.#release(Infinity);
    for (let piece: Piece = first ?? (await peer.next(patienceMilliseconds)); ;) {
      const raw = await this.#raw(piece);
      if (piece.type === 'snapshot') {
        if (piece.isFirst) state.begin();
        if (piece.revision < this.#covered && !piece.isFirst) throw new RaftkvError('bad_frame', 'it goes back');
        state.addEntries(decodeFeedEntries(raw));
        this.#cover(piece.revision);
      } else if (state.isBegun) state.apply(this.#read(piece, raw));
      peer.consumed(pieceBytes(piece));
      state.count(raw.length);
      if (piece.type === 'snapshot' && piece.isDone) return;
      state.expectRate();
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
