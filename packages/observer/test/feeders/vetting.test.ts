// What is believed of a feeder, and for how long it is waited for, piece by piece, with time that passes only while somebody waits: whatever a feeder sends, it
// costs its tab a bounded time and a bounded memory, and an honest one is never called a liar.
import type { Change, KeyValue } from '@raftkv/kv';
import { RaftkvError, StateDigest, digestOfChanges, encodeFeedChanges, encodeFeedEntries } from '@raftkv/wire';
import type { DigestAnswer, DigestRequest } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import type { PeerFeed } from '../../src/feeders/peer-feed.ts';
import { pieceBytes } from '../../src/feeders/peer-talk.ts';
import type { ChangesPiece, Piece, SnapshotPiece } from '../../src/feeders/peer-talk.ts';
import { Vetting } from '../../src/feeders/vetting.ts';
import type { Vetted } from '../../src/feeders/vetting.ts';

const mebibyte = 1024 * 1024;
const nothing = new Uint8Array(0);
/** So many pieces or questions, and it would have gone on for ever. */
const forEver = 20_000;

function entry(key: string, revision: number, valueBytes = 1): KeyValue {
  return { key, value: new Uint8Array(valueBytes), createRevision: revision, revision, version: 1 };
}
function put(written: KeyValue): Change {
  return { revision: written.revision, events: [{ type: 'put', entry: written, previous: undefined }] };
}
function page(revision: number, entries: readonly KeyValue[], parts: Partial<SnapshotPiece> = {}): SnapshotPiece {
  const payload = encodeFeedEntries(entries);
  return { type: 'snapshot', round: 1, isDeflated: false, revision, isFirst: true, isDone: true, payload, ...parts };
}
function changes(revision: number, list: readonly Change[], parts: Partial<ChangesPiece> = {}): ChangesPiece {
  return { type: 'changes', round: 1, isDeflated: false, revision, payload: encodeFeedChanges(list), ...parts };
}

interface Script {
  readonly from: number;
  /** What the feeder says next; undefined: nothing any more. */
  readonly next?: (count: number) => Piece | undefined;
  /** What the member says; it takes `milliseconds` for that. */
  readonly ask: (about: DigestRequest['about'], from: number, count: number) => Partial<DigestAnswer>;
  readonly askMilliseconds?: number;
  /** Between two pieces. */
  readonly pieceMilliseconds?: number;
  /** What everything that is deflated inflates to. */
  readonly inflated?: Uint8Array;
  /** Up to here a member brings everything itself, as soon as the copy has all that there is. */
  readonly broughtByMember?: number;
}

/** Runs it until the feeder is left; answers why. */
async function vet({ from, next = () => undefined, ask, inflated = nothing, ...times }: Script) {
  const { askMilliseconds = 0, pieceMilliseconds = 0, broughtByMember = 0 } = times;
  let [now, position, pieces, questions, sent, consumed] = [0, from, 0, 0, 0, 0];
  const given: Vetted[] = [];
  const peer = {
    observe: () => {},
    consumed: (bytes: number) => (consumed += bytes),
    waitingBeyond: () => 0,
    whileItLasts: <T>(other: Promise<T>) => other,
    next: async (milliseconds: number): Promise<Piece> => {
      if (pieces > forEver) throw new Error('for ever');
      // As a feeder does it: no more than a window ahead.
      const piece = sent - consumed < mebibyte ? next(pieces) : undefined;
      now += piece === undefined ? milliseconds : pieceMilliseconds;
      if (piece === undefined) throw new RaftkvError('timeout', 'the feeder says nothing');
      pieces += 1;
      sent += pieceBytes(piece);
      return piece;
    },
  };
  const vetting = new Vetting({
    peer: peer as unknown as PeerFeed,
    ranges: [],
    ask: async (about, after) => {
      if ((questions += 1) > forEver) throw new Error('for ever');
      now += askMilliseconds;
      const place = { about, revision: 0, index: 0, digest: nothing, bytes: 0, leader: 'n:1' };
      return { ...place, ...ask(about, after, questions) } as DigestAnswer;
    },
    position: () => position,
    emit: async (piece) => {
      given.push(piece);
      if (piece.type === 'feedChanges' || piece.isDone) position = piece.revision;
    },
    inflate: async () => inflated,
    clock: {
      now: () => now,
      schedule: (callback, milliseconds) => {
        queueMicrotask(() => {
          now += milliseconds;
          callback();
        });
        return () => {};
      },
    },
    markMilliseconds: 50,
    patienceMilliseconds: 3_000,
    onCaughtUp: async () => {
      position = Math.max(position, broughtByMember);
    },
  });
  const error = await vetting.run().catch((thrown: unknown) => thrown as RaftkvError);
  return { code: error.code, message: error.message, given, seconds: now / 1_000, pieces, consumed };
}

const digestOf = (entries: readonly KeyValue[]): Uint8Array => {
  const digest = new StateDigest();
  for (const each of entries) digest.add(each);
  return digest.finish();
};

describe('a feeder that does not come to an end', () => {
  it('with its state is left, however steadily it trickles', async () => {
    const { code, seconds } = await vet({
      from: 0,
      ask: () => ({ revision: 9, bytes: 100_000 }),
      next: (count) => page(9, [entry('k', 9, 20_000)], { isFirst: count === 0, isDone: false }),
      pieceMilliseconds: 1_000,
    });
    expect(code).toBe('timeout');
    expect(seconds).toBeLessThan(60);
  });

  it('is left when no member vouches for its state either', async () => {
    const { code, seconds } = await vet({
      from: 0,
      ask: (about) => (about === 'place' ? { revision: 9 } : { about: 'nothing', revision: 9, leader: undefined }),
      next: () => page(9, [entry('k', 9)]),
      askMilliseconds: 5_000,
    });
    expect(code).toBe('timeout');
    expect(seconds).toBeLessThan(60);
  });

  it('with what inflates to megabytes, of which next to nothing stays, is left', async () => {
    const inflated = encodeFeedEntries([entry('k', 9, 2 * mebibyte)]);
    const { code, pieces } = await vet({
      from: 0,
      ask: () => ({ revision: 9, bytes: 100_000 }),
      next: (count) =>
        page(9, [], { isFirst: count === 0, isDone: false, isDeflated: true, payload: new Uint8Array(2_000) }),
      inflated,
    });
    expect(code).toBe('timeout');
    expect(pieces).toBeLessThan(50);
  });
});

describe('changes that no member has vouched for yet', () => {
  it('are bounded by what they inflate to, not by what they were sent as', async () => {
    const { code, pieces } = await vet({
      from: 5,
      ask: (about) => ({ revision: about === 'place' ? 9 : 1_000_000, index: 1 }),
      next: (count) => changes(6 + count, [], { isDeflated: true, payload: new Uint8Array(1_000) }),
      inflated: encodeFeedChanges([put(entry('k', 6, mebibyte))]),
    });
    expect(code).toBe('frame_too_large');
    expect(pieces).toBeLessThanOrEqual(17);
  });

  it('go into a state as they come, so that more of them than a window may lie between it and its digest', async () => {
    const first = [entry('a', 2), entry('b', 3)];
    const written = Array.from({ length: 100 }, (_, i) => entry('c', 4 + i, 30_000));
    const { given, consumed } = await vet({
      from: 0,
      ask: (about, _from, count) => {
        if (about === 'place') return { revision: 3, bytes: 100 };
        if (about === 'state') return { revision: 103, index: 7, digest: digestOf([...first, written.at(-1)!]) };
        if (count > 5) throw new RaftkvError('closed', 'enough');
        return { about: 'nothing', revision: 103 };
      },
      next: (count) => (count === 0 ? page(3, first) : changes(3 + count, [put(written[count - 1]!)])),
    });
    expect(given).toMatchObject([{ type: 'feedSnapshot', revision: 103, isFirst: true, isDone: true }]);
    expect(consumed).toBeGreaterThan(3_000_000);
  });
});

describe('an honest feeder', () => {
  it('is no liar for a member that is behind what another one has vouched for', async () => {
    const { code } = await vet({
      from: 50,
      ask: (about, _from, count) => {
        if (count > 5) throw new RaftkvError('closed', 'enough');
        return about === 'place' ? { revision: 40 } : { about: 'nothing', revision: 40 };
      },
      askMilliseconds: 5_000,
    });
    expect(code).toBe('closed');
  });

  it('is no liar because a member brought some of the changes itself', async () => {
    const list = [put(entry('a', 6)), put(entry('b', 7))];
    const { given, code } = await vet({
      from: 5,
      broughtByMember: 6,
      ask: (about, from, count) => {
        if (about === 'place') return { revision: 5, index: 5 };
        if (count > 2) throw new RaftkvError('closed', 'enough');
        return { revision: 7, index: 7, digest: digestOfChanges(from, 7, list.slice(1)) };
      },
      next: () => changes(7, list),
    });
    expect(code).toBe('closed');
    expect(given.map(({ revision }) => revision)).toEqual([5, 7]);
  });
});
