// `raftkv bench`: a quick load on a running cluster, with rates and percentiles. Comparisons with other systems are `npm run bench` of the repository.
import { randomBytes } from 'node:crypto';
import { RaftkvError, defaultLimits } from '@raftkv/wire';
import type { Command } from 'commander';
import { parseSize } from '../units.ts';
import { readNumber } from './dev.ts';
import { print, printJson, withEndpoints, withKv } from './endpoints.ts';
import type { EndpointOptions } from './endpoints.ts';

interface BenchOptions extends EndpointOptions {
  readonly operations: string;
  readonly concurrency: string;
  readonly valueSize: string;
}

interface Measured {
  readonly perSecond: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

export function addBenchCommand(program: Command): void {
  withEndpoints(
    program
      .command('bench')
      .description('put, then get, under keys that begin with `bench/`; prints rates and percentiles'),
  )
    .option('--operations <COUNT>', 'of each kind', '10000')
    .option('--concurrency <COUNT>', 'callers at once', '128')
    .option('--value-size <SIZE>', 'of each value', '1KiB')
    .action((options: BenchOptions) => bench(options));
}

async function bench(options: BenchOptions): Promise<void> {
  const operations = readNumber('--operations', options.operations, 1, 10_000_000);
  const concurrency = readNumber('--concurrency', options.concurrency, 1, 50_000);
  const valueBytes = parseSize('--value-size', options.valueSize);
  const { maxValueBytes } = defaultLimits;
  if (valueBytes > maxValueBytes) {
    throw new RaftkvError('value_too_large', `--value-size: ${valueBytes} bytes; the limit is ${maxValueBytes}`);
  }
  const value = randomBytes(valueBytes);
  const key = (i: number): string => `bench/${String(i % 10_000).padStart(8, '0')}`;
  await withKv(options, async (kv) => {
    const puts = await measure(operations, concurrency, (i) => kv.put(key(i), value));
    const gets = await measure(operations, concurrency, async (i) => {
      if ((await kv.get(key(i)))?.length !== value.length)
        throw new RaftkvError('internal', `${key(i)} came back wrong`);
    });
    if (options.json === true) return printJson({ operations, concurrency, valueBytes: value.length, puts, gets });
    await print(`${operations} operations, ${concurrency} callers, ${value.length} byte values\n`);
    for (const [name, result] of Object.entries({ puts, gets })) await print(describe(name, result));
  });
}

function describe(name: string, { perSecond, p50Milliseconds, p99Milliseconds }: Measured): string {
  const rate = Math.round(perSecond).toLocaleString('en').padStart(10);
  return `${name} ${rate}/s   p50 ${p50Milliseconds.toFixed(2)} ms   p99 ${p99Milliseconds.toFixed(2)} ms\n`;
}

async function measure(count: number, concurrency: number, call: (i: number) => Promise<unknown>): Promise<Measured> {
  const latencies = new Float64Array(count);
  const started = performance.now();
  let next = 0;
  let done = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const from = performance.now();
      await call(next++);
      latencies[done++] = performance.now() - from;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, caller));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort();
  const quantile = (q: number): number => latencies[Math.min(count - 1, Math.floor(q * count))]!;
  return { perSecond: count / seconds, p50Milliseconds: quantile(0.5), p99Milliseconds: quantile(0.99) };
}
