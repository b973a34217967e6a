// The last writes of this tab, how far each has come and how long that took: the store forgets a write when it is committed, people want to see
// that it was. Those too that an earlier life of the page has left, and those that ended badly until somebody has decided. Pure but for the clock.
import type { Live, Write, WriteState } from 'raftkv';
import { Observable } from './observable.ts';

export interface LoggedWrite {
  readonly id: number;
  /** What it does, in words. */
  readonly text: string;
  readonly key: string | undefined;
  readonly state: WriteState;
  /** From its beginning to where it is now; undefined until it is settled. */
  readonly milliseconds: number | undefined;
  /** It ended badly and is kept: to be made again or discarded. */
  readonly undecided?: Write<unknown> | undefined;
}

const keptWrites = 30;
/** How many the page shows. */
const shownWrites = 5;

export class WriteLog extends Observable<readonly LoggedWrite[]> {
  readonly #now: () => number;
  readonly #followed = new WeakSet<Write<unknown>>();
  #lastId = 0;

  constructor(now: () => number) {
    super([]);
    this.#now = now;
  }

  /** Those of an earlier life of this page, or of a tab that is gone, that are among the replica's. Answers the function that ends it. */
  adopt(writes: Live<readonly Write<unknown>[]>, textOf: (write: Write<unknown>) => string): () => void {
    const look = (): void => {
      for (const write of writes.getSnapshot()) if (!this.#followed.has(write)) this.follow(textOf(write), write);
    };
    const stop = writes.subscribe(look);
    look();
    return stop;
  }

  /** Somebody has decided what becomes of it. */
  decided(write: Write<unknown>): void {
    this.set(this.getSnapshot().map((each) => (each.undecided === write ? { ...each, undecided: undefined } : each)));
  }

  /** Follows a write to its end. */
  follow(text: string, write: Write<unknown>): void {
    this.#followed.add(write);
    const begunAt = this.#now();
    const id = this.#enter(text, write.keys[0] as string | undefined, write.state.getSnapshot());
    const look = (): void => {
      const state = write.state.getSnapshot();
      this.#change(id, state, begunAt, isUndecided(state) ? write : undefined);
      if (isSettled(state)) stop();
    };
    const stop = write.state.subscribe(look);
    look();
  }

  #enter(text: string, key: string | undefined, state: WriteState): number {
    const id = ++this.#lastId;
    const all = [{ id, text, key, state, milliseconds: undefined }, ...this.getSnapshot()];
    this.set(all.filter((write, at) => at < keptWrites || write.undecided !== undefined));
    return id;
  }

  #change(id: number, state: WriteState, begunAt: number, undecided?: Write<unknown>): void {
    const milliseconds = isSettled(state) ? this.#now() - begunAt : undefined;
    const change = { state, milliseconds, undecided };
    this.set(this.getSnapshot().map((write) => (write.id === id ? { ...write, ...change } : write)));
  }
}

/** What the page shows of them: first what somebody has to decide, then the latest. */
export function writesToShow(writes: readonly LoggedWrite[]): readonly LoggedWrite[] {
  const isFirst = ({ undecided }: LoggedWrite): boolean => undecided !== undefined;
  return [...writes.filter(isFirst), ...writes.filter((write) => !isFirst(write))].slice(0, shownWrites);
}

function isUndecided({ status, kept }: WriteState): boolean {
  return kept === true && (status === 'refused' || status === 'unknown');
}

export function isSettled({ status }: WriteState): boolean {
  return status !== 'local' && status !== 'sent';
}
