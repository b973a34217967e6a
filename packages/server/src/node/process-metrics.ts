// What a Node process says of itself: memory, processor time, how late its event loop runs, what it was built from. Also the
// one-second timer that the rates of the server's metrics are sampled by.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFamily, Metrics } from '../metrics.ts';
import { counter, gauge } from '../metrics.ts';

export interface ProcessMetricsOptions {
  /** The version of raftkv. */
  readonly version: string;
}

/** How often the event loop is looked at. */
const resolutionMilliseconds = 20;

/** Adds the process's metrics and starts the sampling. Answers the function that ends both; the timer keeps no process alive. */
export function startProcessMetrics(metrics: Metrics, options: ProcessMetricsOptions): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMilliseconds });
  delay.enable();
  metrics.sampleRates(performance.now() / 1000);
  const timer = setInterval(() => metrics.sampleRates(performance.now() / 1000), 1000).unref();
  const removeSource = metrics.addSource(() => {
    const families = [...memoryFamilies(), ...timeFamilies(), buildFamily(options.version)];
    families.push(
      gauge(
        'nodejs_eventloop_delay_mean_seconds',
        'Mean delay of the event loop since the last scrape.',
        delaySeconds(delay.mean),
      ),
      gauge('nodejs_eventloop_delay_p99_seconds', '99th percentile of the same.', delaySeconds(delay.percentile(99))),
      gauge('nodejs_eventloop_delay_max_seconds', 'Longest delay of the same.', delaySeconds(delay.max)),
    );
    delay.reset();
    return families;
  });
  return () => {
    clearInterval(timer);
    delay.disable();
    removeSource();
  };
}

function memoryFamilies(): MetricFamily[] {
  const memory = process.memoryUsage();
  return [
    gauge('process_resident_memory_bytes', 'Resident memory of the process.', memory.rss),
    gauge('nodejs_heap_used_bytes', 'Used part of the JavaScript heap.', memory.heapUsed),
    gauge('nodejs_heap_total_bytes', 'Size of the JavaScript heap.', memory.heapTotal),
    gauge('nodejs_external_memory_bytes', 'Memory of buffers and other objects outside the heap.', memory.external),
  ];
}

function timeFamilies(): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  const startSeconds = performance.timeOrigin / 1000;
  return [
    counter('process_cpu_seconds_total', 'Processor time used, user and system.', (user + system) / 1e6),
    gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', startSeconds),
  ];
}

function buildFamily(version: string): MetricFamily {
  const labels = { version, node: process.version };
  return {
    name: 'raftkv_build_info',
    help: 'What runs here; always 1.',
    type: 'gauge',
    samples: [{ labels, value: 1 }],
  };
}

/** The histogram holds the time from one look to the next; without a look yet it answers NaN. */
function delaySeconds(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolutionMilliseconds / 1000) : 0;
}
