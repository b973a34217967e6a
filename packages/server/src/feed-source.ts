// What observers are sent, made once for all who stand at the same place: batches of changes and pages of the present state, encoded and
// compressed. It keeps the last of them within a bound of bytes. Where each observer stands is the business of `feed-session.ts`.
import type { Change, Key, KeyValue } from '@raftkv/kv';
import { CompressionGate, RaftkvError, changeBytes, encodeFeedChanges, encodeFeedEntries } from '@raftkv/wire';
import { ByteCache } from './byte-cache.ts';
import type { FeedRanges } from './feed-ranges.ts';
import type { KvStateMachine } from './kv-state-machine.ts';

/** About how large a batch of changes becomes before it is compressed; a single revision may be larger. */
const batchBytes = 128 * 1024;
const pageBytes = 64 * 1024;
/** Revisions looked at for one batch, so that a feed of few keys does not hold up the loop. */
const maxRevisions = 4_096;
const revisionsPerStep = 256;
/** Bytes of the store hashed in one go while the content hash is not known yet. */
const hashStepBytes = 4 * 1024 * 1024;
const batchCacheBytes = 4 * 1024 * 1024;
const pageCacheBytes = 16 * 1024 * 1024;
/** Below this there is nothing to gain. */
const minDeflateBytes = 1024;

export interface EncodedPayload {
  readonly payload: Uint8Array;
  readonly isDeflated: boolean;
  /** Before compression. */
  readonly rawBytes: number;
}

export interface EncodedChanges extends EncodedPayload {
  /** Everything up to and including this revision is in it, or does not concern the ranges. */
  readonly revision: number;
  /** A log index that is certainly contained; 0 if none is known. */
  readonly index: number;
  readonly hash: string | undefined;
}

export interface EncodedPage extends EncodedPayload {
  /** Where the next page begins; undefined = this is the last one. */
  readonly next: Key | undefined;
}

interface CachedPage extends EncodedPage {
  /** It is known to be right as of this revision. */
  checkedRevision: number;
}

interface Step {
  readonly changes: readonly Change[];
  readonly nextRevision: number;
}

const nothing: EncodedPayload = { payload: new Uint8Array(0), isDeflated: false, rawBytes: 0 };

export class FeedSource {
  readonly #stateMachine: KvStateMachine;
  readonly #deflate: (bytes: Uint8Array) => Uint8Array;
  readonly #batches = new ByteCache<EncodedChanges>(batchCacheBytes);
  readonly #pages = new ByteCache<CachedPage>(pageCacheBytes);
  readonly #batchGate = new CompressionGate();
  readonly #pageGate = new CompressionGate();
  /** Changes as the store gives them, by their first revision: for feeds of different ranges at the same place. */
  readonly #steps = new Map<number, Step>();
  #stepsRevision = 0;
  #isHashing = false;

  constructor(stateMachine: KvStateMachine, deflate: (bytes: Uint8Array) => Uint8Array) {
    this.#stateMachine = stateMachine;
    this.#deflate = deflate;
  }

  get revision(): number {
    return this.#stateMachine.store.revision;
  }
  get index(): number {
    return this.#stateMachine.store.appliedIndex;
  }

  /** The store keeps its content hash up. */
  get isHashing(): boolean {
    return this.#isHashing;
  }

  /** Of the whole store as of now; undefined while it is not known yet, then a part of it was worked out. */
  contentHash(): string | undefined {
    this.#isHashing = true;
    return this.#stateMachine.store.contentHash(hashStepBytes);
  }

  /** No feed wants the content hash any more. */
  forgetContentHash(): void {
    this.#stateMachine.store.forgetContentHash();
    this.#isHashing = false;
  }

  /** No snapshot is being sent. */
  forgetPages(): void {
    this.#pages.clear();
  }

  /**
   * The changes after `position`, at most about 128 KiB of them, and nothing if there are none in the ranges. Undefined: they cannot be had, because they are no
   * longer retained or because a single revision passes `maxPayloadBytes`.
   */
  changesAfter(position: number, ranges: FeedRanges, maxPayloadBytes: number): EncodedChanges | undefined {
    const key = `${position} ${ranges.key}`;
    const cached = this.#batches.get(key);
    if (cached !== undefined && cached.rawBytes <= maxPayloadBytes) return cached;
    const collected = this.#collect(position, ranges, Math.min(batchBytes, Math.floor(maxPayloadBytes / 2)));
    if (collected === undefined) return undefined;
    let { changes, revision } = collected;
    let raw = changes.length === 0 ? nothing.payload : encodeFeedChanges(changes);
    if (raw.length > maxPayloadBytes) {
      const [first] = changes;
      if (changes.length > 1 && first !== undefined) {
        changes = [first];
        revision = first.revision;
        raw = encodeFeedChanges(changes);
      }
      if (raw.length > maxPayloadBytes) return undefined;
    }
    const isNewest = revision === this.revision;
    const batch: EncodedChanges = {
      ...this.#pack(raw, this.#batchGate),
      revision,
      index: isNewest ? this.index : 0,
      hash: isNewest && ranges.isAll ? this.contentHash() : undefined,
    };
    if (changes.length > 0) this.#batches.set(key, batch);
    return batch;
  }

  #collect(
    position: number,
    ranges: FeedRanges,
    maxBytes: number,
  ): { readonly changes: readonly Change[]; readonly revision: number } | undefined {
    const newest = this.revision;
    const end = Math.min(newest, position + maxRevisions);
    const changes: Change[] = [];
    let bytes = 0;
    let next = position + 1;
    while (next <= end) {
      const step = this.#step(next);
      if (step === undefined) return undefined;
      for (const change of step.changes) {
        const within = ranges.filter(change);
        if (within === undefined) continue;
        changes.push(within);
        bytes += changeBytes(within);
        if (bytes >= maxBytes) return { changes, revision: change.revision };
      }
      next = step.nextRevision;
    }
    return { changes, revision: next - 1 };
  }

  #step(from: number): Step | undefined {
    const { store } = this.#stateMachine;
    if (this.#stepsRevision !== store.revision) {
      // They hold on to values: only for as long as others stand at the same place.
      this.#steps.clear();
      this.#stepsRevision = store.revision;
    }
    let step = this.#steps.get(from);
    if (step === undefined) {
      const read = store.changes(from, { limit: revisionsPerStep });
      if ('type' in read) return undefined;
      step = read;
      if (this.#steps.size < 16) this.#steps.set(from, step);
    }
    return step;
  }

  /** Entries of the present state from key `from` on. Throws `frame_too_large` if a single one passes `maxPayloadBytes`. */
  pageFrom(from: Key, ranges: FeedRanges, maxPayloadBytes: number): EncodedPage {
    const targetBytes = Math.max(1, Math.min(pageBytes, Math.floor(maxPayloadBytes / 4)));
    const key = `${targetBytes} ${from.length} ${from} ${ranges.key}`;
    const cached = this.#pages.get(key);
    if (cached !== undefined && cached.rawBytes <= maxPayloadBytes && this.#isCurrent(cached, from)) return cached;
    const page: CachedPage = {
      ...this.#readPage(from, ranges, targetBytes, maxPayloadBytes),
      checkedRevision: this.revision,
    };
    this.#pages.set(key, page);
    return page;
  }

  /** Nothing in it changed since it was last looked at. */
  #isCurrent(page: CachedPage, from: Key): boolean {
    const { store } = this.#stateMachine;
    if (page.checkedRevision === store.revision) return true;
    const range = { from, to: page.next };
    const read = store.changes(page.checkedRevision + 1, { range, limit: maxRevisions });
    if ('type' in read || read.changes.length > 0 || read.nextRevision <= store.revision) return false;
    page.checkedRevision = store.revision;
    return true;
  }

  #readPage(from: Key, ranges: FeedRanges, targetBytes: number, maxPayloadBytes: number): EncodedPage {
    const { entries, next } = this.#scan(from, ranges, targetBytes);
    const raw = encodeFeedEntries(entries);
    if (raw.length <= maxPayloadBytes) return { ...this.#pack(raw, this.#pageGate), next };
    const [first] = entries;
    const single = first === undefined ? raw : encodeFeedEntries([first]);
    if (first === undefined || single.length > maxPayloadBytes) {
      const message = `an entry of ${single.length} bytes does not fit into a feed; the limit is ${maxPayloadBytes}`;
      throw new RaftkvError('frame_too_large', message);
    }
    return { ...this.#pack(single, this.#pageGate), next: after(first.key) };
  }

  #scan(
    from: Key,
    ranges: FeedRanges,
    targetBytes: number,
  ): { readonly entries: readonly KeyValue[]; readonly next: Key | undefined } {
    const entries: KeyValue[] = [];
    let left = targetBytes;
    for (const range of ranges.list) {
      if (range.to !== undefined && range.to <= from) continue;
      if (left <= 0) return { entries, next: range.from };
      const start = range.from > from ? range.from : from;
      const scanned = this.#stateMachine.store.scan({ from: start, to: range.to }, { maxBytes: left });
      if (scanned.type === 'error') throw new RaftkvError('invalid_argument', scanned.message);
      for (const entry of scanned.entries) {
        entries.push(entry);
        left -= entry.key.length + entry.value.length;
      }
      const last = scanned.entries.at(-1);
      if (scanned.more && last !== undefined) return { entries, next: after(last.key) };
    }
    return { entries, next: undefined };
  }

  #pack(raw: Uint8Array, gate: CompressionGate): EncodedPayload {
    if (raw.length === 0) return nothing;
    const plain = { payload: raw, isDeflated: false, rawBytes: raw.length };
    if (raw.length < minDeflateBytes || !gate.shouldTry()) return plain;
    const deflated = this.#deflate(raw);
    const pays = deflated.length < raw.length * 0.9;
    gate.record(pays);
    return pays ? { payload: deflated, isDeflated: true, rawBytes: raw.length } : plain;
  }
}

/** The least key above this one. */
function after(key: Key): Key {
  return `${key}\0`;
}
