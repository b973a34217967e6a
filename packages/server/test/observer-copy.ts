// What an observer is, in the most naive way: a map that is fed, and checks of everything that a feed promises.
import assert from 'node:assert/strict';
import { ContentHash } from '@raftkv/kv';
import type { KeyRange, KeyValue } from '@raftkv/kv';
import { decodeFeedChanges, decodeFeedEntries, deflateCompression } from '@raftkv/wire';
import type { KvStateMachine } from '../src/kv-state-machine.ts';
import type { Feed, FeedPiece } from '../src/node-api.ts';

const maxPayloadBytes = 4 * 1024 * 1024;

export class ObserverCopy {
  entries = new Map<string, KeyValue>();
  revision: number;
  index = 0;
  hash: string | undefined;
  /** As of which revision the copy was last complete. */
  consistentAt: number;
  pieces = 0;
  snapshots = 0;
  /** Revisions that came as changes. */
  readonly changed: number[] = [];
  /** While a snapshot comes in. */
  building: Map<string, KeyValue> | undefined;

  constructor(from = 0, entries: Iterable<KeyValue> = []) {
    this.revision = from;
    this.consistentAt = from;
    for (const entry of entries) this.entries.set(entry.key, entry);
  }

  receive(piece: FeedPiece): void {
    this.pieces++;
    const payload = piece.isDeflated ? deflateCompression.inflate(piece.payload, maxPayloadBytes) : piece.payload;
    assert.ok(piece.revision >= this.revision, `revision ${piece.revision} after ${this.revision}`);
    assert.ok(piece.index >= this.index, `index ${piece.index} after ${this.index}`);
    if (piece.type === 'feedSnapshot') this.#piece(piece, decodeFeedEntries(payload));
    else this.#changes(piece.revision, payload);
    this.revision = piece.revision;
    this.index = piece.index;
    this.hash = piece.hash;
    if (this.building === undefined) this.consistentAt = piece.revision;
    else assert.equal(piece.hash, undefined);
    if (piece.hash !== undefined) assert.equal(piece.hash, hashOf(this.entries.values()));
  }

  #piece(piece: Extract<FeedPiece, { type: 'feedSnapshot' }>, entries: readonly KeyValue[]): void {
    if (piece.isFirst) {
      this.building = new Map();
      this.snapshots++;
    }
    const building = this.building!;
    for (const entry of entries) {
      // What a change brought belongs to keys that were passed before.
      assert.ok(!building.has(entry.key), `${entry.key} was there already`);
      building.set(entry.key, entry);
    }
    if (!piece.isDone) return;
    this.entries = building;
    this.building = undefined;
  }

  #changes(upTo: number, payload: Uint8Array): void {
    const target = this.building ?? this.entries;
    let before = this.revision;
    for (const { revision, events } of decodeFeedChanges(payload)) {
      assert.ok(revision > before && revision <= upTo, `revision ${revision} after ${before}, up to ${upTo}`);
      before = revision;
      if (this.building === undefined) this.changed.push(revision);
      for (const event of events) {
        if (event.type === 'put') target.set(event.entry.key, event.entry);
        else target.delete(event.key);
      }
    }
  }

  /** Takes all that there is. */
  drain(feed: Feed, atMost = Infinity): void {
    for (let left = atMost; left > 0; left--) {
      const piece = feed.take();
      if (piece === undefined) return;
      this.receive(piece);
    }
  }
}

export function hashOf(entries: Iterable<KeyValue>): string {
  const hash = new ContentHash();
  for (const entry of entries) hash.add(entry);
  return hash.toString();
}

/** The live entries in the ranges (none = all), by a way of their own. */
export function entriesIn(machine: KvStateMachine, ranges: readonly KeyRange[] = []): Map<string, KeyValue> {
  const scan = machine.store.scan({ from: '', to: undefined });
  if (scan.type === 'error') throw new Error(scan.message);
  const isIn = (key: string): boolean =>
    ranges.length === 0 || ranges.some(({ from, to }) => key >= from && (to === undefined || key < to));
  return new Map(scan.entries.filter(({ key }) => isIn(key)).map((entry) => [entry.key, entry]));
}
