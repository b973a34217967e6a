// `npm run bench:observers`: what an observer costs a member. Some processes hold 1,000 of them, each with its own connection, against one real
// member: its memory and CPU per observer, idle and while keys are written, how late changes come, and what all this does to the puts.
// Options: --observers N, --keys N, --seconds N, --json FILE. The machines are shared: read ratios, not times.
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bytes, connect } from 'raftkv';
import { cpuSeconds, startRaftkv } from './processes.mjs';

const { values: options } = parseArgs({
  options: {
    observers: { type: 'string', default: '1000' },
    keys: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
});
const [observers, keys, seconds] = [Number(options.observers), Number(options.keys), Number(options.seconds)];
const holders = 4;
const holder = fileURLToPath(new URL('observer-holder.mjs', import.meta.url));
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/** 128 bytes that compress about as text does, the time of sending first. */
function valueOf(at) {
  const value = Buffer.from(
    `${'x'.repeat(8)}{"id":${at},"name":"observer bench","note":"${'lorem ipsum dolor sit amet '.repeat(3)}"}`,
  );
  value.writeDoubleLE(performance.timeOrigin + performance.now(), 0);
  return value;
}

class Bench {
  children = [];
  results = {};

  async start() {
    this.cluster = await startRaftkv(1);
    [this.pid] = this.cluster.pids;
    this.kv = connect({ endpoints: this.cluster.endpoints, codec: bytes, requestTimeoutMilliseconds: 60_000 });
    await this.put(keys, { concurrency: 256 });
  }

  /** `count` puts, or as many as there is time for; `perSecond` paces them. */
  async put(count, { concurrency = 128, perSecond = Infinity, forSeconds = Infinity } = {}) {
    const started = performance.now();
    const deadline = started + forSeconds * 1000;
    let next = 0;
    const caller = async () => {
      while (next < count && performance.now() < deadline) {
        const at = next++;
        const due = started + (at / perSecond) * 1000;
        if (due > performance.now()) await sleep(due - performance.now());
        await this.kv.put(`bench/${String(at % keys).padStart(8, '0')}`, valueOf(at));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, caller));
    return { count: next, perSecond: (next * 1000) / (performance.now() - started) };
  }

  async hold() {
    await Promise.all(
      Array.from({ length: holders }, async (_, at) => {
        const count = Math.floor(observers / holders) + (at < observers % holders ? 1 : 0);
        const child = fork(holder, [this.cluster.endpoints[0], String(count)]);
        this.children.push(child);
        await new Promise((done) => child.once('message', done));
      }),
    );
  }

  ask(question) {
    const answers = this.children.map((child) => {
      const answer = new Promise((done) => child.once('message', done));
      child.send(question);
      return answer;
    });
    return Promise.all(answers);
  }

  async until(isReached) {
    for (const deadline = Date.now() + 120_000; ; await sleep(100)) {
      const answers = await this.ask('state');
      if (isReached(answers)) return answers;
      if (Date.now() > deadline) throw new Error(`observers do not come along: ${JSON.stringify(answers)}`);
    }
  }

  /** The member's CPU as a share of one core, and its memory afterwards. */
  async measure(work) {
    await this.ask('reset');
    const [cpu, started] = [cpuSeconds(this.pid), performance.now()];
    const outcome = await work();
    const took = (performance.now() - started) / 1000;
    const answers = await this.ask('state');
    if (answers.some(({ ended }) => ended > 0)) throw new Error('observers were cut off');
    const latencies = Float64Array.from(answers.flatMap((answer) => answer.latencies)).sort();
    const quantile = (q) => latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))];
    return {
      cores: (cpuSeconds(this.pid) - cpu) / took,
      resident: residentBytes(this.pid),
      bytesPerSecond: answers.reduce((sum, answer) => sum + answer.bytes, 0) / took,
      messagesPerSecond: answers.reduce((sum, answer) => sum + answer.messages, 0) / took,
      p50: quantile(0.5),
      p99: quantile(0.99),
      outcome,
    };
  }

  async stop() {
    for (const child of this.children) child.kill();
    await this.kv?.close();
    await this.cluster?.stop();
  }
}

const mebibytes = (count) => `${(count / 1024 / 1024).toFixed(1)} MiB`;

function show(name, { cores, resident, bytesPerSecond, messagesPerSecond, p50, p99 }, base) {
  const perObserver = ((cores - base.cores) * 1e6) / observers;
  console.log(
    `${name.padEnd(34)} ${(cores * 100).toFixed(1).padStart(6)} % of a core, ${perObserver.toFixed(1).padStart(7)} µs/s each` +
      `, ${mebibytes(resident)}, ${(bytesPerSecond / 1e6).toFixed(2)} MB/s and ${Math.round(messagesPerSecond)} messages/s out` +
      (p50 === undefined ? '' : `, late by p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`),
  );
}

const bench = new Bench();
try {
  await bench.start();
  await sleep(2_000);
  const before = await bench.measure(() => sleep(seconds * 1000));
  const alone = await bench.measure(() => bench.put(Infinity, { forSeconds: seconds }));
  const aloneAtRate = await bench.measure(() => bench.put(100 * seconds, { perSecond: 100 }));
  console.log(`${observers} observers of ${keys} keys of 128 bytes, held by ${holders} processes, one member`);
  show('nobody, idle', before, before);
  show('nobody, 100 puts/s', aloneAtRate, aloneAtRate);
  const [residentBefore, joinStarted] = [residentBytes(bench.pid), performance.now()];
  const joining = await bench.measure(async () => {
    await bench.hold();
    await bench.until((answers) => answers.reduce((sum, { complete }) => sum + complete, 0) >= observers);
  });
  const joinSeconds = (performance.now() - joinStarted) / 1000;
  show(`joining, all complete in ${joinSeconds.toFixed(1)} s`, joining, before);
  await sleep(2_000);
  const idle = await bench.measure(() => sleep(seconds * 1000));
  show('idle', idle, before);
  const slow = await bench.measure(() => bench.put(10 * seconds, { perSecond: 10 }));
  show('10 puts/s', slow, before);
  const steady = await bench.measure(() => bench.put(100 * seconds, { perSecond: 100 }));
  show('100 puts/s', steady, aloneAtRate);
  const full = await bench.measure(() => bench.put(Infinity, { forSeconds: seconds }));
  show('puts of 128 callers', full, alone);
  const caughtUp = performance.now();
  const { revision } = await bench.kv.getEntry('bench/00000000').then((entry) => entry ?? { revision: 0 });
  await bench.until((answers) => answers.every(({ slowest }) => slowest >= revision));
  const perObserver = (idle.resident - residentBefore) / observers;
  const ratio = full.outcome.perSecond / alone.outcome.perSecond;
  console.log(
    `memory: ${(perObserver / 1024).toFixed(1)} KiB an observer (${mebibytes(residentBefore)} → ${mebibytes(idle.resident)})`,
  );
  console.log(
    `puts of 128 callers: ${Math.round(alone.outcome.perSecond)}/s with nobody, ${Math.round(full.outcome.perSecond)}/s with ${observers} observers: ${ratio.toFixed(2)} of it`,
  );
  const cpuOf = ({ cores, outcome }) => ((cores * 1e6) / outcome.perSecond).toFixed(0);
  console.log(`the member's CPU a put: ${cpuOf(alone)} µs with nobody, ${cpuOf(full)} µs with ${observers} observers`);
  console.log(`all observers caught up ${((performance.now() - caughtUp) / 1000).toFixed(1)} s after the last put`);
  if (options.json !== undefined) {
    const result = {
      observers,
      keys,
      before,
      alone,
      aloneAtRate,
      joining,
      joinSeconds,
      idle,
      slow,
      steady,
      full,
      perObserver,
      ratio,
    };
    writeFileSync(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
} finally {
  await bench.stop();
}
