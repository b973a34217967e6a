// What the parts of the conformance suite share: the shape of a place under test, the few test functions that they use, and
// makers of entries. Nothing here knows an adapter.
import { RaftkvError } from '@raftkv/wire';
import type { Entry, HardState, SnapshotMeta } from '@raftkv/raft';
import type { RequestedIdentity } from './identity-file.ts';
import type { Storage, StoredState } from './storage.ts';

export interface OpenOptions {
  readonly create: boolean;
  readonly identity?: RequestedIdentity;
}

/** One place where a storage is kept, as a directory is. */
export interface StorageUnderTest {
  /** Opens, or opens again, what is kept here. */
  open(options: OpenOptions): Promise<Storage>;
  /** Removes the place. */
  dispose(): Promise<void>;
}

/** The part of an assertion library that the suite uses; vitest's and jest's have it. */
export type ConformanceExpect = (
  value: unknown,
  message?: string,
) => {
  toEqual(expected: unknown): void;
  toBe(expected: unknown): void;
  toBeGreaterThan(expected: number): void;
};

export interface TestFunctions {
  readonly describe: (title: string, body: () => void) => void;
  readonly it: (title: string, body: () => Promise<void>) => void;
  readonly expect: ConformanceExpect;
}

export interface ConformanceTools extends TestFunctions {
  readonly createPlace: () => Promise<StorageUnderTest>;
}

export const member: RequestedIdentity = { clusterId: 'cluster-1', memberId: '00000000000000a1', memberName: 'node1' };

const configuration: SnapshotMeta['configuration'] = {
  voters: ['a1', 'a2'],
  votersOutgoing: ['a1', 'a4'],
  learners: ['a3'],
  learnersNext: ['a4'],
  members: [
    { id: 'a1', name: 'node1', address: '127.0.0.1:8080', storeId: 's1' },
    { id: 'a3', name: 'née', address: '[::1]:8082', storeId: undefined },
  ],
};

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function entry(index: number, term = 1, text = `entry ${index}.${term}`): Entry {
  return { index, term, kind: 'command', data: bytesOf(text) };
}

/** Entries `first` to `last`, all of one term. */
export function entries(first: number, last: number, term = 1): Entry[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => entry(first + i, term));
}

export function hardState(term: number, votedFor?: string, commitIndex = 0): HardState {
  return { term, votedFor, commitIndex };
}

export function meta(lastIncludedIndex: number, lastIncludedTerm = 1): SnapshotMeta {
  return { lastIncludedIndex, lastIncludedTerm, configuration };
}

/** Whether two byte arrays are the same; an assertion library would take seconds over a megabyte. */
export function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A log as text, so that a difference is read at a glance. */
export function describeEntries(list: readonly Entry[]): string[] {
  return list.map(({ index, term, kind, data }) => `${index}.${term} ${kind} ${new TextDecoder().decode(data)}`);
}

/** Runs a body with a new place that is open, and cleans up. */
export async function withStorage(
  tools: ConformanceTools,
  body: (storage: Storage, reopen: () => Promise<{ storage: Storage; state: StoredState }>) => Promise<void>,
): Promise<void> {
  const place = await tools.createPlace();
  let storage = await place.open({ create: true, identity: member });
  const reopen = async (): Promise<{ storage: Storage; state: StoredState }> => {
    await storage.close();
    storage = await place.open({ create: false, identity: member });
    return { storage, state: await storage.load() };
  };
  try {
    await body(storage, reopen);
  } finally {
    await storage.close();
    await place.dispose();
  }
}

/** The code that a promise is rejected with, or "resolved". */
export async function codeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    return RaftkvError.from(error).code;
  }
  return 'resolved';
}

/** Writes and commits a snapshot of this content. */
export async function saveSnapshot(
  storage: Storage,
  of: SnapshotMeta,
  content: Uint8Array,
  options?: { readonly resetLog?: boolean },
): Promise<void> {
  const writer = await storage.createSnapshot(of);
  for (let from = 0; from < content.length; from += 100_000) await writer.write(content.subarray(from, from + 100_000));
  await writer.commit(options);
}

/** The whole content of the latest snapshot, or undefined. */
export async function readSnapshot(storage: Storage): Promise<Uint8Array | undefined> {
  const reader = await storage.openSnapshot();
  if (reader === undefined) return undefined;
  try {
    return await reader.read(0, reader.totalBytes);
  } finally {
    await reader.close();
  }
}
