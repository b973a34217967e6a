// A register workload through this tab's member: puts, gets and compare-and-sets on a few keys, at a gentle rate, each with what was answered and when. Every
// value is unique. What is right is for the checker to say.
import { RaftkvError } from 'raftkv';
import type { Kv } from 'raftkv';
import type { Operation, Outcome } from './operation.ts';

export interface WorkloadOptions {
  readonly client: string;
  /** Undefined while there is nobody to ask. */
  readonly kv: () => Kv | undefined;
  readonly keys?: readonly string[];
  /** Between two calls of one caller. Default 120 ms. */
  readonly pauseMilliseconds?: number;
  /** Calls that are open at a time. Default 2. */
  readonly callers?: number;
  /** Default 3 s. */
  readonly timeoutMilliseconds?: number;
  /** Milliseconds that all who are checked together share. */
  readonly now: () => number;
  /** Before a value is sent. */
  readonly onAnnounce: (value: string) => void;
  readonly onOperation: (operation: Operation) => void;
}

const registers = ['register/a', 'register/b', 'register/c'] as const;

export class Workload {
  readonly #options: Required<WorkloadOptions>;
  /** What was last seen of each key, to compare with. */
  readonly #seen = new Map<string, number>();
  /** Not the same after a reload, so that values stay unique. */
  readonly #run = crypto.randomUUID().slice(0, 4);
  #lastValue = 0;
  #lastId = 0;
  #generation = 0;

  constructor(options: WorkloadOptions) {
    this.#options = { keys: registers, pauseMilliseconds: 120, callers: 2, timeoutMilliseconds: 3_000, ...options };
  }

  get isRunning(): boolean {
    return this.#generation % 2 === 1;
  }

  start(): void {
    if (this.isRunning) return;
    this.#generation += 1;
    for (let caller = 0; caller < this.#options.callers; caller += 1) void this.#call(this.#generation);
  }

  stop(): void {
    if (this.isRunning) this.#generation += 1;
  }

  async #call(generation: number): Promise<void> {
    const { kv, keys, pauseMilliseconds } = this.#options;
    while (this.#generation === generation) {
      const store = kv();
      const key = keys[Math.floor(Math.random() * keys.length)]!;
      if (store !== undefined) await this.once(store, key);
      await new Promise((resolve) => void setTimeout(resolve, pauseMilliseconds * (0.5 + Math.random())));
    }
  }

  /** One operation, drawn. */
  async once(kv: Kv, key: string): Promise<void> {
    const draw = Math.random();
    if (draw < 0.4) await this.get(kv, key);
    else if (draw < 0.75) await this.put(kv, key);
    else await this.compareAndSet(kv, key);
  }

  async get(kv: Kv, key: string): Promise<void> {
    const call = this.#options.now();
    try {
      const entry = await kv.getEntry(key, { timeoutMilliseconds: this.#options.timeoutMilliseconds });
      this.#tell(key, call, read(entry));
    } catch {
      // A read that was not answered says nothing.
    }
  }

  async put(kv: Kv, key: string): Promise<void> {
    await this.#write(key, async (value, timeoutMilliseconds) => {
      const revision = await kv.put(key, value, { timeoutMilliseconds });
      return { type: 'write', value, revision };
    });
  }

  /** Against what was last seen; what is there instead comes back with the refusal. */
  async compareAndSet(kv: Kv, key: string): Promise<void> {
    const after = this.#seen.get(key) ?? 0;
    await this.#write(key, async (value, timeoutMilliseconds) => {
      const { succeeded, revision, results } = await kv
        .txn()
        .if({ key, revision: after })
        .then({ type: 'put', key, value })
        .else({ type: 'get', key })
        .commit({ timeoutMilliseconds });
      if (succeeded) return { type: 'write', value, revision, after };
      const [result] = results;
      return read(result?.type === 'get' ? result.entry : undefined);
    });
  }

  async #write(key: string, ask: (value: string, timeoutMilliseconds: number) => Promise<Outcome>): Promise<void> {
    const { client, now, onAnnounce, timeoutMilliseconds } = this.#options;
    const value = `${client}:${this.#run}:${(this.#lastValue += 1)}`;
    onAnnounce(value);
    const call = now();
    try {
      this.#tell(key, call, await ask(value, timeoutMilliseconds));
    } catch (error) {
      if (!RaftkvError.from(error).definite) this.#tell(key, call, { type: 'unknown', value });
    }
  }

  #tell(key: string, call: number, outcome: Outcome): void {
    const { client, now, onOperation } = this.#options;
    if (outcome.type !== 'unknown') this.#seen.set(key, outcome.revision);
    onOperation({ id: `${client} ${this.#run} ${(this.#lastId += 1)}`, client, key, call, end: now(), outcome });
  }
}

function read(entry: { readonly value: unknown; readonly revision: number } | undefined): Outcome {
  return entry === undefined
    ? { type: 'read', value: undefined, revision: 0 }
    : { type: 'read', value: String(entry.value), revision: entry.revision };
}
