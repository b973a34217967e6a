// The clients of a run: calls of `test/chaos/work`, made in whatever page a seat has at the moment. A page that goes away under a call leaves its outcome
// unknown, as it would for a user.
import type { ChaosClient, Told } from '../chaos/work/client-loop.ts';
import type { Entry } from '../chaos/work/watchers.ts';
import type { KeyState } from '../chaos/work/ledger.ts';
import type { Told as Answer } from '../browser/pages/chaos-calls.ts';
import type { Seat } from './seat.ts';

/** What a workload knows a failed call by. */
export class CallFailed extends Error {
  readonly code: string;
  readonly definite: boolean;

  constructor({ message, code, definite }: { message: string; code: string; definite: boolean }) {
    super(message);
    this.code = code;
    this.definite = definite;
  }
}

async function call<T, A>(seat: Seat, ask: (argument: A) => Promise<Answer<T>>, argument: A): Promise<T> {
  if (!seat.isOpen) throw new CallFailed({ message: 'there is no page', code: 'closed', definite: true });
  const { life } = seat;
  let told: Answer<T>;
  try {
    told = await seat.tab.evaluate(ask, argument);
  } catch (error) {
    // Only a page that went away may take its calls with it.
    if (seat.life === life) throw error;
    throw new CallFailed({ message: 'the page went away', code: 'closed', definite: false });
  }
  if ('error' in told) throw new CallFailed(told.error);
  return told.value;
}

export function tabClient(seat: Seat): ChaosClient {
  return {
    get: (key) => call(seat, (k: string) => chaosLab.get(k), key),
    put: (key, value) => call<Told, [string, string]>(seat, ([k, v]) => chaosLab.put(k, v), [key, value]),
    delete: (key) => call<Told, string>(seat, (k) => chaosLab.delete(k), key),
    cas: (key, expected, value) =>
      call<Told, [string, string | null, string]>(seat, ([k, e, v]) => chaosLab.cas(k, e, v), [key, expected, value]),
    many: {
      batch: (writes) => call(seat, (all: typeof writes) => chaosLab.batch(all), writes),
      writeIfUnchanged: (seen, writes) =>
        call<Told, [typeof seen, typeof writes]>(seat, ([s, w]) => chaosLab.writeIfUnchanged(s, w), [seen, writes]),
      scan: (prefix) => call(seat, (p: string) => chaosLab.scan(p), prefix),
    },
    close: () => undefined,
  };
}

/** Every change from a revision on that comes within so long. */
export function changesOf(seat: Seat, from: number, milliseconds: number): Promise<Entry[]> {
  return call<Entry[], [number, number]>(seat, ([f, m]) => chaosLab.changes(f, m), [from, milliseconds]);
}

/** What the member of this seat itself holds, and up to which index it has applied the log. */
export async function stateOf(
  seat: Seat,
): Promise<{ revision: number; appliedIndex: number; state: Map<string, KeyState> }> {
  const { revision, appliedIndex, held } = await call(seat, () => chaosLab.state(), undefined);
  return { revision, appliedIndex, state: new Map(held) };
}

/** What the app in this seat sees of all that was written before, without asking anybody once it is there. */
export async function copyOf(seat: Seat): Promise<Map<string, KeyState>> {
  await call(seat, (key: string) => chaosLab.get(key), 'any');
  return new Map(await call(seat, () => chaosLab.copy(), undefined));
}
