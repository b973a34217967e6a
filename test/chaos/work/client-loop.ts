// One client at work: gets, puts, deletes and cas of a few registers, puts that are never touched again, batches and transactions over pairs of
// keys, scans. It writes down each with what it was told. Which client library it goes through is clients.ts; judging is ledger.ts.
import { seededRandom } from '../../linearizability/simulate.ts';
import { sleep } from '../../e2e/harness/wait.ts';
import type { Act, ActKind, Seen, Write } from './act.ts';
import { isDefinite, now } from './act-record.ts';
import type { ActRecord } from './act-record.ts';

/** What a client must be able to do. A thrown error with `definite: true` promises that nothing happened. */
export interface ChaosClient {
  get(key: string): Promise<Seen | undefined>;
  put(key: string, value: string): Promise<Told>;
  delete(key: string): Promise<Told>;
  /** Puts `value` if the key holds `expected` (null: is absent). */
  cas(key: string, expected: string | null, value: string): Promise<Told>;
  /** Without it the client does single keys alone. */
  readonly many?: {
    batch(writes: readonly Write[]): Promise<Told>;
    /** Writes if each of the seen keys still has the revision that it was seen at. */
    writeIfUnchanged(seen: readonly Seen[], writes: readonly Write[]): Promise<Told>;
    scan(prefix: string): Promise<{ readonly revision: number; readonly seen: readonly Seen[] }>;
  };
  close(): Promise<void> | void;
}

export interface Told {
  readonly ok?: boolean;
  readonly revision?: number;
}

export interface LoopOptions {
  readonly c: number;
  readonly seed: number;
  readonly pauseMilliseconds: number;
  readonly record: ActRecord;
  readonly isStopping: () => boolean;
}

export const pairCount = 4;
/** What the two keys of a pair hold together at first, and for ever. */
export const pairTotal = 100;
/** Registers get new names after so long, so that the search for an order stays short. */
const registerNanoseconds = 15e9;
const registers = 6;

export const pairKeys = (pair: number): [string, string] => [`p/${pair}/a`, `p/${pair}/b`];
/** The amount in the value of one of a pair: `"60 of 3-17"`. */
export const amountOf = (value: string): number => Number.parseInt(value, 10);

export class ClientLoop {
  private readonly client: ChaosClient;
  private readonly options: LoopOptions;
  private readonly random: () => number;
  private readonly lastSeen = new Map<string, string | null>();
  private count = 0;

  constructor(client: ChaosClient, options: LoopOptions) {
    this.client = client;
    this.options = options;
    this.random = seededRandom(options.seed * 1000 + options.c);
  }

  async run(): Promise<void> {
    while (!this.options.isStopping()) {
      const isAnswered = await this.step();
      await sleep(isAnswered ? this.random() * 2 * this.options.pauseMilliseconds : 30);
    }
  }

  private async step(): Promise<boolean> {
    const tag = `${this.options.c}-${this.count++}`;
    const register = `r/${Math.floor(now() / registerNanoseconds)}/${this.pick(registers)}`;
    const dice = this.random() * (this.client.many === undefined ? 0.76 : 1);
    if (dice < 0.3) return this.get(register);
    if (dice < 0.46) return this.write('put', [{ key: register, value: tag }], () => this.client.put(register, tag));
    if (dice < 0.6) return this.cas(register, tag);
    if (dice < 0.67) return this.write('delete', [{ key: register, value: null }], () => this.client.delete(register));
    if (dice < 0.76)
      return this.write('put', [{ key: `a/${tag}`, value: tag }], () => this.client.put(`a/${tag}`, tag));
    const pair = this.pick(pairCount);
    if (dice < 0.84) return this.fill(tag);
    if (dice < 0.93) return this.move(pair, tag);
    return (await this.scan(dice < 0.97 ? `p/${pair}/` : register.slice(0, -1))) !== undefined;
  }

  private get(key: string): Promise<boolean> {
    return this.record('get', { range: key }, async () => {
      const found = await this.client.get(key);
      this.lastSeen.set(key, found?.value ?? null);
      return { seen: found === undefined ? [] : [found] };
    });
  }

  private cas(key: string, value: string): Promise<boolean> {
    const expected = this.lastSeen.get(key) ?? null;
    const write = (): Promise<Told> => this.client.cas(key, expected, value);
    return this.write('cas', [{ key, value }], write, { expected });
  }

  /** Several keys at once, some of which are new each time; now and then a large value, so that snapshots and catching up take a while. */
  private fill(tag: string): Promise<boolean> {
    const own = [`b/${tag}/1`, `b/${tag}/2`, `b/${this.pick(5)}`];
    const ballast = this.pick(20) === 0 ? ' '.padEnd(30_000, tag) : '';
    const writes = own.map((key, at) => ({ key, value: `${tag}/${at}${at === 0 ? ballast : ''}` }));
    return this.write('batch', writes, () => this.client.many!.batch(writes));
  }

  /** Moves an amount from one key of a pair to the other, if nobody else does meanwhile. */
  private async move(pair: number, tag: string): Promise<boolean> {
    const scanned = await this.scan(`p/${pair}/`);
    if (scanned === undefined) return false;
    const [a, b] = pairKeys(pair);
    const amount = (key: string): number => {
      const found = scanned.find((one) => one.key === key);
      return found === undefined ? (key === a ? pairTotal : 0) : amountOf(found.value);
    };
    const moved = this.pick(20) - 10;
    const writes = [
      { key: a, value: `${amount(a) - moved} of ${tag}a` },
      { key: b, value: `${amount(b) + moved} of ${tag}b` },
    ];
    const unchanged = [a, b].map((key) => scanned.find((one) => one.key === key) ?? { key, value: '', revision: 0 });
    return this.write('move', writes, () => this.client.many!.writeIfUnchanged(unchanged, writes));
  }

  private async scan(prefix: string): Promise<readonly Seen[] | undefined> {
    let seen: readonly Seen[] | undefined;
    const isAnswered = await this.record('scan', { range: prefix }, async () => {
      const scanned = await this.client.many!.scan(prefix);
      seen = scanned.seen;
      return scanned;
    });
    return isAnswered ? seen : undefined;
  }

  private write(
    kind: ActKind,
    writes: readonly Write[],
    call: () => Promise<Told>,
    more: Pick<Act, 'expected'> = {},
  ): Promise<boolean> {
    return this.record(kind, { writes, ...more }, async () => {
      const told = await call();
      if (writes.length === 1 && told.ok !== false) this.lastSeen.set(writes[0]!.key, writes[0]!.value);
      return told;
    });
  }

  /** Calls, waits, writes down. False when there was no answer. */
  private async record(
    kind: ActKind,
    asked: Pick<Act, 'range' | 'writes' | 'expected'>,
    call: () => Promise<Pick<Act, 'ok' | 'revision' | 'seen'>>,
  ): Promise<boolean> {
    const start = { c: this.options.c, kind, ...asked, call: now() };
    try {
      const told = await call();
      this.options.record.add({ ...start, ret: now(), ...told });
      return true;
    } catch (error) {
      this.options.record.add({ ...start, ret: null, isRefused: isDefinite(error) });
      return false;
    }
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count);
  }
}
