// The last writes of this tab, how far each has come and how long that took: the store forgets a write when it is committed, people want to see
// that it was. Pure but for the clock that it is given.
import type { RaftkvError, Write, WriteState } from 'raftkv';
import { Observable } from './observable.ts';

export interface LoggedWrite {
  readonly id: number;
  /** What it does, in words. */
  readonly text: string;
  readonly key: string | undefined;
  readonly state: WriteState;
  /** From its beginning to where it is now; undefined until it is settled. */
  readonly milliseconds: number | undefined;
}

const keptWrites = 30;
/** How many the page shows. */
export const shownWrites = 5;

export class WriteLog extends Observable<readonly LoggedWrite[]> {
  readonly #now: () => number;
  #lastId = 0;

  constructor(now: () => number) {
    super([]);
    this.#now = now;
  }

  /** Follows a write to its end. */
  follow(text: string, write: Write<unknown>): void {
    const begunAt = this.#now();
    const id = this.#enter(text, write.keys[0] as string | undefined, write.state.getSnapshot());
    const look = (): void => {
      const state = write.state.getSnapshot();
      if (this.#change(id, state, begunAt) && isSettled(state)) stop();
    };
    const stop = write.state.subscribe(look);
    look();
  }

  /** The same for a call that is no write of the outbox. Resolves with the error if it was refused, and never rejects. */
  async followCall(text: string, key: string, call: Promise<number>): Promise<RaftkvError | undefined> {
    const begunAt = this.#now();
    const id = this.#enter(text, key, { status: 'sent', error: undefined, revision: undefined });
    try {
      const revision = await call;
      this.#change(id, { status: 'committed', error: undefined, revision }, begunAt);
      return undefined;
    } catch (thrown) {
      const error = thrown as RaftkvError;
      this.#change(id, { status: error.definite ? 'refused' : 'unknown', error, revision: undefined }, begunAt);
      return error;
    }
  }

  #enter(text: string, key: string | undefined, state: WriteState): number {
    const id = ++this.#lastId;
    this.set([{ id, text, key, state, milliseconds: undefined }, ...this.getSnapshot()].slice(0, keptWrites));
    return id;
  }

  #change(id: number, state: WriteState, begunAt: number): boolean {
    const milliseconds = isSettled(state) ? this.#now() - begunAt : undefined;
    this.set(this.getSnapshot().map((write) => (write.id === id ? { ...write, state, milliseconds } : write)));
    return true;
  }
}

export function isSettled({ status }: WriteState): boolean {
  return status !== 'local' && status !== 'sent';
}
