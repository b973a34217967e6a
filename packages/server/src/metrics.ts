// What the server counts, for any runtime: operations by kind and outcome, their latencies and recent rates, open connections and
// watches. Counting costs an addition into a typed array; everything else is gathered when somebody asks (`families`).
import type { ErrorCode } from '@raftkv/wire';

/** What clients ask for; several ways in (WebSocket, gateway) count into the same. */
export const operationNames = [
  'put',
  'get',
  'scan',
  'delete',
  'batch',
  'txn',
  'compact',
  'session',
  'watch',
  'observe',
  'digest',
  'status',
  'members',
] as const;
export type OperationName = (typeof operationNames)[number];
export type OperationResult = 'ok' | ErrorCode;

/** One named measurement with its samples, in Prometheus's terms. A histogram's samples carry a `suffix`. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly samples: readonly MetricSample[];
}
export interface MetricSample {
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  /**
   * Counts `count` operations (default 1) that ended alike after `seconds` each. Cheap enough for every
   * request (some tens of nanoseconds when the result is `ok`); a batch of answers made in one turn may be counted by one call.
   */
  observe(operation: OperationName, result: OperationResult, seconds: number, count?: number): void;
  /** Connections or streams of this kind opened (1) or ended (-1). */
  addConnections(kind: 'websocket' | 'http' | 'httpWatch', change: 1 | -1): void;
  /** Watches opened or ended, whatever the way in. */
  addWatchers(change: number): void;
  /** Observers opened or ended. */
  addObservers(change: number): void;
  /** A piece of `bytes` was sent to an observer; `isSnapshot`: it is the first of a snapshot. */
  countFeed(bytes: number, isSnapshot: boolean): void;
  /** Called once a second by whoever owns a timer: what the rates are computed from. `nowSeconds` is monotonic. */
  sampleRates(nowSeconds: number): void;
  /** Adds a source that is asked at each `families()`. Answers the function that removes it. */
  addSource(source: () => readonly MetricFamily[]): () => void;
  /** Everything, as of now. A source that throws is left out and counted. */
  families(): readonly MetricFamily[];
}

/** Upper bounds of the latency buckets: 50 µs, doubled up to 13 s. */
const firstBucketMicroseconds = 50;
const bucketCount = 19;
/** The rates are means over about this many one-second samples. */
const rateWindowSamples = 10;

/**
 * @example
 * ```ts
 * const metrics = createMetrics()
 * metrics.observe('put', 'ok', 0.002)
 * ```
 */
export function createMetrics(): Metrics {
  return new ServerMetrics();
}

class ServerMetrics implements Metrics {
  readonly #succeeded = new Float64Array(operationNames.length);
  readonly #failed = new Map<string, { operation: OperationName; code: ErrorCode; count: number }>();
  /** Operations in each latency bucket; one more for what is slower than all. */
  readonly #buckets = operationNames.map(() => new Float64Array(bucketCount + 1));
  readonly #seconds = new Float64Array(operationNames.length);
  readonly #connections = { websocket: 0, http: 0, httpWatch: 0 };
  #watchers = 0;
  #observers = 0;
  #feedBytes = 0;
  #feedSnapshots = 0;
  readonly #samples: { readonly nowSeconds: number; readonly totals: Float64Array }[] = [];
  readonly #sources = new Set<() => readonly MetricFamily[]>();
  #sourceFailures = 0;

  observe(operation: OperationName, result: OperationResult, seconds: number, count = 1): void {
    const at = operationIndex[operation];
    if (result === 'ok') this.#succeeded[at]! += count;
    else this.#countFailure(operation, result, count);
    this.#buckets[at]![bucketOf(seconds)]! += count;
    this.#seconds[at]! += seconds * count;
  }

  addConnections(kind: 'websocket' | 'http' | 'httpWatch', change: 1 | -1): void {
    this.#connections[kind] += change;
  }

  addWatchers(change: number): void {
    this.#watchers += change;
  }

  addObservers(change: number): void {
    this.#observers += change;
  }

  countFeed(bytes: number, isSnapshot: boolean): void {
    this.#feedBytes += bytes;
    if (isSnapshot) this.#feedSnapshots++;
  }

  sampleRates(nowSeconds: number): void {
    this.#samples.push({ nowSeconds, totals: Float64Array.from(operationNames, (_, at) => this.#total(at)) });
    if (this.#samples.length > rateWindowSamples + 1) this.#samples.shift();
  }

  addSource(source: () => readonly MetricFamily[]): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  families(): readonly MetricFamily[] {
    const families = [this.#operations(), this.#durations(), this.#rates(), ...this.#open()];
    for (const source of this.#sources) {
      try {
        families.push(...source());
      } catch {
        this.#sourceFailures++;
      }
    }
    families.push(
      counter(
        'raftkv_metrics_source_failures_total',
        'Sources of metrics that failed to answer.',
        this.#sourceFailures,
      ),
    );
    return families;
  }

  #countFailure(operation: OperationName, code: ErrorCode, count: number): void {
    const key = `${operation} ${code}`;
    const entry = this.#failed.get(key);
    if (entry === undefined) this.#failed.set(key, { operation, code, count });
    else entry.count += count;
  }

  #total(at: number): number {
    return this.#buckets[at]!.reduce((sum, count) => sum + count, 0);
  }

  #operations(): MetricFamily {
    const samples: MetricSample[] = operationNames.map((operation, at) => ({
      labels: { operation, result: 'ok' },
      value: this.#succeeded[at]!,
    }));
    for (const { operation, code, count } of this.#failed.values()) {
      samples.push({ labels: { operation, result: code }, value: count });
    }
    return {
      name: 'raftkv_operations_total',
      help: 'Operations by kind and result (ok or an error code).',
      type: 'counter',
      samples,
    };
  }

  #durations(): MetricFamily {
    const samples: MetricSample[] = [];
    for (const [at, operation] of operationNames.entries()) {
      const buckets = this.#buckets[at]!;
      let sum = 0;
      for (let bucket = 0; bucket < bucketCount; bucket++) {
        sum += buckets[bucket]!;
        samples.push({ suffix: '_bucket', labels: { operation, le: String(bucketLimitSeconds(bucket)) }, value: sum });
      }
      const total = sum + buckets[bucketCount]!;
      samples.push({ suffix: '_bucket', labels: { operation, le: '+Inf' }, value: total });
      samples.push({ suffix: '_sum', labels: { operation }, value: this.#seconds[at]! });
      samples.push({ suffix: '_count', labels: { operation }, value: total });
    }
    return {
      name: 'raftkv_operation_duration_seconds',
      help: 'Time from request to answer on this member.',
      type: 'histogram',
      samples,
    };
  }

  #rates(): MetricFamily {
    const oldest = this.#samples[0];
    const newest = this.#samples.at(-1);
    const seconds = oldest === undefined || newest === undefined ? 0 : newest.nowSeconds - oldest.nowSeconds;
    const samples = operationNames.map((operation, at) => ({
      labels: { operation },
      value: seconds > 0 ? (newest!.totals[at]! - oldest!.totals[at]!) / seconds : 0,
    }));
    return {
      name: 'raftkv_operations_per_second',
      help: 'Mean rate over the last 10 seconds.',
      type: 'gauge',
      samples,
    };
  }

  #open(): readonly MetricFamily[] {
    const samples = Object.entries(this.#connections).map(([kind, value]) => ({ labels: { kind }, value }));
    return [
      { name: 'raftkv_connections', help: 'Open connections and streams of clients.', type: 'gauge', samples },
      gauge('raftkv_watchers', 'Open watches.', this.#watchers),
      gauge('raftkv_observers', 'Observers that are fed.', this.#observers),
      counter('raftkv_observer_bytes_total', 'Bytes sent to observers.', this.#feedBytes),
      counter('raftkv_observer_snapshots_total', 'Snapshots begun for observers.', this.#feedSnapshots),
    ];
  }
}

/** A family of one sample without labels. */
export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ value }] };
}

/** A family of one sample without labels, which only ever grows. */
export function counter(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'counter', samples: [{ value }] };
}

const operationIndex = Object.fromEntries(operationNames.map((name, at) => [name, at])) as Record<
  OperationName,
  number
>;

/** The bucket that `seconds` falls into; a bound belongs to its bucket. Doubling bounds make it the number of leading zeros. */
function bucketOf(seconds: number): number {
  const steps = Math.ceil((seconds * 1e6) / firstBucketMicroseconds) - 1;
  if (!(steps > 0)) return 0;
  if (steps >= 0x7fffffff) return bucketCount;
  const bucket = 32 - Math.clz32(steps);
  return bucket < bucketCount ? bucket : bucketCount;
}

function bucketLimitSeconds(bucket: number): number {
  return (firstBucketMicroseconds * 2 ** bucket) / 1e6;
}
