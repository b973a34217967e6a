// The page of the suites about tabs: a replica as an app opens it, in reach of what a test evaluates in the tab.
import { forgetReplica, openReplica } from 'raftkv';
import type { LiveKv, ReplicaOptions, ReplicaStatus, Write } from 'raftkv';

export const replicaLab = {
  kv: undefined as LiveKv | undefined,
  /** Writes that a test began and looks at later. */
  writes: [] as Write<unknown>[],
  open: async (options: ReplicaOptions): Promise<void> => {
    replicaLab.kv = await openReplica(options);
  },
  forgetReplica,
  status: (): Omit<ReplicaStatus, 'error' | 'threadError'> & {
    readonly error: string | undefined;
    readonly threadError?: string;
  } => {
    const status = replicaLab.kv!.replica.getSnapshot();
    const { threadError, ...rest } = status;
    return { ...rest, error: status.error?.code, ...(threadError && { threadError: threadError.code }) };
  },
  /** Begins so many writes, each of the next number to a list of the last ones, and counts them in `count`. */
  count: async (key: string, first: number, writes: number): Promise<void> => {
    for (let i = 0; i < writes; i += 1) {
      const write = replicaLab.kv!.mutate([{ type: 'put', key, value: first + i }]);
      write.committed.catch(() => undefined);
      replicaLab.writes.push(write);
    }
  },
  /** How far the writes that were begun have come, in their order. */
  writeStates: (): string[] => replicaLab.writes.map(({ state }) => state.getSnapshot().status),
  committed: async (): Promise<number[]> => {
    await Promise.all(replicaLab.writes.map(({ committed }) => committed));
    return replicaLab.writes.map(({ state }) => state.getSnapshot().revision!);
  },
  /** The script of this page does nothing else for so long. */
  hang: (milliseconds: number): void => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  },
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var replicaLab: ReplicaLab;
}
export type ReplicaLab = typeof replicaLab;

globalThis.replicaLab = replicaLab;
