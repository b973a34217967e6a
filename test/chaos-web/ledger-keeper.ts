// The ledger of a run: every change of the store from the first one, asked of whichever tab answers, a piece at a time, since any tab may go away under a watch.
// It keeps; `test/chaos/work/ledger.ts` judges.
import type { Entry } from '../chaos/work/watchers.ts';
import { sleep } from '../e2e/harness/wait.ts';
import type { Seat } from './seat.ts';
import { CallFailed, changesOf } from './tab-client.ts';

const pieceMilliseconds = 700;

export class LedgerKeeper {
  readonly entries: Entry[] = [];
  /** Why it could not go on, if it could not. */
  failure: unknown;
  readonly #seats: readonly Seat[];
  readonly #running: Promise<void>;
  #isStopping = false;

  constructor(seats: readonly Seat[]) {
    this.#seats = seats;
    this.#running = this.#run();
  }

  get revision(): number {
    return this.entries.at(-1)?.revision ?? 1;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isStopping && this.failure === undefined; turn += 1) {
      const seat = this.#seats[turn % this.#seats.length]!;
      const piece = await changesOf(seat, this.revision + 1, pieceMilliseconds).catch((error: unknown) => {
        // What was forgotten cannot be judged; whatever else it was, another tab is asked.
        if (!(error instanceof CallFailed) || error.code === 'compacted') this.failure = error;
        return [];
      });
      this.entries.push(...piece);
      if (piece.length === 0) await sleep(100);
    }
  }
}
