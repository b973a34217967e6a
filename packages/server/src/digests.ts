// What this member vouches for, for observers that are fed by somebody else: digests of the changes after a revision, and of the whole state as of one. Each is
// worked out once for all who ask for the same, in small steps, and no more often than the member can spare. How they are laid out is in wire's `digest.ts`.
import type { Change } from '@raftkv/kv';
import type { Clock } from '@raftkv/replica';
import { RaftkvError, StateDigest, changeBytes, digestOfChanges } from '@raftkv/wire';
import type { DigestAnswer, DigestRequest, Hasher } from '@raftkv/wire';
import { FeedRanges } from './feed-ranges.ts';
import type { KvStateMachine } from './kv-state-machine.ts';
import { StateDigestJob } from './state-digest-job.ts';

export interface DigestsOptions {
  readonly clock: Pick<Clock, 'now' | 'schedule'>;
  /** A runtime's own SHA-256, which is several times faster. Default: the one in plain JavaScript. */
  readonly sha256?: () => Hasher;
  /** Who leads, as this member knows it: told along. */
  readonly leader: () => string | undefined;
  /** A question with no answer yet is answered with `nothing` after this. Default 5 s. */
  readonly holdMilliseconds?: number;
  /** Questions that wait; one more is refused with `busy`. Default 10,000. */
  readonly maxWaiting?: number;
}

/** One digest covers so many revisions at most, and about so many bytes: whoever checks it must hold that much. */
const maxRevisions = 4_096;
const maxBytes = 256 * 1024;
const revisionsPerStep = 256;
/** Digests of changes that are kept; the oldest are forgotten. */
const maxKept = 1_024;
/** States of different ranges that are kept. */
const maxStates = 16;
/** After a walk over the whole state, the next one waits so many times as long as it took. */
const restShare = 9;

/** So long those who ask for the same get what was worked out for the first. A slow one must not have to follow in the small steps of a fast one. */
const sharedMilliseconds = 100;

type Answered = Pick<DigestAnswer, 'about' | 'revision' | 'index' | 'digest'>;

interface KeptChanges extends Answered {
  readonly madeAt: number;
  /** It can hold no more, whoever asks. */
  readonly isFull: boolean;
}

const nothing = new Uint8Array(0);

/** A question that has no answer yet. */
interface Waiter {
  readonly about: DigestRequest['about'];
  readonly isDue: () => boolean;
  readonly wake: () => void;
}

const isForState = ({ about }: Waiter): boolean => about === 'state';

export class Digests {
  readonly #stateMachine: KvStateMachine;
  readonly #options: DigestsOptions;
  readonly #changes = new Map<string, KeptChanges>();
  /** The newest of each choice of ranges. */
  readonly #states = new Map<string, Answered>();
  /** One walk at a time. */
  #isWalking = false;
  #restUntil = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(stateMachine: KvStateMachine, options: DigestsOptions) {
    this.#stateMachine = stateMachine;
    this.#options = options;
    stateMachine.onApplied(() => this.#wakeWhere(({ isDue }) => isDue()));
  }

  /** Resolves as `DigestRequest` says. Rejects with `invalid_argument` for ranges that make no sense, `busy` at the limit. */
  async ask({ about, from, ranges: asked }: DigestRequest): Promise<DigestAnswer> {
    const ranges = FeedRanges.from(asked);
    const { clock, holdMilliseconds = 5_000 } = this.#options;
    const end = clock.now() + holdMilliseconds;
    for (;;) {
      const answered = this.#answer(about, from, ranges);
      if (answered !== undefined) return this.#dress(answered);
      const left = end - clock.now();
      if (left <= 0) return this.#dress({ ...this.#place(), about: 'nothing' });
      await this.#news(left, { about, isDue: () => this.#isDue(about, from) });
    }
  }

  /** Whether what was applied gives an answer, or something to begin with: those who wait may be thousands, and runs come by the thousand a second. */
  #isDue(about: DigestRequest['about'], from: number): boolean {
    if (about === 'changes') return this.#store.revision > from;
    return this.#store.revision >= from && !this.#isWalking && this.#options.clock.now() >= this.#restUntil;
  }

  get #store(): KvStateMachine['store'] {
    return this.#stateMachine.store;
  }

  /** Undefined: not yet. */
  #answer(about: DigestRequest['about'], from: number, ranges: FeedRanges): Answered | undefined {
    if (about === 'place') return this.#place();
    if (about === 'changes') return this.#store.revision > from ? this.#changesAfter(from, ranges) : undefined;
    const known = this.#states.get(ranges.key);
    // Whoever holds an older state goes on from this one only while what came after it is still there.
    if (known !== undefined && known.revision >= from && known.revision >= this.#store.compactedRevision) return known;
    if (this.#store.revision >= from) this.#beginState(ranges);
    return undefined;
  }

  #place(): Answered {
    return { about: 'place', revision: this.#store.revision, index: this.#store.appliedIndex, digest: nothing };
  }

  #dress(answered: Answered): DigestAnswer {
    const { keyBytes, valueBytes } = this.#store.statistics();
    return { ...answered, bytes: keyBytes + valueBytes, leader: this.#options.leader() };
  }

  #changesAfter(from: number, ranges: FeedRanges): Answered {
    const key = `${from} ${ranges.key}`;
    const known = this.#changes.get(key);
    const madeAt = this.#options.clock.now();
    if (known !== undefined && (known.isFull || madeAt - known.madeAt < sharedMilliseconds)) return known;
    const collected = this.#collect(from, ranges);
    if (collected === undefined) return { ...this.#place(), about: 'compacted' };
    const { changes, revision } = collected;
    const answered: KeptChanges = {
      about: 'changes',
      madeAt,
      isFull: revision < this.#store.revision,
      revision,
      index: revision === this.#store.revision ? this.#store.appliedIndex : 0,
      digest: digestOfChanges(from, revision, changes, this.#options.sha256?.()),
    };
    this.#changes.delete(key);
    this.#changes.set(key, answered);
    for (const oldest of this.#changes.keys()) {
      if (this.#changes.size <= maxKept) break;
      this.#changes.delete(oldest);
    }
    return answered;
  }

  #collect(from: number, ranges: FeedRanges): { changes: readonly Change[]; revision: number } | undefined {
    const end = Math.min(this.#store.revision, from + maxRevisions);
    const changes: Change[] = [];
    let bytes = 0;
    for (let next = from + 1; next <= end;) {
      const read = this.#store.changes(next, { limit: Math.min(revisionsPerStep, end - next + 1) });
      if ('type' in read) return undefined;
      for (const change of read.changes) {
        const within = ranges.filter(change);
        if (within === undefined) continue;
        changes.push(within);
        bytes += changeBytes(within);
        if (bytes >= maxBytes) return { changes, revision: change.revision };
      }
      next = read.nextRevision;
    }
    return { changes, revision: end };
  }

  #beginState(ranges: FeedRanges): void {
    const { clock, sha256 } = this.#options;
    if (this.#isWalking || clock.now() < this.#restUntil) return;
    const { key } = ranges;
    const startedAt = clock.now();
    const job = new StateDigestJob(this.#stateMachine, ranges, new StateDigest(sha256?.()), clock);
    this.#isWalking = true;
    void job.run().then((state) => {
      const now = clock.now();
      this.#isWalking = false;
      this.#restUntil = now + restShare * Math.max(1, now - startedAt);
      if (state !== undefined) this.#keepState(key, { about: 'state', ...state });
      // Whoever needs a newer one waits for this.
      clock.schedule(() => this.#wakeWhere(isForState), this.#restUntil - now);
    });
  }

  #keepState(key: string, state: Answered): void {
    this.#states.delete(key);
    this.#states.set(key, state);
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= maxStates) break;
      this.#states.delete(oldest);
    }
    this.#wakeWhere(isForState);
  }

  #wakeWhere(isMeant: (waiter: Waiter) => boolean): void {
    for (const waiter of [...this.#waiting].filter(isMeant)) waiter.wake();
  }

  /** Something was applied or worked out that is of use, or `milliseconds` have passed. */
  #news(milliseconds: number, asked: Pick<Waiter, 'about' | 'isDue'>): Promise<void> {
    if (this.#waiting.size >= (this.#options.maxWaiting ?? 10_000)) {
      throw new RaftkvError('busy', 'too many questions wait for a digest');
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(waiter);
        cancel();
        resolve();
      };
      const cancel = this.#options.clock.schedule(wake, milliseconds);
      const waiter = { ...asked, wake };
      this.#waiting.add(waiter);
    });
  }
}
