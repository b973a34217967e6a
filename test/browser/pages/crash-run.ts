// The small run that is crashed: a script that does all that a member does to its storage, and the states that the memory reference goes
// through in it. Each step changes the state at one instant. Used by the page `crashes.ts`.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { SnapshotWriter, Storage } from '@raftkv/storage';
import type { Entry } from '@raftkv/raft';

export const identity = { clusterId: 'cluster-1', memberId: '00000000000000a1', memberName: 'tab', storeId: 'store-1' };

type Step = (storage: Storage) => Promise<unknown>;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function append(first: number, last: number, term: number, size = 0): Step {
  const entries: Entry[] = [];
  for (let index = first; index <= last; index += 1) {
    entries.push({ index, term, kind: 'command', data: bytesOf(`${index}.${term}${'x'.repeat(size)}`) });
  }
  const hardState = { term, votedFor: 'a1', commitIndex: first - 1 };
  return (storage) => storage.append({ hardState, entries });
}

const vote =
  (term: number, votedFor: string): Step =>
  (storage) =>
    storage.append({ hardState: { term, votedFor, commitIndex: 0 }, entries: [] });

const note =
  (name: string, value: string): Step =>
  (storage) =>
    storage.setNote(name, bytesOf(value));

const compact =
  (index: number): Step =>
  (storage) =>
    storage.compact(index);

/** When the transaction of the step before is on its way: this one has to wait for it, and shares the next. */
const later =
  (step: Step): Step =>
  async (storage) => {
    await Promise.resolve();
    return step(storage);
  };

async function receive(storage: Storage, index: number, term: number, bytes: number): Promise<SnapshotWriter> {
  const configuration = { voters: ['a1'], votersOutgoing: [], learners: [], learnersNext: [], members: [] };
  const writer = await storage.createSnapshot({ lastIncludedIndex: index, lastIncludedTerm: term, configuration });
  // Two parts, so that each may be a transaction of its own.
  for (let part = 0; part < 2; part += 1) await writer.write(new Uint8Array(bytes / 2).fill(index + part));
  return writer;
}

const snapshot =
  (index: number, term: number, bytes: number): Step =>
  async (storage) =>
    (await receive(storage, index, term, bytes)).commit();

/** Received but not committed: no change of state yet. */
const received = new WeakMap<Storage, SnapshotWriter>();

/** Steps in one inner list are begun together. */
const script: readonly (readonly Step[])[] = [
  [append(1, 2, 1)],
  [append(3, 3, 1), append(4, 5, 1), note('a', 'one')],
  [append(6, 6, 1), later(append(7, 7, 1)), later(vote(2, 'a2'))],
  // Truncated, in the chunk that still grows; and then it is full.
  [append(6, 8, 2)],
  [append(9, 9, 2, 9000), later(append(10, 11, 2))],
  [snapshot(7, 2, 140_000)],
  [append(12, 12, 2), note('b', 'two')],
  [compact(7)],
  // Truncated, in another chunk than the one that held them.
  [append(11, 13, 3)],
  [snapshot(10, 2, 400)],
  [compact(10), later(append(14, 15, 3, 3000)), later(note('a', 'three'))],
  [async (storage) => (await receive(storage, 12, 3, 70_000)).abort()],
  [vote(4, 'a3')],
  [async (storage) => received.set(storage, await receive(storage, 40, 5, 140_000))],
  [(storage) => received.get(storage)!.commit({ resetLog: true }), append(41, 42, 5)],
  [append(42, 43, 6), note('b', 'four')],
];

export const stepCount = script.flat().length;

/** The state as one text: what the outside can see of it. Can be asked once, right after opening. */
export async function describeState(storage: Storage): Promise<string> {
  const { hardState, snapshot: meta, entries, compactedIndex, compactedTerm } = await storage.load();
  const reader = await storage.openSnapshot();
  const content = await reader?.read(0, reader.totalBytes);
  await reader?.close();
  const text = new TextDecoder();
  const notes = [await storage.getNote('a'), await storage.getNote('b')];
  return JSON.stringify({
    hardState,
    compactedIndex,
    compactedTerm,
    meta,
    content: content && `${content.length} bytes ${[...new Set(content)].join(' ')}`,
    entries: entries.map(({ index, term, data }) => `${index}.${term} ${text.decode(data.slice(0, 8))} ${data.length}`),
    notes: notes.map((value) => (value === undefined ? undefined : text.decode(value))),
  });
}

/** State 0 is empty; state n is after n steps. */
export async function referenceStates(): Promise<string[]> {
  const store = createMemoryStore();
  const storage = openMemoryStorage({ create: true, identity, store });
  // A second look at the same store, as a restart would have it.
  const look = (): Promise<string> =>
    describeState(openMemoryStorage({ create: false, store: { ...store, isLocked: false } }));
  const states = [await look()];
  for (const step of script.flat()) {
    await step(storage);
    states.push(await look());
  }
  return states;
}

export interface Progress {
  begun: number;
  acknowledged: number;
  /** What opening, steps and closing were refused with. */
  readonly refusals: RaftkvError[];
  /** Whether a write went through after something was refused. */
  isAlive: boolean;
}

export const noProgress = (): Progress => ({ begun: 0, acknowledged: 0, refusals: [], isAlive: false });

/** Runs the script until it ends or something is refused, as a member halts then, and closes. */
export async function runScript(open: () => Promise<Storage>, progress: Progress): Promise<void> {
  const { refusals } = progress;
  const attempt = async (action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof RaftkvError)) throw error;
      refusals.push(error);
    }
  };
  let storage: Storage | undefined;
  await attempt(async () => {
    storage = await open();
  });
  if (storage === undefined) return;
  const opened = storage;
  for (const group of script) {
    const base = progress.acknowledged;
    progress.begun += group.length;
    const steps = group.map((step, i) =>
      attempt(async () => {
        await step(opened);
        progress.acknowledged = Math.max(progress.acknowledged, base + i + 1);
      }),
    );
    await Promise.all(steps);
    if (refusals.length > 0) break;
  }
  if (refusals.length > 0) {
    await attempt(async () => {
      await opened.setNote('a', bytesOf('late'));
      progress.isAlive = true;
    });
  }
  await attempt(() => opened.close());
}
