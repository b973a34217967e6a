// The page of the history suite: a replica as an app opens it, with the few calls that the workload makes. Each call is made and awaited from
// outside, so that one clock times those of all tabs.
import { openReplica, text } from 'raftkv';
import type { LiveKv } from 'raftkv';

/** Survives the page's own errors as plain data: classes do not cross to the test. */
type Told<T> = { readonly value: T } | { readonly error: { readonly message: string; readonly definite: boolean } };

let replica: LiveKv<string> | undefined;
let readLevel: 'linearizable' | 'local' = 'linearizable';

async function told<T>(ask: (kv: LiveKv<string>) => Promise<T>): Promise<Told<T>> {
  if (replica === undefined) return { error: { message: 'no replica is open yet', definite: true } };
  try {
    return { value: await ask(replica) };
  } catch (error) {
    const { message, definite } = error as { message: string; definite: boolean };
    return { error: { message, definite } };
  }
}

const historyLab = {
  open: async (endpoints: readonly string[], level: 'linearizable' | 'local' = 'linearizable'): Promise<void> => {
    readLevel = level;
    replica = await openReplica({ endpoints, codec: text, requestTimeoutMilliseconds: 3_000 });
  },
  status: () => replica!.replica.getSnapshot(),
  setOnline: (isOnline: boolean): void => replica?.setOnline(isOnline),
  get: (key: string) => told(async (kv) => (await kv.get(key, { level: readLevel })) ?? null),
  put: (key: string, value: string) => told((kv) => kv.put(key, value)),
  delete: (key: string) => told(async (kv) => (await kv.delete(key)).deleted),
  cas: (key: string, old: string | null, value: string) =>
    told(async (kv) => {
      const condition = old === null ? { key, exists: false } : { key, value: old };
      return (await kv.txn().if(condition).then({ type: 'put', key, value }).commit()).succeeded;
    }),
  /** What a session sees of some keys, one after the other. */
  sessionRead: (keys: readonly string[]) =>
    told(async (kv) => {
      const seen: (string | null)[] = [];
      for (const key of keys) seen.push((await kv.get(key, { level: 'session' })) ?? null);
      return seen;
    }),
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var historyLab: HistoryLab;
}
export type HistoryLab = typeof historyLab;

globalThis.historyLab = historyLab;
