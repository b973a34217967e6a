// The omniscient record: every entry that was ever committed anywhere, in order, and the one state that follows from it. Members are held against
// it; it never changes, it only grows.
import { Store } from '@raftkv/kv';
import type { Change, CommandEnvelope, CommandResult, StoreOptions } from '@raftkv/kv';
import type { Entry } from '@raftkv/raft';
import { decodeCommand, formatLimits } from '@raftkv/wire';
import { Violation } from '../world/violation.ts';
import { Configurations } from './configurations.ts';

export interface CanonicalEntry {
  readonly term: number;
  readonly entry: Entry;
  /** Undefined: no command. */
  readonly envelope: CommandEnvelope | undefined;
  readonly result: CommandResult | undefined;
  /** Of the store when it was applied. */
  readonly revision: number;
  readonly hash: string;
  /** What it changed. */
  readonly changes: readonly Change[];
}

export class Canon {
  readonly store: Store;
  readonly limits: StoreOptions;
  readonly configurations = new Configurations();
  readonly #entries: CanonicalEntry[] = [];
  readonly #changes: (Change | undefined)[] = [];
  readonly #hashes: string[] = [];

  constructor(options: StoreOptions) {
    this.limits = options;
    this.store = new Store(options);
    this.#hashes[this.store.revision] = this.store.contentHash();
  }

  /** What revision `revision` changed. */
  changeAt(revision: number): Change | undefined {
    return this.#changes[revision];
  }

  /** Of the store at that revision. */
  hashAt(revision: number): string | undefined {
    return this.#hashes[revision];
  }

  /** The highest index that is known to be committed anywhere. */
  get lastIndex(): number {
    return this.#entries.length;
  }

  at(index: number): CanonicalEntry | undefined {
    return this.#entries[index - 1];
  }

  termAt(index: number): number {
    return index === 0 ? 0 : this.#entries[index - 1]!.term;
  }

  get entries(): readonly CanonicalEntry[] {
    return this.#entries;
  }

  /** `entry` is committed, as `who` says. Answers whether that is news. */
  committed(entry: Entry, who: string): boolean {
    const known = this.#entries[entry.index - 1];
    if (known !== undefined) {
      if (known.entry !== entry && !isSame(known.entry, entry)) {
        const was = `${known.term}/${known.entry.kind}`;
        throw new Violation(
          'committed entries never change',
          `${who} has ${entry.term}/${entry.kind} at ${entry.index}, committed was ${was}`,
        );
      }
      return false;
    }
    if (entry.index !== this.#entries.length + 1) {
      throw new Violation(
        'committed entries never change',
        `${who} commits ${entry.index}, known are ${this.#entries.length}`,
      );
    }
    this.#entries.push(this.#apply(entry));
    if (entry.kind === 'configuration') this.configurations.commit(entry);
    return true;
  }

  #apply(entry: Entry): CanonicalEntry {
    const { store } = this;
    const { term } = entry;
    const before = store.revision;
    const isCommand = entry.kind === 'command';
    const envelope = isCommand ? decodeCommand(entry.data, { limits: formatLimits }) : undefined;
    const result = envelope === undefined ? undefined : store.apply(entry.index, envelope);
    const { revision } = store;
    const changes = this.#changesAfter(before);
    const hash = store.contentHash();
    for (const change of changes) this.#changes[change.revision] = change;
    this.#hashes[revision] = hash;
    return { term, entry, envelope, result, revision, hash, changes };
  }

  #changesAfter(revision: number): readonly Change[] {
    if (this.store.revision === revision) return [];
    const read = this.store.changes(revision + 1, {});
    return 'changes' in read ? read.changes : [];
  }
}

function isSame(a: Entry, b: Entry): boolean {
  if (a.term !== b.term || a.kind !== b.kind || a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
}
