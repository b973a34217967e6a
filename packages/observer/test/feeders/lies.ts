// Feeders that lie, one kind each: what becomes of the messages that an honest one sends. Those that lie from the beginning meet a tab that has nothing; the
// others behave until a tab has its copy.
import { deflateRawSync } from 'node:zlib';
import type { Change, ChangeEvent, KeyValue } from '@raftkv/kv';
import {
  decodeFeedChanges,
  decodeFeedEntries,
  deflateCompression,
  encodeFeedChanges,
  encodeFeedEntries,
} from '@raftkv/wire';
import type { ChangesPiece, FeederMessage, SnapshotPiece } from '../../src/feeders/peer-talk.ts';
import type { Lie } from './park.ts';

const nothing = new Uint8Array(0);
const other = Buffer.from('"a lie"');

/** Of the whole state. */
export const snapshotLies: Readonly<Record<string, () => Lie>> = {
  'a changed value': () => entries((list) => list.map((each, i) => (i === 3 ? { ...each, value: other } : each))),
  'an entry less': () => entries((list) => list.slice(1)),
  'an entry more': () => entries((list) => [...list, like(list.at(-1)!, 'zzz')]),
  'two values exchanged': () =>
    entries(([first, second, ...rest]) => [
      { ...first!, value: second!.value },
      { ...second!, value: first!.value },
      ...rest,
    ]),
  'another revision of an entry': () => entries(([first, ...rest]) => [{ ...first!, revision: 1 }, ...rest]),
  'another creation of an entry': () =>
    entries(([first, ...rest]) => [{ ...first!, createRevision: 2 ** 33 }, ...rest]),
  'another count of writes': () => entries(([first, ...rest]) => [{ ...first!, version: 77 }, ...rest]),
  'a state that never was': () => pieces((piece) => [{ ...piece, revision: piece.revision + 1_000_000 }]),
  'an old state as the present one': () => pieces((piece) => [{ ...piece, revision: piece.revision + 1 }]),
  'nothing at all as the state': () => entries(() => []),
  'a snapshot without a beginning': () => pieces((piece) => [{ ...piece, isFirst: false }]),
  'a payload that is none': () => pieces((piece) => [{ ...piece, payload: Uint8Array.of(1, 2, 3) }]),
  'a payload that grows beyond all measure': () => {
    const payload = plain(deflateRawSync(new Uint8Array(64 * 1024 * 1024)));
    return pieces((piece) => [{ ...piece, isDeflated: true, payload }]);
  },
  'more than was asked for': () =>
    pieces((piece) =>
      Array.from({ length: 110 }, () => ({ ...piece, isDone: false, payload: new Uint8Array(64 * 1024) })),
    ),
  'a state larger than any': () => {
    let count = 0;
    return pieces((piece) =>
      Array.from({ length: 12 }, () => {
        count += 1;
        const [value, key] = [new Uint8Array(2_000_000), `z${count}`];
        const raw = encodeFeedEntries([{ key, value, revision: 2, createRevision: 2, version: 1 }]);
        const payload = plain(deflateRawSync(raw));
        return { ...piece, isFirst: count === 1, isDone: false, isDeflated: true, payload };
      }),
    );
  },
};

/** Of what changes. */
export const changeLies: Readonly<Record<string, () => Lie>> = {
  'a changed value': () =>
    events((event) => (event.type === 'put' ? [put({ ...event.entry, value: other })] : [event])),
  'a change to another key': () =>
    events((event) => (event.type === 'put' ? [put({ ...event.entry, key: 'elsewhere' })] : [event])),
  'a put as a delete': () =>
    events((event) => (event.type === 'put' ? [gone(event.entry.key, event.entry.revision)] : [event])),
  'a delete left out': () => events((event) => (event.type === 'put' ? [event] : [])),
  'a revision left out': () => changes((list) => list.slice(0, -1)),
  'all left out, as if nothing had been': () => changes(() => []),
  'a change more': () => events((event) => [event, put(like(entryOf(event), 'more'))]),
  'a change twice': () => events((event) => [event, event]),
  'a revision that never was': () => after((piece) => [piece, made(piece, piece.revision + 1)]),
  'revisions far ahead': () => after((piece) => [piece, made(piece, piece.revision + 1_000_000)]),
  'another revision for the same change': () =>
    changes((list) => list.map(({ revision, events: all }) => at(revision + 1, all))),
  'a revision that goes back': () => after((piece) => [{ ...piece, revision: 1, payload: nothing }]),
  'the changes of yesterday': () => {
    let before: ChangesPiece | undefined;
    return after((piece) => {
      const old = before ?? { ...piece, payload: nothing };
      before = piece;
      return [{ ...piece, isDeflated: old.isDeflated, payload: old.payload }];
    });
  },
  'a state in between that is none': () => {
    let isOver = false;
    return after((piece) => {
      if (isOver) return [piece];
      isOver = true;
      const { round, revision } = piece;
      const head = { type: 'snapshot', round, revision, isDeflated: false, isFirst: true, isDone: true } as const;
      return [{ ...head, payload: encodeFeedEntries([{ ...like(first, 'only'), revision }]) }];
    });
  },
  'a payload that is none': () => after((piece) => [{ ...piece, isDeflated: false, payload: Uint8Array.of(9) }]),
  'words of another protocol': () => (message) =>
    message.type === 'changes' ? [{ type: 'challenge', nonce: nothing }] : [message],
};

/** Not false, but of no use. */
export const weaknesses: Readonly<Record<string, () => Lie>> = {
  'whose snapshot begins again and again': () => (message) =>
    message.type === 'changes' ? [begun(message.round, message.revision), message] : [message],
  'that says nothing any more': () => after(() => []),
  'that throws its tabs out': () => (message) =>
    message.type === 'changes' ? [{ type: 'refused', reason: 'no room' }] : [message],
  'that is below the tab itself': () => (message) =>
    message.type === 'changes' ? [{ type: 'path', path: ['liar', 'b', 'root'] }, message] : [message],
};

function begun(round: number, revision: number): FeederMessage {
  const head = { type: 'snapshot', round, revision, isDeflated: false, isFirst: true, isDone: false } as const;
  return { ...head, payload: encodeFeedEntries([first]) };
}

const first: KeyValue = { key: 'k', value: other, revision: 2, createRevision: 2, version: 1 };

/** Node's own kind of bytes says other things of itself. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
function like(entry: KeyValue, key: string): KeyValue {
  return { ...entry, key, value: other };
}
function entryOf(event: ChangeEvent): KeyValue {
  return event.type === 'put' ? event.entry : { ...first, revision: event.revision };
}
function put(entry: KeyValue): ChangeEvent {
  return { type: 'put', entry, previous: undefined };
}
function gone(key: string, revision: number): ChangeEvent {
  return { type: 'delete', key, revision, previous: undefined };
}
function at(revision: number, all: readonly ChangeEvent[]): Change {
  const moved = all.map((event): ChangeEvent =>
    event.type === 'put' ? put({ ...event.entry, revision }) : { ...event, revision, previous: undefined },
  );
  return { revision, events: moved };
}
function made(piece: ChangesPiece, revision: number): ChangesPiece {
  const change = { revision, events: [put({ ...like(first, 'invented'), revision })] };
  return { ...piece, isDeflated: false, revision, payload: encodeFeedChanges([change]) };
}

function pieces(lie: (piece: SnapshotPiece) => readonly SnapshotPiece[]): Lie {
  return (message) => (message.type === 'snapshot' ? lie(message) : [message]);
}
function entries(lie: (list: readonly KeyValue[]) => readonly KeyValue[]): Lie {
  return pieces((piece) => {
    const list = lie(decodeFeedEntries(piece.payload)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
    return [{ ...piece, payload: encodeFeedEntries(list) }];
  });
}

function after(lie: (piece: ChangesPiece) => readonly FeederMessage[]): Lie {
  return (message) => (message.type === 'changes' && message.payload.length > 0 ? lie(message) : [message]);
}
function changes(lie: (list: readonly Change[]) => readonly Change[]): Lie {
  return after((piece) => {
    const { isDeflated, payload } = piece;
    const list = lie(decodeFeedChanges(isDeflated ? deflateCompression.inflate(payload, 2 ** 22) : payload));
    return [{ ...piece, isDeflated: false, payload: list.length === 0 ? nothing : encodeFeedChanges(list) }];
  });
}
function events(lie: (event: ChangeEvent) => readonly ChangeEvent[]): Lie {
  return changes((list) => list.map(({ revision, events: all }) => ({ revision, events: all.flatMap(lie) })));
}
