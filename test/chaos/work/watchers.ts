// Who watches during a run: one client that is given every change from the first revision on, whose record is the ledger that all else is held
// against, and some that watch a range from some revision for a while and go. They write down what they were given; ledger.ts judges.
import type { Kv } from 'raftkv';
import { sleep } from '../../e2e/harness/wait.ts';
import type { Write } from './act.ts';

/** What one revision changed. */
export interface Entry {
  readonly revision: number;
  readonly writes: readonly Write[];
}

/** What one watch was given. */
export interface Watched {
  readonly prefix: string;
  readonly from: number;
  /** Everything up to this revision was given, by the watch's own word. */
  readonly until: number;
  readonly entries: readonly Entry[];
}

type WatchOfText = ReturnType<Kv<string>['watch']>;

/** Gives every change of the store to `entries`, from the first one. */
export class LedgerKeeper {
  readonly entries: Entry[] = [];
  /** Why the watch ended, if it did by itself. */
  failure: unknown;
  private readonly kv: Kv<string>;
  private readonly running: Promise<void>;
  private watch: WatchOfText | undefined;

  constructor(kv: Kv<string>) {
    this.kv = kv;
    this.running = this.run();
  }

  get revision(): number {
    return this.entries.at(-1)?.revision ?? 1;
  }

  async stop(): Promise<void> {
    this.watch?.close();
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      this.watch = this.kv.watch({ all: true }, { from: 2 });
      for await (const change of this.watch) this.entries.push(toEntry(change));
    } catch (error) {
      this.failure = error;
    }
  }
}

export interface PasserByOptions {
  readonly kv: Kv<string>;
  readonly ledger: LedgerKeeper;
  readonly random: () => number;
  readonly isStopping: () => boolean;
  readonly watched: Watched[];
}

const prefixes = ['r/', 'p/', 'a/', 'b/'];

/** Watches a range from a revision of the recent past, for some seconds, again and again. */
export async function watchInPassing({ kv, ledger, random, isStopping, watched }: PasserByOptions): Promise<void> {
  while (!isStopping()) {
    const prefix = prefixes[Math.floor(random() * prefixes.length)]!;
    const from = Math.max(2, ledger.revision - Math.floor(random() * 1000));
    const entries: Entry[] = [];
    const watch = kv.watch({ prefix }, { from });
    const reading = (async () => {
      for await (const change of watch) entries.push(toEntry(change));
    })();
    // A watch that is refused tells it below.
    reading.catch(() => undefined);
    const until = performance.now() + 2000 + random() * 6000;
    while (!isStopping() && performance.now() < until) await sleep(100);
    const { position } = watch;
    watch.close();
    await reading;
    watched.push({ prefix, from, until: position, entries });
  }
}

function toEntry(change: Awaited<ReturnType<WatchOfText['next']>>['value'] & object): Entry {
  const writes = change.events.map((event) => ({
    key: event.key,
    value: event.type === 'put' ? event.entry.value : null,
  }));
  return { revision: change.revision, writes };
}
