// Measures appends of 1 KiB entries through file storage, alone and with three processes at once, at several depths.
// Run: npx tsc -b packages/storage/tsconfig.node.json && node packages/storage/bench/append.mjs [seconds]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileStorage } from '@raftkv/storage/node';

const self = fileURLToPath(import.meta.url);
const identity = { clusterId: 'bench', memberId: 'm', memberName: 'bench' };

/** Keeps `depth` batches of one entry open for a while. */
async function measure({ directory, depth, seconds, compactEvery }) {
  const storage = await openFileStorage({ directory, create: true, identity });
  await storage.load();
  const data = new Uint8Array(1024).fill(7);
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  let index = 0;
  let compacted = 0;
  const configuration = { voters: ['m'], votersOutgoing: [], learners: [] };
  const caller = async () => {
    while (performance.now() < end) {
      index += 1;
      const before = performance.now();
      await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
      latencies.push(performance.now() - before);
    }
  };
  const compactor = async () => {
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (index - compacted < compactEvery) continue;
      const meta = { lastIncludedIndex: index - 1000, lastIncludedTerm: 1, configuration };
      const writer = await storage.createSnapshot(meta);
      await writer.commit();
      await storage.compact(meta.lastIncludedIndex);
      compacted = index;
    }
  };
  const cpuBefore = process.cpuUsage();
  await Promise.all([...Array.from({ length: depth }, caller), compactor()]);
  const cpu = process.cpuUsage(cpuBefore);
  const { syncs, entries, maxSyncMilliseconds, segments } = storage.statistics();
  await storage.close();
  latencies.sort((a, b) => a - b);
  return {
    appendsPerSecond: Math.round(entries / seconds),
    syncsPerSecond: Math.round(syncs / seconds),
    entriesPerSync: Number((entries / syncs).toFixed(1)),
    p50: Number(latencies[latencies.length >> 1].toFixed(2)),
    p99: Number(latencies[Math.floor(latencies.length * 0.99)].toFixed(2)),
    maxSync: Number(maxSyncMilliseconds.toFixed(1)),
    cpuMicrosecondsPerAppend: Math.round((cpu.user + cpu.system) / entries),
    segments,
  };
}

async function runChildren(count, options) {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'raftkv-bench-'));
  const children = Array.from({ length: count }, () => fork(self, ['child']));
  try {
    const results = children.map((child, i) => {
      child.send({ ...options, directory: join(directory, String(i)) });
      return new Promise((resolve) => child.once('message', resolve));
    });
    return await Promise.all(results);
  } finally {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'child') {
  process.once('message', async (options) => process.send(await measure(options)));
} else {
  const seconds = Number(process.argv[2] ?? 3);
  for (const depth of [1, 16, 128, 1024]) {
    for (const count of [1, 3]) {
      const results = await runChildren(count, { depth, seconds, compactEvery: 20_000 });
      for (const result of results) console.log(JSON.stringify({ processes: count, depth, ...result }));
    }
  }
}
