// A watch that is kept open for good, over broken connections and members that die: each change once, in order, whole, and none left out. It is held against
// the record as it comes; and all that it was told is written down for `checkWatch`: changes with what was before, how far it says that it has come, where it began.
import type { Entry, WatchChange, WatchEvent } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';
import type { RangeInput } from '@raftkv/wire';
import type { Change, ChangeEvent, KeyRange, KeyValue } from '@raftkv/kv';
import type { WatchMessage, WatchRecord } from '../../checkers/history.ts';
import type { Canon } from '../checks/canon.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import { textOf } from './oracle.ts';
import type { BytesKv } from './perform.ts';

type Watch = ReturnType<BytesKv['watch']>;

/** What it asks for, and the same as a range of the store. */
interface Shape {
  readonly input: RangeInput;
  readonly range: KeyRange;
  readonly previous: boolean;
  /** 0: what comes after now. */
  readonly from: number;
}

export class Watcher {
  readonly #world: World;
  readonly #canon: Canon;
  readonly #kv: BytesKv;
  readonly #name: string;
  readonly #shape: Shape;
  readonly #pause: () => Promise<void>;
  /** The first revision that it has not been told of; 0: it has not begun. */
  #next: number;
  /** One for each time that it had to begin anew. */
  readonly #legs: { readonly from: number; readonly messages: WatchMessage[] }[] = [];
  #watch: Watch | undefined;
  #position = 0;

  constructor(
    world: World,
    options: {
      readonly canon: Canon;
      readonly kv: BytesKv;
      readonly name: string;
      readonly random: Random;
      readonly process: Process;
    },
  ) {
    this.#world = world;
    this.#canon = options.canon;
    this.#kv = options.kv;
    this.#name = options.name;
    const { random, process } = options;
    this.#shape = drawShape(random);
    const milliseconds = random.pick([0, 0, world.swarm.thinkMilliseconds]);
    this.#pause = () => new Promise((resolve) => void process.schedule(resolve, random.exponential(milliseconds)));
    this.#next = this.#shape.from;
    void this.#run();
  }

  /** Everything up to this revision was told, as far as it matters to this watch. */
  hasAll(revision: number): boolean {
    if (this.#next === 0) return false;
    for (let at = this.#next; at <= revision; at++) if (this.#eventsAt(at).length > 0) return false;
    return true;
  }

  /** Between two events: how far it says that it has come. */
  look(): void {
    const position = this.#watch?.position ?? 0;
    if (position <= this.#position || this.#next === 0) return;
    this.#position = position;
    this.#note({ type: 'progress', revision: position });
  }

  /** What it was told, after all is over and the store has come to `owed`. */
  records(owed: number): readonly WatchRecord[] {
    const { range, previous } = this.#shape;
    const last = this.#legs.length - 1;
    return this.#legs.map(({ from, messages }, at) => {
      const record = { name: `${this.#name}.${at + 1}`, range, from, previous, messages };
      return at === last ? { ...record, owed } : record;
    });
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const { input, previous } = this.#shape;
        const from = this.#next;
        this.#legs.push({ from, messages: [] });
        const watch = this.#kv.watch(input, from === 0 ? { previous } : { from, previous });
        this.#watch = watch;
        this.#position = 0;
        try {
          await watch.ready();
          this.#begun(watch, from);
          for await (const change of watch) {
            this.#take(change);
            // While it looks at that, the next ones wait here, and then at the node.
            if (!this.#world.isHealed) await this.#pause();
          }
          return;
        } catch (error) {
          if (!(error instanceof RaftkvError) || error.code !== 'compacted' || error.compactedRevision === undefined)
            throw error;
          this.#compacted(error.compactedRevision);
        }
      }
    } catch (error) {
      this.#world.fail(error);
    }
  }

  #begun(watch: Watch, from: number): void {
    // What was asked for when nothing was known yet begins where the node says.
    const revision = from === 0 ? watch.position + 1 : from;
    this.#position = revision - 1;
    this.#next = revision;
    this.#note({ type: 'created', revision, newest: this.#canon.store.revision });
  }

  #compacted(compactedRevision: number): void {
    this.#note({ type: 'compacted', compactedRevision });
    const known = this.#canon.store.compactedRevision;
    if (compactedRevision > known) {
      const words = `it was told that all before ${compactedRevision} is compacted, and all before ${known} is`;
      throw new Violation('watch: reliable', `${this.#name} from ${this.#next}: ${words}`);
    }
    this.#next = Math.max(this.#next, compactedRevision);
  }

  #note(message: WatchMessage): void {
    this.#legs.at(-1)!.messages.push(message);
  }

  #take(change: WatchChange<Uint8Array>): void {
    const broken = (what: string): never => {
      throw new Violation('watches tell each change once, in order', `${this.#name} from ${this.#next}: ${what}`);
    };
    const { revision, events } = change;
    const { compactedRevision } = this.#canon.store;
    this.#note({ type: 'changes', changes: [{ revision, events: events.map(eventOf) }], compactedRevision });
    if (revision < this.#next) broken(`revision ${revision} again`);
    for (let at = this.#next; at < revision; at++) {
      if (this.#eventsAt(at).length > 0) broken(`revision ${at} was left out, the next was ${revision}`);
    }
    const expected = this.#eventsAt(revision);
    if (expected.length !== events.length)
      broken(`${events.length} events of revision ${revision}, which has ${expected.length}`);
    for (const [at, event] of events.entries()) {
      const wanted = expected[at]!;
      const isPut = event.type === 'put' && wanted.type === 'put';
      if (isPut && event.key === wanted.entry.key && textOf(event.entry.value) === textOf(wanted.entry.value)) continue;
      if (event.type === 'delete' && wanted.type === 'delete' && event.key === wanted.key) continue;
      broken(`event ${at} of revision ${revision} is ${event.type} ${event.key}`);
    }
    this.#next = revision + 1;
    this.#position = Math.max(this.#position, revision);
  }

  #eventsAt(revision: number): Change['events'] {
    const { from, to } = this.#shape.range;
    const events = this.#canon.changeAt(revision)?.events ?? [];
    return events.filter((event) => {
      const key = event.type === 'put' ? event.entry.key : event.key;
      return key >= from && (to === undefined || key < to);
    });
  }
}

function drawShape(random: Random): Shape {
  const [input, range] = random.pick<readonly [RangeInput, KeyRange]>([
    [{ prefix: 'k' }, { from: 'k', to: 'l' }],
    [{ prefix: 'k0' }, { from: 'k0', to: 'k1' }],
    [{ prefix: 'k1' }, { from: 'k1', to: 'k2' }],
    [
      { gte: 'k1', lt: 'k3' },
      { from: 'k1', to: 'k3' },
    ],
    [{ gte: 'k0' }, { from: 'k0', to: undefined }],
  ]);
  return { input, range, previous: random.chance(0.5), from: random.pick([0, 1, 1]) };
}

function eventOf(event: WatchEvent<Uint8Array>): ChangeEvent {
  const previous = event.previous && keyValueOf(event.previous);
  if (event.type === 'put') return { type: 'put', entry: keyValueOf(event.entry), previous };
  return { type: 'delete', key: event.key, revision: event.revision, previous };
}

function keyValueOf({ key, value, revision, createRevision, version }: Entry<Uint8Array>): KeyValue {
  return { key, value, revision, createRevision, version };
}
