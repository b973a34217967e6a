// What is counted and how it is written down, read back by a strict parser of the text format; and what counting costs.
import { describe, expect, it } from 'vitest';
import { createMetrics, gauge } from '../src/metrics.ts';
import type { MetricFamily, Metrics } from '../src/metrics.ts';
import { addMemberMetrics } from '../src/node-metrics.ts';
import { startProcessMetrics } from '../src/node/process-metrics.ts';
import { formatPrometheus } from '../src/prometheus.ts';
import { TestNode } from './test-node.ts';

/** Reads the text format strictly: name, labels, value of each sample, under the type of its family. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_0-9]+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      expect(types.has(type[1]!)).toBe(false);
      types.set(type[1]!, type[2]!);
    }
    if (line.startsWith('#')) continue;
    const sample = /^([a-z_0-9]+?)(_bucket|_sum|_count)?(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+)$/.exec(
      line,
    );
    expect(sample, line).not.toBeNull();
    const [, name, suffix = '', labels = '', value] = sample!;
    const isKnown = types.has(name!) || types.has(`${name!}${suffix}`);
    expect(isKnown, line).toBe(true);
    const key = `${name!}${suffix}${labels}`;
    expect(samples.has(key), key).toBe(false);
    samples.set(key, Number(value!.replace('Inf', 'Infinity')));
  }
  return samples;
}

const scrape = (metrics: Metrics): Map<string, number> => parse(formatPrometheus(metrics.families()));

describe('operations', () => {
  it('are counted by kind and result, also many at once', () => {
    const metrics = createMetrics();
    metrics.observe('put', 'ok', 0.001);
    metrics.observe('put', 'ok', 0.002, 99);
    metrics.observe('put', 'timeout', 5);
    metrics.observe('get', 'compacted', 0.001, 3);
    const samples = scrape(metrics);
    expect(samples.get('raftkv_operations_total{operation="put",result="ok"}')).toBe(100);
    expect(samples.get('raftkv_operations_total{operation="put",result="timeout"}')).toBe(1);
    expect(samples.get('raftkv_operations_total{operation="get",result="compacted"}')).toBe(3);
    expect(samples.get('raftkv_operations_total{operation="get",result="ok"}')).toBe(0);
    expect(samples.get('raftkv_operation_duration_seconds_count{operation="put"}')).toBe(101);
    expect(samples.get('raftkv_operation_duration_seconds_sum{operation="put"}')).toBeCloseTo(5.199);
  });

  it('fall into the bucket whose bound they reach, at every bound', () => {
    const bounds = Array.from({ length: 19 }, (_, at) => (50 * 2 ** at) / 1e6);
    for (const seconds of [
      0,
      -1,
      1e-9,
      ...bounds,
      ...bounds.map((bound) => bound * 1.001),
      ...bounds.map((bound) => bound * 0.999),
      1e9,
      Infinity,
    ]) {
      const metrics = createMetrics();
      metrics.observe('scan', 'ok', seconds);
      const family = metrics.families().find((one) => one.name === 'raftkv_operation_duration_seconds')!;
      const buckets = family.samples.filter((one) => one.suffix === '_bucket' && one.labels?.['operation'] === 'scan');
      expect(buckets.map((one) => [one.labels?.['le'], one.value])).toEqual([
        ...bounds.map((bound) => [String(bound), seconds <= bound ? 1 : 0]),
        ['+Inf', 1],
      ]);
    }
  });

  it('have a rate over the last ten seconds alone', () => {
    const metrics = createMetrics();
    const rate = (): number | undefined => scrape(metrics).get('raftkv_operations_per_second{operation="put"}');
    metrics.sampleRates(100);
    expect(rate()).toBe(0);
    for (let second = 1; second <= 5; second++) {
      metrics.observe('put', 'ok', 0.001, 200);
      metrics.sampleRates(100 + second);
    }
    expect(rate()).toBe(200);
    for (let second = 6; second <= 15; second++) metrics.sampleRates(100 + second);
    expect(rate()).toBe(0);
  });

  it('cost little to count', () => {
    const metrics = createMetrics();
    const run = (count: number): number => {
      const before = process.cpuUsage();
      for (let done = 0; done < count; done++) metrics.observe('put', 'ok', done * 1e-7);
      const { user, system } = process.cpuUsage(before);
      return ((user + system) * 1e3) / count;
    };
    run(100_000);
    // Far above what it takes (some tens of nanoseconds), so that a busy machine does not fail it; a Map with labels would.
    expect(Math.min(run(200_000), run(200_000), run(200_000))).toBeLessThan(300);
  });
});

describe('sources', () => {
  it('are asked at each scrape until they are removed; one that throws is counted', () => {
    const metrics = createMetrics();
    let value = 1;
    const remove = metrics.addSource(() => [gauge('test_value', 'A value.', value)]);
    metrics.addSource(() => {
      throw new Error('broken');
    });
    expect(scrape(metrics).get('test_value')).toBe(1);
    value = 2;
    const samples = scrape(metrics);
    expect(samples.get('test_value')).toBe(2);
    expect(samples.get('raftkv_metrics_source_failures_total')).toBe(2);
    remove();
    expect(scrape(metrics).has('test_value')).toBe(false);
  });

  it('show the member, its core and its storage', () => {
    const metrics = createMetrics();
    const node = new TestNode();
    const remove = addMemberMetrics(metrics, {
      node,
      storage: () => ({
        logBytes: 10,
        segments: 1,
        snapshotBytes: 0,
        syncs: 4,
        batches: 8,
        entries: 16,
        syncMilliseconds: 2000,
        lastSyncMilliseconds: 500,
        maxSyncMilliseconds: 900,
        isSynced: true,
      }),
      peers: () => [
        {
          id: 'b',
          name: 'node2',
          address: 'h:2',
          isConnected: true,
          path: undefined,
          link: { kind: 'websocket', path: 'direct', roundTripMilliseconds: 12 },
          queuedBytes: 0,
          droppedMessages: 3,
          connections: 2,
          traffic: { sentMessages: 5, sentBytes: 500, receivedMessages: 4, receivedBytes: 400 },
          lastError: undefined,
        },
      ],
    });
    node.changeLeader(false);
    node.changeLeader(true);
    const samples = scrape(metrics);
    expect(samples.get('raftkv_leader_changes_total')).toBe(2);
    expect(samples.get('raftkv_role{role="leader"}')).toBe(1);
    expect(samples.get('raftkv_role{role="follower"}')).toBe(0);
    expect(samples.get('raftkv_member_reachable{member="node1"}')).toBe(1);
    expect(samples.get('raftkv_log_sync_duration_seconds_sum')).toBe(2);
    expect(samples.get('raftkv_log_sync_duration_seconds_count')).toBe(4);
    expect(samples.get('raftkv_peer_sent_messages_total{peer="node2"}')).toBe(5);
    expect(samples.get('raftkv_peer_sent_bytes_total{peer="node2"}')).toBe(500);
    expect(samples.get('raftkv_peer_received_messages_total{peer="node2"}')).toBe(4);
    expect(samples.get('raftkv_peer_received_bytes_total{peer="node2"}')).toBe(400);
    expect(samples.get('raftkv_peer_dropped_messages_total{peer="node2"}')).toBe(3);
    expect(samples.get('raftkv_peer_connections_total{peer="node2"}')).toBe(2);
    expect(samples.get('raftkv_peer_link_info{peer="node2",kind="websocket",path="direct"}')).toBe(1);
    expect(samples.get('raftkv_peer_round_trip_seconds{peer="node2"}')).toBe(0.012);
    remove();
    expect(scrape(metrics).has('raftkv_term')).toBe(false);
  });

  it('show the process', () => {
    const metrics = createMetrics();
    const stop = startProcessMetrics(metrics, { version: '1.2.3' });
    const samples = scrape(metrics);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(samples.get('nodejs_eventloop_delay_max_seconds')).toBeGreaterThanOrEqual(0);
    expect(samples.get(`raftkv_build_info{version="1.2.3",node="${process.version}"}`)).toBe(1);
    stop();
    expect(scrape(metrics).has('process_resident_memory_bytes')).toBe(false);
  });
});

it('the text format escapes what would break it', () => {
  const family: MetricFamily = {
    name: 'odd',
    help: 'two\nlines \\ here',
    type: 'gauge',
    samples: [
      { labels: { name: 'a"b\\c\nd' }, value: Infinity },
      { labels: { name: 'nothing' }, value: Number.NaN },
    ],
  };
  expect(formatPrometheus([family, { ...family, name: 'empty', samples: [] }])).toBe(
    '# HELP odd two\\nlines \\\\ here\n# TYPE odd gauge\nodd{name="a\\"b\\\\c\\nd"} +Inf\nodd{name="nothing"} NaN\n',
  );
});
