// Opens the store of a copy: with what is in it, or emptied where that cannot be used. What emptying cannot mend is for the caller.
import { RaftkvError } from '@raftkv/wire';
import { Journal } from './journal.ts';
import type { CopyStore, JournalOptions, LoadedJournal } from './journal.ts';

export interface CopyIdentity {
  readonly clusterId: string;
  readonly replicaId: string;
}

export interface OpenJournalOptions extends JournalOptions {
  /** What was in the store cannot be used and was removed. */
  readonly onEmptied: (error: RaftkvError) => void;
}

/** What is wrong with a store that a new one would not have. */
const mendable: readonly string[] = [
  'storage_corrupt',
  'unsupported_version',
  'storage_identity',
  'bad_frame',
  'halted',
];

/** Without an identity only a store that is there is opened; undefined: there is none. */
export async function openJournal(
  store: CopyStore,
  identity: CopyIdentity | undefined,
  options: OpenJournalOptions,
): Promise<LoadedJournal | undefined> {
  try {
    return await load(store, identity, options);
  } catch (error) {
    const cause = RaftkvError.from(error);
    if (!mendable.includes(cause.code)) throw cause;
    options.onEmptied(new RaftkvError(cause.code, `${cause.message}; the copy is fetched anew`, { cause }));
    await store.wipe();
    return load(store, identity, options);
  }
}

async function load(
  store: CopyStore,
  identity: CopyIdentity | undefined,
  options: JournalOptions,
): Promise<LoadedJournal | undefined> {
  try {
    return await Journal.load(store, identity && { ...identity, scope: options.scope }, options);
  } catch (error) {
    if (identity === undefined && RaftkvError.from(error).code === 'storage_missing') return undefined;
    throw error;
  }
}
