// A state machine with observers and a clock that tests turn by hand.
import type { Command, CommandResult, KeyRange, KeyValue, StoreOptions } from '@raftkv/kv';
import { deflateCompression, encodeCommand } from '@raftkv/wire';
import { KvStateMachine } from '../src/kv-state-machine.ts';
import type { Feed } from '../src/node-api.ts';
import { Observers } from '../src/observers.ts';
import { ObserverCopy } from './observer-copy.ts';

class ManualClock {
  time = 0;
  readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  readonly now = (): number => this.time;
  readonly schedule = (callback: () => void, milliseconds: number): (() => void) => {
    const timer = { at: this.time + milliseconds, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  };

  /** Timers that are due run in order, and microtasks after each. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await settle();
    }
    this.time = end;
  }
}

export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

export interface Observing {
  readonly feed: Feed;
  readonly copy: ObserverCopy;
  readonly wakes: () => number;
}

/** What a member that fell far behind gets. */
export function install(from: KvStateMachine, to: KvStateMachine): void {
  const restore = to.restore();
  const snapshot = from.snapshot();
  const chunks = snapshot.chunks();
  for (let next = chunks.next(); next.done !== true; next = chunks.next()) restore.write(next.value);
  snapshot.release();
  restore.verify();
  restore.install();
  to.afterApply();
}

export class FeedBench {
  readonly machine: KvStateMachine;
  readonly clock = new ManualClock();
  readonly observers: Observers;
  deflations = 0;
  /** What a deflation costs, in milliseconds of the clock. */
  deflateMilliseconds = 0;
  #index = 0;

  constructor(options: StoreOptions = {}, machine = new KvStateMachine({ store: options })) {
    this.machine = machine;
    this.#index = machine.store.appliedIndex;
    this.observers = new Observers(machine, { clock: this.clock, deflate: (bytes) => this.#deflate(bytes) });
  }

  #deflate(bytes: Uint8Array): Uint8Array {
    this.deflations++;
    this.clock.time += this.deflateMilliseconds;
    return deflateCompression.deflate(bytes);
  }

  get revision(): number {
    return this.machine.store.revision;
  }

  /** One entry; observers are told after it. */
  run(command: Command): CommandResult {
    const result = this.applyOnly(command);
    this.machine.afterApply();
    return result;
  }

  applyOnly(command: Command): CommandResult {
    const data = encodeCommand({ session: undefined, command });
    this.#index++;
    return this.machine.apply({ index: this.#index, term: 1, kind: 'command', data });
  }

  put(key: string, value: Uint8Array | string = ''): void {
    this.run({ type: 'put', key, value: typeof value === 'string' ? Buffer.from(value) : value });
  }

  observe(from = 0, ranges: readonly KeyRange[] = [], maxPayloadBytes = 1_000_000): Observing {
    let wakes = 0;
    const feed = this.observers.open({ from, ranges, maxPayloadBytes }, () => {
      wakes++;
    });
    return { feed, copy: new ObserverCopy(from, this.#stateAt(from)), wakes: () => wakes };
  }

  /** What an observer has that has everything up to this revision; nothing, if it lies in the future or is forgotten. */
  #stateAt(revision: number): readonly KeyValue[] {
    const scan = this.machine.store.scan({ from: '', to: undefined }, { revision });
    return revision === 0 || scan.type === 'error' ? [] : scan.entries;
  }
}
