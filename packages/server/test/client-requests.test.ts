// What a client's requests leave in the metrics.
import { describe, expect, it } from 'vitest';
import { ClientRequests } from '../src/client-requests.ts';
import { createMetrics } from '../src/metrics.ts';
import { formatPrometheus } from '../src/prometheus.ts';

describe('client requests', () => {
  it('counts each request once, by kind and outcome, when it ends', () => {
    const metrics = createMetrics();
    let now = 0;
    const requests = new ClientRequests(metrics, () => now);
    requests.open(1, 'put', 0);
    requests.open(2, 'put', 0);
    requests.open(3, 'get', 0);
    requests.name(2, 'txn');
    now = 5;
    requests.end(1, 'ok');
    requests.end(1, 'ok');
    requests.end(2, 'busy');
    expect([requests.count, requests.has(3), requests.has(1)]).toEqual([1, true, false]);
    const lines = formatPrometheus(metrics.families()).split('\n');
    expect(lines.filter((line) => /^raftkv_operations_total\{.* [1-9]/.test(line)).toSorted()).toMatchInlineSnapshot(`
      [
        "raftkv_operations_total{operation="put",result="ok"} 1",
        "raftkv_operations_total{operation="txn",result="busy"} 1",
      ]
    `);
  });
});
