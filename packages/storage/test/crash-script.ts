// A small scripted run over a disk that can crash at any operation, and the states that the reference storage goes through in the
// same run. A state found after a crash must be one of them: not before the last acknowledged step, not after the last one begun.
import { createMemoryStore, openDiskStorage, openMemoryStorage } from '../src/index.ts';
import {
  bytesOf,
  describeEntries,
  entries,
  hardState,
  member,
  meta,
  readSnapshot,
  saveSnapshot,
} from '../src/conformance-tools.ts';
import type { MemoryDisk, SnapshotWriter, Storage } from '../src/index.ts';
import type { Entry } from '@raftkv/raft';

export const segmentBytes = 16 * 1024;

/** Steps in one inner list are begun together. Each changes the state at one instant. */
type Step = (storage: Storage) => Promise<unknown>;
type Script = readonly (readonly Step[])[];

function append(first: number, last: number, term: number, size = 0): Step {
  const padding = 'x'.repeat(size);
  const list: Entry[] = entries(first, last, term).map((each) => ({
    ...each,
    data: bytesOf(`${each.index}.${term}${padding}`),
  }));
  return (storage) => storage.append({ hardState: hardState(term, 'a1', first - 1), entries: list });
}

/** Received but not committed: no change of state yet. */
const received = new WeakMap<Storage, SnapshotWriter>();

async function receiveSnapshot(storage: Storage): Promise<void> {
  const writer = await storage.createSnapshot(meta(40, 5));
  await writer.write(bytesOf('state at 40'));
  received.set(storage, writer);
}

const steps: Script = [
  [append(1, 2, 1, 300)],
  [append(3, 4, 1, 300), append(5, 5, 1, 3000), append(6, 6, 1)],
  [(storage) => storage.append({ hardState: hardState(2, 'a2'), entries: [] }), append(5, 5, 2, 20)],
  // These roll over to the second and third segment.
  [append(6, 9, 2, 1500), append(10, 12, 2, 2500), append(13, 14, 2, 100)],
  [append(13, 13, 3, 700), append(14, 16, 3, 2000)],
  [(storage) => saveSnapshot(storage, meta(12, 2), bytesOf('state at 12'))],
  [(storage) => storage.compact(11)],
  [append(17, 18, 3, 900), append(19, 19, 3, 1200)],
  [(storage) => saveSnapshot(storage, meta(18, 3), bytesOf('state at 18'))],
  [(storage) => storage.compact(18)],
  // These go into segments that were released before.
  [append(20, 22, 3, 2800), append(23, 25, 3, 2900), append(26, 26, 3, 1000)],
  [append(25, 27, 4, 1500), append(28, 29, 4, 2500)],
  [receiveSnapshot],
  [(storage) => received.get(storage)!.commit({ resetLog: true }), append(41, 42, 5, 600)],
  // One batch that is larger than a segment.
  [append(43, 44, 5, 20_000), append(45, 45, 5)],
  [append(44, 46, 6, 50)],
];

/** So little, but for three entries that fill segments, that every way in which it can be torn can be tried. It does all that the other does. */
export const smallScript: Script = [
  [append(1, 2, 1)],
  [append(3, 3, 1), append(4, 5, 1)],
  [(storage) => storage.append({ hardState: hardState(2, 'a2'), entries: [] }), append(5, 6, 2)],
  [append(7, 7, 2, 11_000)],
  [append(8, 9, 2, 200)],
  [append(10, 11, 2, 200)],
  [(storage) => saveSnapshot(storage, meta(7, 2), bytesOf('state at 7'))],
  [(storage) => storage.compact(7)],
  [append(11, 12, 3, 200)],
  [append(13, 13, 3, 11_000)],
  [append(14, 15, 3, 200), append(16, 16, 3)],
  [(storage) => saveSnapshot(storage, meta(13, 3), bytesOf('state at 13'))],
  [(storage) => storage.compact(13)],
  [append(17, 17, 3, 11_500)],
  [append(18, 19, 3, 250)],
  [receiveSnapshot],
  [(storage) => received.get(storage)!.commit({ resetLog: true }), append(41, 42, 5)],
];

/** The state as one text: what the outside can see of it. */
export async function describeState(storage: Storage): Promise<string> {
  const { hardState: hard, snapshot, entries: list, compactedIndex, compactedTerm } = await storage.load();
  const content = await readSnapshot(storage);
  const shortened = describeEntries(list).map((line) =>
    line.length > 40 ? `${line.slice(0, 40)}…${line.length}` : line,
  );
  return JSON.stringify({
    hard,
    compactedIndex,
    compactedTerm,
    snapshot,
    content: content === undefined ? undefined : new TextDecoder().decode(content),
    entries: shortened,
  });
}

/** State 0 is empty; state n is after n steps. */
export async function referenceStates(script = steps): Promise<string[]> {
  const store = createMemoryStore();
  const open = (): Storage => openMemoryStorage({ create: true, identity: member, store });
  const states: string[] = [];
  const storage = open();
  const record = async (): Promise<void> => {
    // A second look at the same store, as a restart would have it.
    const copy = openMemoryStorage({ create: false, store: { ...store, isLocked: false } });
    states.push(await describeState(copy));
  };
  await record();
  for (const step of script.flat()) {
    await step(storage);
    await record();
  }
  return states;
}

export interface Progress {
  isCreated: boolean;
  begun: number;
  acknowledged: number;
}

/** Runs the script until it ends or the disk crashes. */
export async function runScript(disk: MemoryDisk, syncWrites = true, script = steps): Promise<Progress> {
  const progress: Progress = { isCreated: false, begun: 0, acknowledged: 0 };
  try {
    const storage = await openDiskStorage({ disk, create: true, identity: member, segmentBytes, syncWrites });
    progress.isCreated = true;
    for (const group of script) {
      progress.begun += group.length;
      const base = progress.acknowledged;
      await Promise.all(
        group.map(async (step, i) => {
          await step(storage);
          progress.acknowledged = Math.max(progress.acknowledged, base + i + 1);
        }),
      );
    }
    await storage.close();
  } catch (error) {
    if (!isCrash(error)) throw error;
  }
  return progress;
}

const crashMessage = 'the machine stopped';

/** From operation `number` on the disk does nothing any more. */
export function crashAt(disk: MemoryDisk, number: number): void {
  disk.intercept = (_, current) => {
    if (current >= number) throw new Error(crashMessage);
  };
}

function isCrash(error: unknown): boolean {
  return error instanceof Error && error.message === crashMessage;
}
