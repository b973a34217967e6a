// A watch that is kept open for good, over broken connections and members that die: each change once, in order, whole, and none left out. It is held against
// the record as it comes.
import type { WatchChange } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';
import type { Change } from '@raftkv/kv';
import type { Canon } from '../checks/canon.ts';
import { Violation } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import { textOf } from './oracle.ts';
import type { BytesKv } from './perform.ts';

export class Watcher {
  readonly #world: World;
  readonly #canon: Canon;
  readonly #kv: BytesKv;
  readonly #name: string;
  readonly #prefix: string;
  /** The first revision that it has not been told of. */
  #next: number;
  changes = 0;
  /** How often what it wanted was forgotten already. */
  compactions = 0;
  #close: () => void = () => undefined;

  constructor(
    world: World,
    options: {
      readonly canon: Canon;
      readonly kv: BytesKv;
      readonly name: string;
      readonly prefix: string;
      readonly from: number;
    },
  ) {
    this.#world = world;
    this.#canon = options.canon;
    this.#kv = options.kv;
    this.#name = options.name;
    this.#prefix = options.prefix;
    this.#next = options.from;
    void this.#run();
  }

  /** Everything up to this revision was told, as far as it matters to this watch. */
  hasAll(revision: number): boolean {
    for (let at = this.#next; at <= revision; at++) if (this.#eventsAt(at).length > 0) return false;
    return true;
  }

  close(): void {
    this.#close();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const watch = this.#kv.watch({ prefix: this.#prefix }, { from: this.#next });
        this.#close = () => watch.close();
        try {
          for await (const change of watch) this.#take(change);
          return;
        } catch (error) {
          if (!(error instanceof RaftkvError) || error.code !== 'compacted' || error.compactedRevision === undefined)
            throw error;
          this.compactions += 1;
          this.#next = Math.max(this.#next, error.compactedRevision);
        }
      }
    } catch (error) {
      this.#world.fail(error);
    }
  }

  #take(change: WatchChange<Uint8Array>): void {
    const broken = (what: string): never => {
      throw new Violation('watches tell each change once, in order', `${this.#name} from ${this.#next}: ${what}`);
    };
    const { revision, events } = change;
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
    this.changes += 1;
  }

  #eventsAt(revision: number): Change['events'] {
    const events = this.#canon.changeAt(revision)?.events ?? [];
    return events.filter((event) => (event.type === 'put' ? event.entry.key : event.key).startsWith(this.#prefix));
  }
}
