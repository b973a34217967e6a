// A random workload: clients that get, put, delete and cas a few keys and write down what they were told, in the form that
// test/linearizability judges. Who is killed meanwhile is nemesis.ts; which client is used is up to the test.
import { seededRandom } from '../../linearizability/simulate.ts';
import type { Operation, OperationKind } from '../../linearizability/history.ts';
import { sleep } from './wait.ts';

/** What the workload needs of a client. A thrown error with `definite: true` promises that nothing happened. */
export interface WorkloadClient {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<unknown>;
  /** Whether the key was there. */
  delete(key: string): Promise<boolean>;
  /** Whether the key held `old` (null: was absent) and now holds `value`. */
  cas(key: string, old: string | null, value: string): Promise<boolean>;
  close(): Promise<void> | void;
}

export interface WorkloadOptions {
  readonly seed: number;
  readonly keys: number;
  readonly clients: readonly WorkloadClient[];
  /** The longest rest of a client between two operations. Default 4. */
  readonly pauseMilliseconds?: number;
}

export interface WorkloadCounts {
  answered: number;
  unknown: number;
  refused: number;
}

/** A history being recorded, and keys that were written once, acknowledged, and must be there for ever. */
export class Workload {
  readonly operations: Operation[] = [];
  readonly acknowledged = new Map<string, string>();
  readonly counts: WorkloadCounts = { answered: 0, unknown: 0, refused: 0 };
  private readonly options: WorkloadOptions;
  private isStopping = false;
  private running: Promise<void>[] = [];

  /** The longest time in which nobody was told anything. */
  longestSilenceMilliseconds = 0;
  private lastAnswerAt = performance.now();

  constructor(options: WorkloadOptions) {
    this.options = options;
  }

  start(): void {
    this.running = this.options.clients.map((client, index) => this.runClient(client, index));
  }

  /** Lets each client finish what it has begun. Throws what a client threw that is not a failed request. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.running);
  }

  /** One read of every key by one client, recorded too: the last word of the history. */
  async readAll(client: WorkloadClient): Promise<void> {
    for (let key = 0; key < this.options.keys; key++)
      await this.perform(client, { c: this.options.clients.length, op: 'get', k: `k${key}` });
  }

  private async runClient(client: WorkloadClient, c: number): Promise<void> {
    const random = seededRandom(this.options.seed * 1000 + c);
    const lastSeen = new Map<string, string | null>();
    for (let count = 0; !this.isStopping; count++) {
      const k = `k${Math.floor(random() * this.options.keys)}`;
      const v = `${c}-${count}`;
      const dice = random();
      const isAnswered =
        dice < 0.1
          ? await this.acknowledge(client, `acknowledged/${v}`, v)
          : await this.perform(client, { c, op: operationOf(dice), k, v, old: lastSeen.get(k) ?? null }, lastSeen);
      await sleep(isAnswered ? random() * (this.options.pauseMilliseconds ?? 4) : 30);
    }
  }

  /** Calls, waits, records. False when there was no answer. */
  private async perform(
    client: WorkloadClient,
    planned: Pick<Operation, 'c' | 'op' | 'k' | 'v' | 'old'>,
    lastSeen?: Map<string, string | null>,
  ): Promise<boolean> {
    const { c, op, k, v, old } = planned;
    const asked = {
      c,
      op,
      k,
      ...(op === 'put' || op === 'cas' ? { v: v! } : {}),
      ...(op === 'cas' ? { old: old! } : {}),
    };
    const call = now();
    try {
      const told = await ask(client, asked);
      this.operations.push({ ...asked, call, ret: now(), ...told });
      if (told.out !== undefined) lastSeen?.set(k, told.out);
      if (op === 'put' || told.ok === true) lastSeen?.set(k, v ?? null);
      this.countAnswer();
      return true;
    } catch (error) {
      if (isDefinite(error)) this.counts.refused++;
      else {
        this.counts.unknown++;
        this.operations.push({ ...asked, call, ret: null, unk: true });
      }
      return false;
    }
  }

  private async acknowledge(client: WorkloadClient, key: string, value: string): Promise<boolean> {
    try {
      await client.put(key, value);
      this.acknowledged.set(key, value);
      this.countAnswer();
      return true;
    } catch (error) {
      if (isDefinite(error)) this.counts.refused++;
      else this.counts.unknown++;
      return false;
    }
  }

  private countAnswer(): void {
    this.counts.answered++;
    const time = performance.now();
    this.longestSilenceMilliseconds = Math.max(this.longestSilenceMilliseconds, time - this.lastAnswerAt);
    this.lastAnswerAt = time;
  }
}

function operationOf(dice: number): OperationKind {
  if (dice < 0.5) return 'get';
  if (dice < 0.75) return 'put';
  return dice < 0.9 ? 'cas' : 'del';
}

async function ask(
  client: WorkloadClient,
  asked: Pick<Operation, 'op' | 'k' | 'v' | 'old'>,
): Promise<Pick<Operation, 'out' | 'ok'>> {
  switch (asked.op) {
    case 'get':
      return { out: await client.get(asked.k) };
    case 'put':
      await client.put(asked.k, asked.v!);
      return {};
    case 'del':
      return { ok: await client.delete(asked.k) };
    case 'cas':
      return { ok: await client.cas(asked.k, asked.old ?? null, asked.v!) };
  }
}

/** A failed request says whether it may have happened; anything else is a mistake in the test and must not pass for one. */
function isDefinite(error: unknown): boolean {
  if (error instanceof Error && 'definite' in error) return error.definite === true;
  throw error;
}

function now(): number {
  return Math.round(performance.now() * 1e6);
}
