// One run of the script over a watched database, and one look at what a database holds: what `crash-prefixes.ts` and `crash-failures.ts` are made
// of. Two runs are alike to the byte, because nothing in them is drawn at random.
import { RaftkvError } from '@raftkv/wire';
import { openIndexedDbStorage } from '@raftkv/storage/web';
import type { Storage } from '@raftkv/storage';
import type { Durability } from '@raftkv/storage/web';
import { removeDatabase } from './crash-databases.ts';
import { Recorder, watchDatabases, watching } from './crash-recorder.ts';
import type { Doom, Lie, RecordedTransaction } from './crash-recorder.ts';
import { describeState, identity, noProgress, runScript } from './crash-run.ts';
import type { Progress } from './crash-run.ts';

export interface Recording {
  readonly transactions: readonly RecordedTransaction[];
  /** With n transactions committed and the next one not: how many steps were acknowledged, and begun. */
  readonly moments: readonly { readonly begun: number; readonly acknowledged: number }[];
}

export interface Run {
  readonly recorder: Recorder;
  readonly progress: Progress;
  readonly heard: readonly RaftkvError[];
  readonly recording: Recording;
}

/** One run of the script over a new database. */
export async function run(
  name: string,
  durability: Durability,
  faults: { doom?: Doom | undefined; lie?: Lie | undefined } = {},
): Promise<Run> {
  await removeDatabase(`raftkv/${name}`);
  drawn = 0;
  const progress = noProgress();
  const heard: RaftkvError[] = [];
  const completions: { begun: number; acknowledged: number }[] = [];
  const onCommitted = (): void => {
    const { begun, acknowledged } = progress;
    completions.push({ begun, acknowledged });
  };
  const recorder = new Recorder({ ...faults, onCommitted });
  const open = (): Promise<Storage> =>
    openIndexedDbStorage({
      name,
      create: true,
      identity,
      durability,
      lockWaitMilliseconds: 5000,
      onFailure: (error) => void heard.push(error),
    });
  await watching(`raftkv/${name}`, recorder, () => runScript(open, progress));
  // Acknowledged: all until the next one was complete. Begun: all until this one was.
  const moments = [{ begun: 0 }, ...completions].map(({ begun }, n) => ({
    begun,
    acknowledged: (completions[n] ?? progress).acknowledged,
  }));
  return { recorder, progress, heard, recording: { transactions: recorder.committed, moments } };
}

interface Reopened {
  /** As `describeState` has it, or the code with which the storage refuses. */
  readonly text: string;
  readonly transactions: readonly RecordedTransaction[];
}

/** Opens what a crash left, and shuts it again. Nothing is made where nothing is. */
export async function reopen(name: string, then?: (storage: Storage) => Promise<unknown>): Promise<Reopened> {
  const recorder = new Recorder({});
  const look = async (): Promise<string> => {
    const storage = await openIndexedDbStorage({ name, create: false, identity, lockWaitMilliseconds: 5000 });
    try {
      return await describeState(storage);
    } finally {
      await then?.(storage);
      await storage.close();
    }
  };
  try {
    const text = await watching(`raftkv/${name}`, recorder, look);
    return { text, transactions: recorder.committed };
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    return { text: `${code}: ${message}`, transactions: recorder.committed };
  }
}

let drawn = 0;

/** Once for the page. */
export function prepare(): void {
  watchDatabases();
  // The same tokens in each run, so that what two runs leave can be compared byte by byte.
  crypto.getRandomValues = (array) => {
    drawn += 1;
    new Uint8Array(array!.buffer).fill(drawn);
    return array;
  };
  // The storage waits before it tries again what was aborted; not here.
  const { setTimeout: wait } = globalThis;
  Object.assign(globalThis, {
    setTimeout: (action: () => void, milliseconds: number) => wait(action, milliseconds > 1000 ? milliseconds : 0),
  });
}
