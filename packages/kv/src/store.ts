// The multi-version store: `apply` is the only writer; reads, the change feed and snapshots look at what it made. It holds no logic of
// its own beyond the order of things: session, structure, execution, answer. One replica calls it, from one loop.
import type { Change } from './change.ts';
import type {
  Command,
  CommandEnvelope,
  CommandError,
  CommandResult,
  GetResult,
  Key,
  KeyRange,
  ScanOptions,
  ScanResult,
} from './command.ts';
import type { StoreOptions } from './options.ts';
import type { StoreSnapshot } from './snapshot.ts';
import { assert, unreachable } from './assert.ts';
import { emptyContent, Keyspace } from './keyspace.ts';
import { sessionLimits, windowLimits } from './options.ts';
import { readKey, readRange, refuseRead } from './read.ts';
import { compacted, futureRevision, invalidArgument, sessionExpired } from './refusal.ts';
import { SessionTable } from './sessions.ts';
import { takeSnapshot } from './snapshot.ts';
import { runBatch, runDelete, runDeleteRange, runPut, runTxn } from './txn.ts';
import { refuseCommand, refuseScan, refuseStamp } from './validate.ts';

export interface StoreStatistics {
  readonly keys: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly sessions: number;
  /** Older versions and tombstones in memory at this moment. */
  readonly historyVersions: number;
  readonly revision: number;
  readonly compactedRevision: number;
  readonly appliedIndex: number;
  /** Commands applied by this object, by type. Not replicated: a restored store counts from 0. */
  readonly applied: Readonly<Record<string, number>>;
}

/** The parts that a snapshot restores. */
export interface StoreState {
  readonly appliedIndex: number;
  readonly keyspace: Keyspace;
  readonly sessions: SessionTable;
}

/**
 * A replicated, multi-version key-value store. Everything that it answers follows from the commands applied, so two stores that were
 * given the same commands at the same indexes answer alike and have the same snapshot bytes.
 *
 * @example
 * const store = new Store();
 * store.apply(1, { session: undefined, command: { type: 'put', key: 'a', value: bytes } }); // { type: 'put', revision: 2 }
 * store.get('a'); // { type: 'get', revision: 2, entry: { key: 'a', value: bytes, revision: 2, createRevision: 2, version: 1 } }
 */
export class Store {
  #appliedIndex: number;
  readonly #keyspace: Keyspace;
  readonly #sessions: SessionTable;
  readonly #applied: Record<Command['type'], number> = {
    put: 0,
    delete: 0,
    deleteRange: 0,
    batch: 0,
    txn: 0,
    compact: 0,
    openSession: 0,
    keepAlive: 0,
    closeSession: 0,
  };

  /** Throws InvariantError for an option that is not a positive integer. `state` is for StoreRestore. */
  constructor(options: StoreOptions = {}, state: StoreState = emptyState(options)) {
    this.#appliedIndex = state.appliedIndex;
    this.#keyspace = state.keyspace;
    this.#sessions = state.sessions;
  }

  /** The newest revision; 1 = the empty store. */
  get revision(): number {
    return this.#keyspace.revision;
  }
  /** Reads and watches from below this answer `compacted`; it can itself still be read and watched from, as in etcd. 0 = nothing was forgotten. */
  get compactedRevision(): number {
    return this.#keyspace.compactedRevision;
  }
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /**
   * Carries out the entry at `index` (which must be greater than the last one applied; gaps are entries that are not commands) and answers its result or
   * refusal. Values are kept as they are handed over and copied only where they are a small part of a larger buffer: the caller must not change them. Throws
   * InvariantError for an index that goes back.
   */
  apply(index: number, envelope: CommandEnvelope): CommandResult {
    assert(
      Number.isSafeInteger(index) && index > this.#appliedIndex,
      () => `index ${index} after ${this.#appliedIndex}`,
    );
    this.#appliedIndex = index;
    const { session: stamp, command } = envelope;
    if (stamp === undefined) return this.#execute(index, command);
    const refusal = refuseStamp(stamp);
    if (refusal !== undefined) return refusal;
    const admission = this.#sessions.admit(stamp, index);
    if (admission.type !== 'admitted') return admission;
    const result = this.#execute(index, command);
    this.#sessions.record(admission.session, stamp.sequence, result);
    return result;
  }

  #execute(index: number, command: Command): CommandResult {
    const refusal = refuseCommand(command);
    if (refusal !== undefined) return refusal;
    this.#applied[command.type]++;
    const result = this.#run(index, command);
    this.#keyspace.commit();
    return result;
  }

  #run(index: number, command: Command): CommandResult {
    switch (command.type) {
      case 'put':
        return runPut(this.#keyspace, command);
      case 'delete':
        return runDelete(this.#keyspace, command);
      case 'deleteRange':
        return runDeleteRange(this.#keyspace, command);
      case 'batch':
        return runBatch(this.#keyspace, command);
      case 'txn':
        return runTxn(this.#keyspace, command);
      case 'compact':
        return this.#compact(command.revision);
      case 'openSession':
        this.#sessions.open(index);
        return { type: 'session', clientId: index };
      case 'keepAlive':
        return this.#sessionResult(command.clientId, this.#sessions.touch(command.clientId, index) !== undefined);
      case 'closeSession':
        return this.#sessionResult(command.clientId, this.#sessions.close(command.clientId));
      default:
        return unreachable(command);
    }
  }

  /** etcd's rules: what is compacted already, and what is yet to come, is refused. */
  #compact(revision: number): CommandResult {
    const { compactedRevision, revision: newest } = this.#keyspace;
    if (revision <= compactedRevision) return compacted(revision, compactedRevision);
    if (revision > newest) return futureRevision(revision, newest);
    this.#keyspace.compact(revision);
    return { type: 'compact', revision: newest };
  }

  #sessionResult(clientId: number, exists: boolean): CommandResult {
    return exists ? { type: 'session', clientId } : sessionExpired(clientId);
  }

  /** One key, now or as of a retained revision. The entry is the store's own object: the same one until the key changes. */
  get(key: Key, options?: { readonly revision?: number }): GetResult | CommandError {
    const revision = options?.revision;
    return refuseRead(this.#keyspace, revision) ?? readKey(this.#keyspace, key, revision);
  }

  /** The keys of a range in byte order (or its reverse), now or as of a retained revision. */
  scan(range: KeyRange, options: ScanOptions = {}): ScanResult | CommandError {
    return (
      refuseScan(range, options) ??
      refuseRead(this.#keyspace, options.revision) ??
      readRange(this.#keyspace, range, options)
    );
  }

  /**
   * The changes from revision `from` on, oldest first, looking at no more than `limit` revisions; those that touch `range` if given, each with just the
   * events in it. Go on from `nextRevision`, also where nothing matched. `from` may lie in the future: then there is nothing yet.
   *
   * As in etcd, a start below compactedRevision is `compacted`, and compactedRevision itself is not: its events, deletes included, are kept. What
   * was there before them is not, so they come without `previous`.
   */
  changes(
    from: number,
    options?: { readonly range?: KeyRange; readonly limit?: number },
  ): { readonly changes: readonly Change[]; readonly nextRevision: number } | CommandError {
    const { revision, compactedRevision, log } = this.#keyspace;
    if (!(Number.isSafeInteger(from) && from >= 0)) return invalidArgument('a revision is a whole number');
    const limit = options?.limit ?? Infinity;
    if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit > 0))
      return invalidArgument('limit is at least 1');
    if (from < compactedRevision) return compacted(from, compactedRevision);
    const changes: Change[] = [];
    const end = Math.min(revision + 1, from + limit);
    const range = options?.range;
    for (let at = Math.max(from, log.firstRevision); at < end; at++) {
      const change = log.changeAt(at, range, at > compactedRevision);
      if (change !== undefined) changes.push(change);
    }
    return { changes, nextRevision: Math.max(from, end) };
  }

  /**
   * A hash of all live entries (key, value, revision, createRevision, version) in 16 hexadecimal digits: equal on every copy that holds the same, whatever its
   * history. The first call walks over all keys, `maxBytes` of them at most (default: all), and answers undefined while that is not through; from then on
   * it is kept up with each write, until `forgetContentHash`.
   */
  contentHash(): string;
  contentHash(maxBytes: number): string | undefined;
  contentHash(maxBytes = Infinity): string | undefined {
    return this.#keyspace.contentHash(maxBytes);
  }

  /** Writes go without the cost of the content hash again (a hash of what is written, and of what was there before). */
  forgetContentHash(): void {
    this.#keyspace.forgetContentHash();
  }

  statistics(): StoreStatistics {
    const { keys, keyBytes, valueBytes, historyVersions, revision, compactedRevision } = this.#keyspace;
    return {
      keys,
      keyBytes,
      valueBytes,
      sessions: this.#sessions.size,
      historyVersions,
      revision,
      compactedRevision,
      appliedIndex: this.#appliedIndex,
      applied: { ...this.#applied },
    };
  }

  /** Takes a view of the whole state in time independent of its size (but for one step a session). History is not trimmed until it is released. */
  snapshot(): StoreSnapshot {
    return takeSnapshot(this.#appliedIndex, this.#keyspace, this.#sessions);
  }
}

function emptyState(options: StoreOptions): StoreState {
  return {
    appliedIndex: 0,
    keyspace: new Keyspace(emptyContent(windowLimits(options))),
    sessions: new SessionTable(sessionLimits(options)),
  };
}
