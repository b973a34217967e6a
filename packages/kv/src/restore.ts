// Building a store from a snapshot's bytes, which come from a disk or a peer and are hostile until the last of them is checked. The format is in
// docs/snapshot-format.md; `snapshot.ts` writes it.
import type { CommandResult, Key, KeyValue } from './command.ts';
import type { Parsing } from './bytes.ts';
import type { KeyCell, KeyRecord } from './record.ts';
import type { Session } from './sessions.ts';
import type { StoreOptions } from './options.ts';
import type { StoreState } from './store.ts';
import { ByteFeed, readBlob, readGroup, readString } from './bytes.ts';
import { buildLog, checkLink, checkVersion, demand } from './chain.ts';
import { Keyspace } from './keyspace.ts';
import type { KeyspaceContent } from './keyspace.ts';
import { Window } from './window.ts';
import type { WindowLimits } from './window.ts';
import { KeyIndex } from './key-index.ts';
import { maxKeyBytes, maxValueBytes } from './limits.ts';
import { sessionLimits, windowLimits } from './options.ts';
import { readResult } from './result-codec.ts';
import { answerBytes, SessionTable } from './sessions.ts';
import { olderFlag, snapshotMagic, tombstoneFlag } from './snapshot.ts';
import { Store } from './store.ts';

/**
 * Rebuilds a Store from the chunks of a StoreSnapshot, however they are cut. `write` and `finish` throw SnapshotFormatError on bytes that are
 * no snapshot, and from then on every time; no Store exists until `finish`. A chunk may be reused once `write` returns.
 *
 * @example
 * const restore = new StoreRestore(options);
 * for (const chunk of snapshot.chunks()) restore.write(chunk);
 * const store = restore.finish();
 */
export class StoreRestore {
  readonly #options: StoreOptions;
  readonly #feed = new ByteFeed();
  readonly #parsing: Parsing<StoreState>;
  #state: StoreState | undefined;
  #failure: unknown;

  constructor(options: StoreOptions = {}) {
    this.#options = options;
    this.#parsing = parseSnapshot(this.#feed, options);
    this.#advance();
  }

  write(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (chunk.length === 0) return;
    this.#feed.push(chunk);
    this.#advance();
    this.#feed.settle();
  }

  finish(): Store {
    if (this.#failure !== undefined) throw this.#failure;
    demand(this.#state !== undefined, 'the snapshot is cut short');
    return new Store(this.#options, this.#state);
  }

  #advance(): void {
    try {
      demand(this.#state === undefined, 'bytes follow the end of the snapshot');
      const step = this.#parsing.next();
      if (step.done !== true) return;
      this.#state = step.value;
      demand(this.#feed.available === 0, 'bytes follow the end of the snapshot');
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

function* parseSnapshot(feed: ByteFeed, options: StoreOptions): Parsing<StoreState> {
  for (const [at, expected] of snapshotMagic.entries()) {
    const byte = yield* readGroup(feed, (from) => from.byte());
    demand(byte === expected, at < 4 ? 'this is no snapshot' : `version ${byte} of the snapshot format is unknown`);
  }
  const header = yield* readGroup(feed, (from) => ({
    appliedIndex: from.uint(),
    revision: from.uint(),
    compactedRevision: from.uint(),
  }));
  const { appliedIndex, revision, compactedRevision } = header;
  demand(revision >= 1 && compactedRevision <= revision, 'the revisions are impossible');
  const sessions = yield* parseSessions(feed, appliedIndex);
  const keys = yield* parseKeys(feed, revision, compactedRevision);
  const computed = feed.checksum();
  const stored = yield* readGroup(
    feed,
    (from) => from.byte() + from.byte() * 2 ** 8 + from.byte() * 2 ** 16 + from.byte() * 2 ** 24,
  );
  demand(stored === computed, 'the checksum does not match');
  const keyspace = new Keyspace(keys.content(windowLimits(options), revision, compactedRevision));
  return { appliedIndex, keyspace, sessions: new SessionTable(sessionLimits(options), sessions) };
}

function* parseSessions(feed: ByteFeed, appliedIndex: number): Parsing<Session[]> {
  const sessions: Session[] = [];
  const seen = new Set<number>();
  let lastUsed = 0;
  for (let missing = yield* readGroup(feed, (from) => from.uint()); missing > 0; missing--) {
    const head = yield* readGroup(feed, (from) => ({
      clientId: from.uint(),
      lastUsedIndex: from.uint(),
      floor: from.uint(),
      answerCount: from.uint(),
    }));
    const { clientId, lastUsedIndex, floor, answerCount } = head;
    demand(clientId >= 1 && clientId <= lastUsedIndex && !seen.has(clientId), 'a session has an impossible clientId');
    demand(lastUsedIndex >= lastUsed && lastUsedIndex <= appliedIndex, 'sessions are out of order');
    seen.add(clientId);
    lastUsed = lastUsedIndex;
    const answers = yield* parseAnswers(feed, floor, answerCount);
    let bytes = 0;
    for (const answer of answers.values()) bytes += answerBytes(answer);
    sessions.push({ clientId, lastUsedIndex, floor, answers, answerBytes: bytes, epoch: 0 });
  }
  return sessions;
}

function* parseAnswers(feed: ByteFeed, floor: number, count: number): Parsing<Map<number, CommandResult>> {
  const answers = new Map<number, CommandResult>();
  for (let missing = count; missing > 0; missing--) {
    const sequence = yield* readGroup(feed, (from) => from.uint());
    demand(sequence > floor && !answers.has(sequence), 'an answer has an impossible sequence');
    answers.set(sequence, yield* readResult(feed));
  }
  return answers;
}

function* parseKeys(feed: ByteFeed, revision: number, compactedRevision: number): Parsing<KeyCollector> {
  const collector = new KeyCollector();
  let before: Key = '';
  for (;;) {
    const length = yield* readGroup(feed, (from) => from.uint());
    if (length === 0) break;
    demand(length <= maxKeyBytes, 'a key is too large');
    const key = yield* readString(feed, length);
    demand(key > before, 'keys are out of order');
    before = key;
    let newer: KeyRecord | undefined;
    for (;;) {
      const { record, hasOlder } = yield* parseVersion(feed, key);
      checkVersion(record, revision);
      if (newer === undefined) {
        collector.addKey(record);
      } else {
        checkLink(newer, record, compactedRevision);
        newer.previous = record;
      }
      collector.addVersion(record, compactedRevision);
      if (!hasOlder) {
        checkLink(record, undefined, compactedRevision);
        break;
      }
      newer = record;
    }
  }
  const end = yield* readGroup(feed, (from) => ({ keyCount: from.uint(), versionCount: from.uint() }));
  demand(end.keyCount === collector.keyCount && end.versionCount === collector.versionCount, 'keys are missing');
  return collector;
}

function* parseVersion(feed: ByteFeed, key: Key): Parsing<{ readonly record: KeyRecord; readonly hasOlder: boolean }> {
  const head = yield* readGroup(feed, (from) => {
    const flags = from.byte();
    const [revision, order] = [from.uint(), from.uint()];
    if ((flags & tombstoneFlag) !== 0) return { flags, revision, order, createRevision: 0, version: 0, length: 0 };
    return { flags, revision, order, createRevision: from.uint(), version: from.uint(), length: from.uint() };
  });
  const { flags, revision, order, createRevision, version, length } = head;
  demand((flags & ~(tombstoneFlag | olderFlag)) === 0, 'a version has unknown flags');
  demand(length <= maxValueBytes, 'a value is too large');
  let entry: KeyValue | undefined;
  if ((flags & tombstoneFlag) === 0) {
    const value = yield* readBlob(feed, length);
    entry = { key, value, revision, createRevision, version };
  }
  return { record: { key, entry, revision, order, previous: undefined }, hasOlder: (flags & olderFlag) !== 0 };
}

/** Gathers what the keyspace is built from in one go at the end. */
class KeyCollector {
  versionCount = 0;
  readonly #cells: KeyCell[] = [];
  readonly #window: KeyRecord[] = [];
  #live = 0;
  #keyBytes = 0;
  #valueBytes = 0;

  get keyCount(): number {
    return this.#cells.length;
  }

  addKey(newest: KeyRecord): void {
    this.#cells.push({ key: newest.key, newest });
    if (newest.entry === undefined) return;
    this.#live++;
    this.#keyBytes += newest.key.length;
    this.#valueBytes += newest.entry.value.length;
  }

  addVersion(record: KeyRecord, compactedRevision: number): void {
    this.versionCount++;
    if (record.revision >= compactedRevision) this.#window.push(record);
  }

  content(limits: WindowLimits, revision: number, compactedRevision: number): KeyspaceContent {
    const log = buildLog(this.#window, revision, compactedRevision);
    return {
      index: new KeyIndex(this.#cells),
      window: new Window(limits, log, revision, compactedRevision),
      revision,
      keys: this.#live,
      keyBytes: this.#keyBytes,
      valueBytes: this.#valueBytes,
      records: this.versionCount,
    };
  }
}
