// `npm run bench`: puts and linearizable gets of 1 KiB against three members with syncs on, at 1, 128 and 1,000 callers, beside etcd
// and a single Redis where they are installed, in the same run, as ratios. The machines are shared: read ratios, not times.
// Options: --quick (fewer operations), --only raftkv|etcd|redis, --operations N, --json FILE.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuSeconds, isInstalled } from './processes.mjs';
import { etcdTarget, raftkvTarget, redisTarget } from './targets.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    operations: { type: 'string' },
    callers: { type: 'string', default: '1,128,1000' },
    json: { type: 'string' },
    sizes: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const operations = Number(options.operations ?? (options.quick ? 2_000 : 20_000));
const callers = options.callers.split(',').map(Number);
/** One caller waits for each answer: enough operations for the percentiles, within this time. */
const singleCallerMilliseconds = options.quick ? 3_000 : 20_000;
const value = randomBytes(1024);
const key = (i) => `bench/${String(i % 10_000).padStart(8, '0')}`;

async function measure(target, call, { count, concurrency }) {
  const latencies = new Float64Array(count);
  const cpuBefore = { client: process.cpuUsage(), servers: target.pids.map(cpuSeconds) };
  const started = performance.now();
  const deadline = concurrency === 1 ? started + singleCallerMilliseconds : Number.POSITIVE_INFINITY;
  let next = 0;
  let done = 0;
  const caller = async () => {
    while (next < count && performance.now() < deadline) {
      const i = next++;
      const from = performance.now();
      await call(i);
      latencies[done++] = performance.now() - from;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - started) / 1000;
  const client = process.cpuUsage(cpuBefore.client);
  const cpu = target.pids.map((pid, i) => ((cpuSeconds(pid) - cpuBefore.servers[i]) * 1e6) / done);
  const sorted = latencies.subarray(0, done).sort();
  const quantile = (q) => sorted[Math.min(done - 1, Math.floor(q * done))];
  return {
    perSecond: done / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    clientCpuMicroseconds: (client.user + client.system) / done,
    serverCpuMicroseconds: cpu,
  };
}

function show(name, result) {
  const cpu = [result.clientCpuMicroseconds, ...result.serverCpuMicroseconds].map((us) => us.toFixed(0)).join('+');
  const rate = Math.round(result.perSecond).toLocaleString('en').padStart(9);
  console.log(
    `  ${name.padEnd(34)} ${rate}/s   p50 ${result.p50.toFixed(2).padStart(8)} ms   p99 ${result.p99.toFixed(2).padStart(8)} ms   CPU µs/op ${cpu}`,
  );
}

async function runTarget(target) {
  const results = {};
  console.log(`\n${target.name}`);
  const run = async (name, call, shape) => {
    results[name] = await measure(target, call, shape);
    show(name, results[name]);
  };
  const put = (i) => target.put(key(i), value);
  const get = async (i) => {
    if ((await target.get(key(i)))?.length !== value.length)
      throw new Error(`${target.name}: ${key(i)} came back wrong`);
  };
  const together = Math.min(10_000, operations);
  await run('puts, all in flight together', put, { count: together, concurrency: together });
  await run('gets, all in flight together', get, { count: together, concurrency: together });
  for (const concurrency of callers) {
    await run(`puts, ${concurrency} callers`, put, { count: operations, concurrency });
    await run(`gets, ${concurrency} callers`, get, { count: operations, concurrency });
  }
  return results;
}

const report = {};
const wanted = (name) => options.only === undefined || options.only === name;
const plans = [
  ['raftkv', () => raftkvTarget(3), true],
  ['etcd', () => etcdTarget(3), isInstalled('etcd')],
  ['redis', () => redisTarget(), isInstalled('redis-server')],
];
for (const [name, start, isPossible] of plans) {
  if (!wanted(name)) continue;
  if (!isPossible) {
    console.log(`\n${name}: not installed here, left out`);
    continue;
  }
  const target = await start();
  try {
    report[name] = await runTarget(target);
  } finally {
    await target.stop();
  }
}

if (wanted('raftkv') && options.sizes) {
  console.log('\nraftkv, 1,000 puts in flight together, by size of the cluster');
  for (const count of [3, 5, 7]) {
    const target = await raftkvTarget(count);
    try {
      const result = await measure(target, (i) => target.put(key(i), value), { count: 1_000, concurrency: 1_000 });
      show(`${count} nodes`, result);
      report[`raftkv-${count}-nodes`] = { puts: result };
    } finally {
      await target.stop();
    }
  }
}

for (const other of ['etcd', 'redis']) {
  if (report.raftkv === undefined || report[other] === undefined) continue;
  console.log(`\nraftkv ÷ ${other}, this run`);
  for (const [name, result] of Object.entries(report.raftkv)) {
    const theirs = report[other][name];
    console.log(
      `  ${name.padEnd(34)} throughput × ${(result.perSecond / theirs.perSecond).toFixed(2)}   p50 × ${(result.p50 / theirs.p50).toFixed(2)}`,
    );
  }
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
