// Makes right recordings of every kind: a real store, clients that overlap, answers that are lost, retries that come again, copies that
// lag, watches that break off and go on. The tests of the checkers accept them as they are, and doctor them.
import { Store } from '@raftkv/kv';
import type { CommandEnvelope, CommandResult, TxnOp } from '@raftkv/kv';
import { seededRandom } from '../linearizability/simulate.ts';
import type { Answer, AppliedEntry, ClientOperation, Read, WatchMessage, WatchRecord, Write } from './history.ts';
import { isRead } from './history.ts';

export interface StoreRun {
  readonly operations: ClientOperation[];
  readonly log: AppliedEntry[];
  readonly watches: WatchRecord[];
  readonly store: Store;
}

export interface StoreRunOptions {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Share of operations whose answer is lost; half of their writes happen. */
  readonly unknownShare: number;
  /** Share of reads at level `session` or `local`, of copies that lag. */
  readonly lagShare?: number;
}

interface Planned {
  readonly client: number;
  readonly call: number;
  readonly ret: number;
  readonly effect: number;
}

const encoder = new TextEncoder();

export function simulateStore(options: StoreRunOptions): StoreRun {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: StoreRunOptions;
  readonly #random: () => number;
  readonly #store = new Store({ retainedRevisions: 1_000_000 });
  readonly #log: AppliedEntry[] = [];
  readonly #operations: ClientOperation[] = [];
  readonly #sessions: { readonly clientId: number; sequence: number }[] = [];
  /** Of each client at level `session`, and of each copy: how far it has seen, by the number of the event. */
  readonly #seen: { readonly owner: string; readonly revision: number; readonly at: number }[] = [];
  #index = 0;
  #writes = 0;

  constructor(options: StoreRunOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  run(): StoreRun {
    for (let client = 0; client < this.#options.clients; client++) {
      const result = this.#apply({ session: undefined, command: { type: 'openSession' } });
      this.#sessions.push({ clientId: (result as { clientId: number }).clientId, sequence: 0 });
    }
    for (const planned of this.#plan()) this.#operations.push(this.#perform(planned));
    const watches = [0, 1, 2].map((number) => this.#watch(number));
    return { operations: this.#operations, log: this.#log, watches, store: this.#store };
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** In order of effect. Calls, effects and returns are numbers of one order, none twice. */
  #plan(): Planned[] {
    const freeAt = Array.from({ length: this.#options.clients }, () => 0);
    const loose = Array.from({ length: this.#options.operations }, () => {
      const client = this.#pick(this.#options.clients);
      const call = freeAt[client]! + 1 + this.#random() * 20;
      const ret = call + 1 + this.#random() * 60;
      freeAt[client] = ret;
      return { client, call, ret, effect: call + this.#random() * (ret - call) };
    });
    const moments = loose.flatMap(({ call, ret, effect }) => [call, ret, effect]).sort((a, b) => a - b);
    const numbers = new Map(moments.map((moment, at) => [moment, at + 1]));
    return loose
      .map(({ client, call, ret, effect }) => {
        return { client, call: numbers.get(call)!, ret: numbers.get(ret)!, effect: numbers.get(effect)! };
      })
      .sort((a, b) => a.effect - b.effect);
  }

  #apply(envelope: CommandEnvelope): CommandResult {
    const result = this.#store.apply(++this.#index, envelope);
    this.#log.push({ index: this.#index, envelope, result, revision: this.#store.revision });
    return result;
  }

  #perform({ client, call, ret }: Planned): ClientOperation {
    const request = this.#request();
    const isUnknown = this.#random() < this.#options.unknownShare;
    const asked = { client: `c${client}`, request, call };
    if (isRead(request)) {
      if (isUnknown) return { ...asked, ret: null, outcome: 'unknown' };
      return { ...asked, ret, outcome: 'answered', ...this.#read(request, { client, call, ret }) };
    }
    const session = this.#sessions[client]!;
    const stamp = { clientId: session.clientId, sequence: ++session.sequence, ackFloor: 0 };
    const envelope = { session: stamp, command: request };
    if (isUnknown) {
      if (this.#random() < 0.5) this.#apply(envelope);
      return { ...asked, stamp, ret: null, outcome: 'unknown' };
    }
    const result = this.#apply(envelope);
    // The retry of a request whose first copy arrived too.
    if (this.#random() < 0.1) this.#apply(envelope);
    if (result.type === 'error') return { ...asked, stamp, ret, outcome: 'refused' };
    this.#see(`c${client}`, this.#store.revision, ret);
    return { ...asked, stamp, ret, outcome: 'answered', answer: result as Answer };
  }

  #read(request: Read, { client, call, ret }: Omit<Planned, 'effect'>): Partial<ClientOperation> {
    const now = this.#store.revision;
    if (this.#random() >= (this.#options.lagShare ?? 0)) {
      this.#see(`c${client}`, now, ret);
      return { answer: this.#answer(request) };
    }
    const level = this.#random() < 0.5 ? 'session' : 'local';
    const copy = `copy${this.#pick(2)}`;
    const floor = Math.max(this.#seenBy(copy, call), level === 'session' ? this.#seenBy(`c${client}`, call) : 1);
    const revision = floor + this.#pick(now - floor + 1);
    this.#see(copy, revision, ret);
    this.#see(`c${client}`, revision, ret);
    const answer = { ...this.#answer({ ...request, revision }), revision } as Answer;
    return { level, copy, answer };
  }

  #answer(request: Read): Answer {
    const answer =
      request.type === 'get' ? this.#store.get(request.key, request) : this.#store.scan(request.range, request);
    if (answer.type === 'error') throw new Error(answer.message);
    return answer;
  }

  #see(owner: string, revision: number, at: number): void {
    this.#seen.push({ owner, revision, at });
  }

  #seenBy(owner: string, before: number): number {
    return Math.max(
      1,
      ...this.#seen.filter((each) => each.owner === owner && each.at < before).map((each) => each.revision),
    );
  }

  #key(): string {
    return `k${this.#pick(this.#options.keys)}`;
  }

  #value(): Uint8Array {
    return encoder.encode(`v${++this.#writes}`);
  }

  #range(): { from: string; to: string } {
    const [a, b] = [this.#key(), this.#key()].sort() as [string, string];
    return { from: a, to: `${b}~` };
  }

  #request(): Read | Write {
    const kind = this.#pick(12);
    if (kind < 3) return { type: 'get', key: this.#key() };
    if (kind < 5) return { type: 'scan', range: this.#range(), reverse: this.#random() < 0.3, limit: this.#pick(4) };
    if (kind < 8) return { type: 'put', key: this.#key(), value: this.#value(), returnPrevious: this.#random() < 0.5 };
    if (kind === 8) return { type: 'delete', key: this.#key(), returnPrevious: true };
    if (kind === 9) return this.#random() < 0.3 ? { type: 'deleteRange', range: this.#range() } : this.#cas();
    if (kind === 10) return this.#txn();
    return {
      type: 'batch',
      ops: [
        { type: 'put', key: 'k0', value: this.#value() },
        { type: 'put', key: 'k1', value: this.#value() },
        { type: 'delete', key: 'k2' },
      ],
    };
  }

  #cas(): Write {
    const key = this.#key();
    const present = this.#store.get(key);
    const number = 'entry' in present && this.#random() < 0.8 ? (present.entry?.revision ?? 0) : 1;
    return {
      type: 'txn',
      compare: [{ key, operator: 'equal', target: 'revision', number }],
      then: [{ type: 'put', key, value: this.#value() }],
      otherwise: [{ type: 'get', key }],
    };
  }

  #txn(): Write {
    const put = (key: string): TxnOp => ({ type: 'put', key, value: this.#value() });
    return {
      type: 'txn',
      compare: [{ key: this.#key(), operator: 'equal', target: 'exists', exists: true }],
      then: [{ type: 'scan', range: this.#range() }, put('k1'), { type: 'get', key: 'k1' }],
      otherwise: [put('k3'), { type: 'scan', range: this.#range(), limit: 2, withCount: true }],
    };
  }

  /** Told after the fact, in batches of any size, with breaks. */
  #watch(number: number): WatchRecord {
    const range = number === 0 ? { from: '', to: undefined } : this.#range();
    const from = number === 2 ? 0 : 2 + this.#pick(5);
    const messages: WatchMessage[] = [];
    let next = from === 0 ? 2 + this.#pick(10) : from;
    // What the watcher knows to have been told: from there it goes on after a break.
    let known = next;
    messages.push({ type: 'created', revision: next });
    while (next <= this.#store.revision) {
      const read = this.#store.changes(next, { range, limit: 1 + this.#pick(8) });
      if (!('changes' in read)) throw new Error('compacted');
      if (read.changes.length > 0) {
        messages.push({ type: 'changes', changes: read.changes });
        known = read.changes.at(-1)!.revision + 1;
      }
      next = read.nextRevision;
      if (this.#random() < 0.2) {
        messages.push({ type: 'progress', revision: next - 1 });
        known = next;
      }
      if (this.#random() < 0.2) {
        messages.push({ type: 'created', revision: known });
        next = known;
      }
    }
    return { name: `watch ${number}`, range, from, previous: true, messages, owed: this.#store.revision };
  }
}
