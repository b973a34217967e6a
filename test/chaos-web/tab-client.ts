// The clients of a run: calls of `test/chaos/work`, made in whatever page a seat has at the moment. A page that goes away under a call leaves its outcome
// unknown, as it would for a user.
import type { ChaosClient, Told } from '../chaos/work/client-loop.ts';
import type { Entry } from '../chaos/work/watchers.ts';
import type { KeyState } from '../chaos/work/ledger.ts';
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

type Answer<T> =
  | { readonly value: T }
  | { readonly error: { readonly message: string; readonly code: string; readonly definite: boolean } };

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

/** What the member of this seat itself holds. */
export async function stateOf(seat: Seat): Promise<{ revision: number; state: Map<string, KeyState> }> {
  const { revision, held } = await call(seat, () => chaosLab.state(), undefined);
  return { revision, state: new Map(held) };
}
