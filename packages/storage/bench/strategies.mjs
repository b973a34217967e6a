// Measures ways to make one write durable inside a preallocated file, alone and with three processes at once; why `node/disk.ts` does what it does.
// Run: node packages/storage/bench/strategies.mjs [seconds]
import { fork } from 'node:child_process';
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const fileBytes = 16 * 1024 * 1024;

const strategies = {
  'writeSync, then fdatasync': (fd, bytes, offset, done) => {
    writeSync(fd, bytes, 0, bytes.length, offset);
    fdatasync(fd, done);
  },
  'write to an O_DSYNC descriptor': (fd, bytes, offset, done) => write(fd, bytes, 0, bytes.length, offset, done),
  'write, then fdatasync': (fd, bytes, offset, done) =>
    write(fd, bytes, 0, bytes.length, offset, (error) => (error ? done(error) : fdatasync(fd, done))),
  'writeSync, then fdatasyncSync': (fd, bytes, offset, done) => {
    writeSync(fd, bytes, 0, bytes.length, offset);
    fdatasyncSync(fd);
    setImmediate(done);
  },
};

function openPreallocated(path, name) {
  const fd = openSync(path, 'w+');
  const zeros = Buffer.alloc(1024 * 1024);
  for (let offset = 0; offset < fileBytes; offset += zeros.length) writeSync(fd, zeros, 0, zeros.length, offset);
  fsyncSync(fd);
  closeSync(fd);
  return openSync(path, constants.O_RDWR | (name.includes('O_DSYNC') ? constants.O_DSYNC : 0));
}

async function measure({ path, name, bytesPerWrite, seconds }) {
  const fd = openPreallocated(path, name);
  const bytes = Buffer.alloc(bytesPerWrite, 7);
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  for (let offset = 4096; performance.now() < end;) {
    const before = performance.now();
    await new Promise((resolve, reject) => {
      strategies[name](fd, bytes, offset, (error) => (error ? reject(error) : resolve()));
    });
    latencies.push(performance.now() - before);
    offset = offset + 2 * bytesPerWrite > fileBytes ? 4096 : offset + bytesPerWrite;
  }
  latencies.sort((a, b) => a - b);
  const at = (share) => Number(latencies[Math.floor(latencies.length * share)].toFixed(3));
  return { perSecond: Math.round(latencies.length / seconds), p50: at(0.5), p99: at(0.99) };
}

if (process.argv[2] === 'child') {
  process.once('message', async (options) => process.send(await measure(options)));
} else {
  const seconds = Number(process.argv[2] ?? 2);
  for (const bytesPerWrite of [1024, 65_536]) {
    for (const count of [1, 3]) {
      for (const name of Object.keys(strategies)) {
        const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'raftkv-bench-'));
        const children = Array.from({ length: count }, () => fork(self, ['child']));
        const results = children.map((child, i) => {
          child.send({ path: join(directory, String(i)), name, bytesPerWrite, seconds });
          return new Promise((resolve) => child.once('message', resolve));
        });
        for (const result of await Promise.all(results)) {
          console.log(JSON.stringify({ name, processes: count, bytesPerWrite, ...result }));
        }
        for (const child of children) child.kill();
        rmSync(directory, { recursive: true, force: true });
      }
    }
  }
}
