// Faults of a real disk, made with strace under a real process: failed and killed syncs, a full disk, short and lying writes, a
// read-only file system, a slow one. Each run is followed by a clean restart that must find everything acknowledged.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keeps, runWriter } from './process/writer.ts';
import type { Run } from './process/writer.ts';

let directory = '';
let log = '';
beforeEach(async () => {
  directory = join(mkdtempSync(join(tmpdir(), 'raftkv-faults-')), 'store');
  // A store that is there already, so that the faults hit appends and not its creation.
  await runWriter({ directory, seed: 1, batches: 5 });
  log = join(directory, 'log-0000000000000001');
});
afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true });
});

/** Runs under a fault, then without: the second run must have kept what the first acknowledged. */
async function runFaulted(strace: readonly string[], batches = 200): Promise<Run> {
  const faulted = await runWriter({ directory, seed: 7, batches, strace });
  const after = await runWriter({ directory, seed: 8, batches: 20 });
  expect(after.failure).toBe('');
  expect(keeps(after.loaded, faulted.acknowledged), JSON.stringify([after.loaded, faulted.acknowledged])).toBe(true);
  expect(after.lines.at(-1)).toBe('closed');
  return faulted;
}

describe('a real disk', () => {
  it('that fails a sync stops the storage at once (T38)', async () => {
    const { failure, exitCode, lines } = await runFaulted([
      '-e',
      'trace=fdatasync',
      '-e',
      'inject=fdatasync:error=EIO:when=6',
    ]);
    expect(failure).toBe(`failed storage_failed sync of ${log} failed: the disk reports an error (EIO)`);
    expect(exitCode).toBe(3);
    expect(lines.at(-1)).toBe(failure);
  });

  it('that kills the process inside a sync loses nothing acknowledged', async () => {
    const { exitCode, failure, lines } = await runFaulted([
      '-e',
      'trace=fdatasync',
      '-e',
      'inject=fdatasync:signal=KILL:when=9',
    ]);
    expect([failure, exitCode === 0]).toEqual(['', false]);
    expect(lines.some((line) => line.startsWith('ack '))).toBe(true);
  });

  it('that is full says so', async () => {
    const { failure } = await runFaulted([
      '-P',
      log,
      '-e',
      'trace=pwrite64',
      '-e',
      'inject=pwrite64:error=ENOSPC:when=3',
    ]);
    expect(failure).toBe(`failed storage_full write of ${log} failed: the disk is full (ENOSPC)`);
  });

  it('that writes in pieces gets the rest, and the log goes on', async () => {
    const { failure, lines } = await runFaulted(
      ['-P', log, '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:retval=0:when=3'],
      30,
    );
    expect(failure).toBe('');
    expect(lines.at(-1)).toBe('closed');
  });

  it('that claims two bytes it did not write is caught', async () => {
    const { failure } = await runFaulted(['-P', log, '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:retval=2:when=3']);
    expect(failure).toBe(`failed storage_failed write of ${log} failed: the file does not hold what was written`);
  });

  it('that takes no more bytes is not waited for', async () => {
    const { failure } = await runFaulted(['-P', log, '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:retval=0:when=3+']);
    expect(failure).toBe(`failed storage_failed write of ${log} failed: it accepts no more bytes`);
  });

  it('that is read-only is refused in one line', async () => {
    const { failure } = await runFaulted(['-e', 'trace=link,linkat', '-e', 'inject=link,linkat:error=EROFS']);
    expect(failure).toMatch(/^failed storage_failed lock of .* failed: the file system is read-only \(EROFS\)$/);
  });

  it('that cannot keep the name of a new directory is told of: what holds it is synced too (T42)', async () => {
    const parent = join(directory, '..');
    const made = join(parent, 'a', 'b');
    const failing = (path: string): string[] => ['-P', path, '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO'];
    // The second start finds the directory that the first one made: its name may still not be certain.
    for (const path of [join(parent, 'a'), join(parent, 'a'), parent]) {
      if (path === parent) rmSync(join(parent, 'a'), { recursive: true });
      const { failure } = await runWriter({ directory: made, seed: 1, batches: 1, strace: failing(path) });
      expect(failure).toBe(`failed storage_failed sync of ${path} failed: the disk reports an error (EIO)`);
    }
    await runWriter({ directory: made, seed: 1, batches: 1 });
    const { failure } = await runWriter({ directory: made, seed: 1, batches: 1, strace: failing(join(parent, 'a')) });
    expect(failure).toBe('');
  });

  it('that is slow gathers more batches under one sync', async () => {
    const { lines } = await runFaulted(['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:delay_enter=30000'], 60);
    const statistics = lines.find((line) => line.startsWith('statistics '))!;
    const { maxSyncMilliseconds, batches, syncs } = JSON.parse(statistics.slice(11)) as Record<string, number>;
    expect(maxSyncMilliseconds).toBeGreaterThanOrEqual(30);
    expect(batches! / syncs!).toBeGreaterThan(1);
  });
});
