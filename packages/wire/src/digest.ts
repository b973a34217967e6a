// What a member vouches for when somebody else brings the data: a digest (SHA-256) of the changes between two revisions, or of the whole state at one. Both
// sides work it out by themselves, so what is hashed is a format of its own, which does not change with those of frames. It is laid out in README.md.
import type { Change, Key, KeyRange, KeyValue } from '@raftkv/kv';
import { range } from './fields.ts';
import { bin, boxed, fields, list, oneOf, optional, text, uint } from './layout.ts';
import { Sha256 } from './sha256.ts';
import type { Hasher } from './sha256.ts';
import { decodeVersioned, encodeVersioned } from './versioned.ts';

/**
 * Asked of any member, inside an `admin` message. `place`: where it stands; answered at once. `changes`: of what comes after `from`, answered when there is
 * something. `state`: of all there is at some revision from `from` on, answered when the member is there and has worked it out.
 */
export interface DigestRequest {
  readonly type: 'digest';
  readonly about: 'place' | 'changes' | 'state';
  readonly from: number;
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
}

export interface DigestAnswer {
  /** `nothing`: not yet; ask again. `compacted`: the changes after `from` are no longer there. */
  readonly about: 'place' | 'changes' | 'state' | 'nothing' | 'compacted';
  /** `changes`: they are those up to here. `state`: as of this one. Else where the member stands. */
  readonly revision: number;
  /** Every entry of the log up to this one is contained; 0 if none is known. */
  readonly index: number;
  /** Of keys and values, in the whole store. */
  readonly bytes: number;
  /** Undefined while the member hears of none. */
  readonly leader: string | undefined;
  /** 32 bytes, of `changes` and `state`; else none. */
  readonly digest: Uint8Array;
}

const answer = boxed(
  fields<DigestAnswer>({
    about: oneOf(['place', 'changes', 'state', 'nothing', 'compacted']),
    revision: uint,
    index: uint,
    bytes: uint,
    leader: optional(text),
    digest: bin,
  }),
);

/** The fields behind the tag of a request. */
export const digestRequest = fields<Omit<DigestRequest, 'type'>>({
  about: oneOf(['place', 'changes', 'state']),
  from: uint,
  ranges: list(range),
});

export function encodeDigestAnswer(made: DigestAnswer): Uint8Array {
  return encodeVersioned(answer, made, 128);
}

/** The digest is a view over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeDigestAnswer(bytes: Uint8Array): DigestAnswer {
  return decodeVersioned(answer, bytes, 'a digest');
}

/** Of the changes after `from` up to and including `to`, as they are in the ranges; revisions of which nothing is there are left out. */
export function digestOfChanges(
  from: number,
  to: number,
  changes: readonly Change[],
  hasher: Hasher = new Sha256(),
): Uint8Array {
  const sink = new Sink(hasher, 'raftkv changes 1');
  sink.number(from);
  sink.number(to);
  for (const { revision, events } of changes) {
    if (events.length === 0) continue;
    sink.number(revision);
    sink.number(events.length);
    for (const event of events) {
      sink.number(event.type === 'put' ? 1 : 2);
      if (event.type === 'put') sink.entry(event.entry);
      else sink.key(event.key);
    }
  }
  return sink.digest();
}

/** Of all live entries in the ranges, in the order of their keys. */
export class StateDigest {
  readonly #sink: Sink;

  constructor(hasher: Hasher = new Sha256()) {
    this.#sink = new Sink(hasher, 'raftkv state 1');
  }

  add(entry: KeyValue): void {
    this.#sink.entry(entry);
  }

  finish(): Uint8Array {
    return this.#sink.digest();
  }
}

/** Gathers small pieces, since a hash takes few large ones faster. */
class Sink {
  readonly #hasher: Hasher;
  readonly #buffer = new Uint8Array(8 * 1024);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;

  constructor(hasher: Hasher, what: string) {
    this.#hasher = hasher;
    this.key(what as Key);
  }

  /** 64 bits, the high ones first. */
  number(value: number): void {
    this.#room(8);
    this.#view.setUint32(this.#used, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(this.#used + 4, value % 0x1_0000_0000);
    this.#used += 8;
  }

  /** Length and bytes; a key has one character a byte. */
  key(key: Key): void {
    this.number(key.length);
    for (let at = 0; at < key.length; at += 1) {
      if (this.#used === this.#buffer.length) this.#flush();
      this.#buffer[this.#used++] = key.charCodeAt(at);
    }
  }

  entry({ key, value, revision, createRevision, version }: KeyValue): void {
    this.key(key);
    this.number(revision);
    this.number(createRevision);
    this.number(version);
    this.number(value.length);
    if (value.length > 1024) {
      this.#flush();
      this.#hasher.update(value);
      return;
    }
    this.#room(value.length);
    this.#buffer.set(value, this.#used);
    this.#used += value.length;
  }

  digest(): Uint8Array {
    this.#flush();
    return this.#hasher.digest();
  }

  #room(bytes: number): void {
    if (this.#used + bytes > this.#buffer.length) this.#flush();
  }

  #flush(): void {
    this.#hasher.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
