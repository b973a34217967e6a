// The live queries of one copy: made once for each question, shared by all who ask it, kept up to date batch by batch while somebody listens,
// and let go a while after the last one left (frameworks leave and come back within a moment). The only writer of the overlay.
import type { Key, KeyRange } from '@raftkv/kv';
import type { Clock } from '../clock.ts';
import type { UserKey } from '../entry.ts';
import type { Live, LiveEntry, LiveSource, ReadState } from '../live.ts';
import { KeyQuery } from './key-query.ts';
import { tellAll } from './tell-all.ts';
import { Overlay } from './overlay.ts';
import type { PendingWrite } from './overlay.ts';
import type { Query, QueryOwner } from './query.ts';
import { RangeQuery } from './range-query.ts';
import type { RangeQueryOptions } from './range-query.ts';
import { Scene } from './scene.ts';

export interface LiveCoreOptions<K extends UserKey> {
  readonly clock: Pick<Clock, 'schedule'>;
  readonly toUserKey: (key: Key) => K;
  /** How long a query that nobody listens to is kept, at least. Default 5 s. */
  readonly unusedMilliseconds?: number;
}

export class LiveCore<Value, K extends UserKey> implements QueryOwner {
  readonly #clock: Pick<Clock, 'schedule'>;
  readonly #unusedMilliseconds: number;
  readonly #overlay: Overlay<Value, K>;
  readonly #scene: Scene<Value, K>;
  readonly #keyQueries = new Map<Key, KeyQuery>();
  readonly #rangeQueries = new Map<string, RangeQuery>();
  readonly #unsubscribe: () => void;
  #cancelSweep: (() => void) | undefined;
  #isClosed = false;

  constructor(source: LiveSource<Value, K>, options: LiveCoreOptions<K>) {
    this.#clock = options.clock;
    this.#unusedMilliseconds = options.unusedMilliseconds ?? 5_000;
    this.#overlay = new Overlay<Value, K>(options.toUserKey);
    this.#scene = new Scene(source, this.#overlay);
    this.#unsubscribe = source.subscribe((changed) => this.#sourceChanged(changed));
  }

  get(key: Key): Live<ReadState<LiveEntry<Value, K> | null>> {
    let query = this.#keyQueries.get(key);
    if (query === undefined) {
      query = new KeyQuery(this.#scene as unknown as Scene<unknown, never>, this, key);
      this.revive(query);
    }
    return query as unknown as Live<ReadState<LiveEntry<Value, K> | null>>;
  }

  scan(range: KeyRange, options: RangeQueryOptions): Live<ReadState<readonly LiveEntry<Value, K>[]>> {
    let query = this.#rangeQueries.get(nameOf(range, options));
    if (query === undefined) {
      query = new RangeQuery(this.#scene as unknown as Scene<unknown, never>, this, range, options);
      this.revive(query);
    }
    return query as unknown as Live<ReadState<readonly LiveEntry<Value, K>[]>>;
  }

  /** Keys of the range that are to be seen now: what an own deleteRange hides. */
  keysIn(range: KeyRange): Key[] {
    return this.#scene.keysIn(range);
  }

  /** Shows an own write from now on. */
  show(write: PendingWrite<Value>): void {
    this.#update(this.#overlay.add(write));
  }

  /** It was committed at this revision: it is shown until the copy has come that far. */
  committed(write: PendingWrite<Value>, revision: number): void {
    write.revision = revision;
    if (revision <= this.#scene.source.revision) this.hide(write);
  }

  /** It was refused, or nobody knows: it is not shown any more. */
  hide(write: PendingWrite<Value>): void {
    this.#update(this.#overlay.remove(write));
  }

  revive(query: Query<unknown>): void {
    const queries = this.#mapOf(query);
    const name = this.#nameOf(query);
    query.twin = queries.get(name);
    if (query.twin !== undefined) return;
    if (!this.#isClosed) {
      queries.set(name, query);
      query.isLive = true;
      this.idle();
    }
    query.refresh(undefined);
  }

  idle(): void {
    if (this.#isClosed || this.#cancelSweep !== undefined) return;
    this.#cancelSweep = this.#clock.schedule(() => this.#sweep(), this.#unusedMilliseconds);
  }

  /** Queries stay as they are; nobody is told anything any more. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#cancelSweep?.();
    this.#keyQueries.clear();
    this.#rangeQueries.clear();
  }

  #sourceChanged(changed: readonly Key[] | undefined): void {
    // Taken off in the same step as the copy's own rows come in: nothing flickers.
    const retired = this.#overlay.retire(this.#scene.source.revision);
    this.#update(
      changed === undefined || retired.length === 0 ? changed : [...changed, ...retired],
      changed?.length === 0,
    );
  }

  /** `isFlagOnly`: what changed concerns every query, but no row. */
  #update(changed: readonly Key[] | undefined, isFlagOnly = false): void {
    const fresh: Query<unknown>[] = [];
    const refresh = (query: Query<unknown>): void => {
      if (query.refresh(changed)) fresh.push(query);
    };
    if (changed === undefined || isFlagOnly || changed.length > this.#keyQueries.size) {
      for (const query of this.#keyQueries.values()) refresh(query);
    } else {
      for (const key of new Set(changed)) {
        const query = this.#keyQueries.get(key);
        if (query !== undefined) refresh(query);
      }
    }
    for (const query of this.#rangeQueries.values()) refresh(query);
    // All are up to date before the first one is told: whoever looks at two of them sees one revision.
    for (const query of fresh) tellAll(query.listeners);
  }

  /** Those that nobody listens to or looked at since the last time go. */
  #sweep(): void {
    this.#cancelSweep = undefined;
    let isAnyLeft = false;
    for (const queries of [this.#keyQueries, this.#rangeQueries] as Map<string, Query<unknown>>[]) {
      for (const [name, query] of queries) {
        if (query.listeners.size > 0) continue;
        if (query.isUsed) {
          query.isUsed = false;
          isAnyLeft = true;
        } else {
          query.isLive = false;
          queries.delete(name);
        }
      }
    }
    if (isAnyLeft) this.idle();
  }

  #mapOf(query: Query<unknown>): Map<string, Query<unknown>> {
    return (query instanceof KeyQuery ? this.#keyQueries : this.#rangeQueries) as Map<string, Query<unknown>>;
  }

  #nameOf(query: Query<unknown>): string {
    if (query instanceof KeyQuery) return query.key;
    const { range, options } = query as RangeQuery;
    return nameOf(range, options);
  }
}

function nameOf({ from, to }: KeyRange, { limit, isReverse }: RangeQueryOptions): string {
  return JSON.stringify([from, to, limit, isReverse]);
}
