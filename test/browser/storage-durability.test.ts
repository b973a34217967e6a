// That `strict` is what it says. Killing a tab or a browser proves nothing about it (the operating system keeps what it was handed), so
// the system calls of the browser are watched: strict forces each transaction to the medium before it is acknowledged, relaxed does not.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { launchProfile, processesOf } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['storage']);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'raftkv-profile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** Appends one batch after the other; resolves when all are acknowledged. */
const appendAll = (tab: Tab, durability: 'strict' | 'relaxed', count: number): Promise<void> =>
  tab.page.evaluate(
    async ([way, batches]) => {
      const { openIndexedDbStorage, identity, append } = storageLab;
      const storage = await openIndexedDbStorage({ name: way, create: true, identity, durability: way });
      for (let index = 1; index <= batches; index += 1) await append(storage, index, 1);
      await storage.close();
    },
    [durability, count] as const,
  );

/** How often the browser synced a file of IndexedDB while `action` ran. What it syncs beside is its own business, and more the longer that takes. */
async function countSyncs(pids: readonly number[], action: () => Promise<void>): Promise<number> {
  const output = join(folder, 'syncs');
  const words = ['-f', '-y', '-e', 'trace=fsync,fdatasync,msync,sync_file_range', '-e', 'signal=none', '-o', output];
  const strace = spawn('strace', [...words, ...pids.flatMap((pid) => ['-p', String(pid)])]);
  const ended = new Promise((resolve) => {
    strace.once('exit', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    strace.once('error', reject);
    let said = '';
    strace.stderr.on('data', (text) => {
      said += String(text);
      // One of them may have ended.
      if ((said.match(/ attached|No such process/g) ?? []).length === pids.length) resolve();
    });
  });
  await action();
  strace.kill('SIGINT');
  await ended;
  return readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => /\b(fsync|fdatasync)\(\d+<[^>]*\/IndexedDB\//.test(line)).length;
}

it('a write is acknowledged when its transaction is complete, and not before', async () => {
  const tab = await stage.openTab('storage');
  const events = await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    let started = 0;
    let complete = 0;
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...words) {
      started += 1;
      const made = transaction.apply(this, words);
      made.addEventListener('complete', () => {
        complete += 1;
      });
      return made;
    };
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity });
    const open: number[] = [];
    for (let index = 1; index <= 5; index += 1) {
      await append(storage, index, 1);
      open.push(started - complete);
    }
    await storage.close();
    return { open, started };
  });
  expect(events).toEqual({ open: [0, 0, 0, 0, 0], started: 6 });
});

it('a strict write is synced before it is acknowledged, a relaxed one is not', async () => {
  const profile = new Profile(await launchProfile(folder));
  const tab = await profile.openTab(stage.url('storage'));
  // Once, so that files are made and caches are warm.
  await appendAll(tab, 'strict', 1);
  await appendAll(tab, 'relaxed', 1);
  const pids = (await processesOf(profile.context)).filter(({ type }) => type !== 'renderer').map(({ id }) => id);
  const strict = await countSyncs(pids, () => appendAll(tab, 'strict', 40));
  const relaxed = await countSyncs(pids, () => appendAll(tab, 'relaxed', 40));
  expect(strict).toBeGreaterThanOrEqual(40);
  expect(relaxed).toBeLessThan(20);
  await profile.close();
});
