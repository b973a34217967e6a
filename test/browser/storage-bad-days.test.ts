// What happens to tabs and their storage out there: killed in the middle of a write, the browser killed, quota used up, data cleared or
// deleted, handles that die. Nothing acknowledged is lost, and nothing is ever silently empty.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { killBrowser, launchProfile } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['storage']);

/** Where profiles on disk are; the others are in memory. */
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'raftkv-profile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const openProfile = async (): Promise<Profile> => new Profile(await launchProfile(folder));

/** Writes without end, many batches open at once, and tells the last index that was acknowledged; some snapshots and compactions between. */
async function startWriting(tab: Tab, durability: 'strict' | 'relaxed'): Promise<() => number> {
  let acknowledged = 0;
  await tab.page.exposeFunction('acknowledge', (index: number) => {
    acknowledged = Math.max(acknowledged, index);
  });
  await tab.page.evaluate(async (way) => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity, durability: way });
    const acknowledge = Reflect.get(globalThis, 'acknowledge') as (index: number) => void;
    const { entries, compactedIndex } = await storage.load();
    let index = compactedIndex + entries.length + 1;
    const configuration = { voters: ['a1'], votersOutgoing: [], learners: [] };
    let toldAt = 0;
    const write = async (): Promise<void> => {
      for (;;) {
        const mine = index;
        index += 3;
        await append(storage, mine, 3, 300);
        // Not each: the channel to the test would be the bottleneck.
        if (performance.now() < toldAt + 5) continue;
        toldAt = performance.now();
        acknowledge(mine + 2);
      }
    };
    const snapshots = async (): Promise<void> => {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        const lastIncludedIndex = index - 1;
        const writer = await storage.createSnapshot({ lastIncludedIndex, lastIncludedTerm: 1, configuration });
        for (let i = 0; i < 5; i += 1) await writer.write(new Uint8Array(40_000).fill(lastIncludedIndex % 251));
        await writer.commit();
        await storage.compact(lastIncludedIndex - 20);
      }
    };
    for (let i = 0; i < 8; i += 1) void write();
    void snapshots();
  }, durability);
  return () => acknowledged;
}

/** Opens what a dead writer left and checks all of it; the last index that is there. */
async function checkSurvivor(tab: Tab): Promise<number> {
  const found = await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, makeEntries } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'a', create: false, lockWaitMilliseconds: 5000 });
    const { entries, compactedIndex, snapshot } = await storage.load();
    const wrong = entries.filter(({ index, data }, i) => {
      const expected = makeEntries(compactedIndex + 1 + i, 1, 300)[0]!;
      return index !== expected.index || data.some((byte, at) => byte !== expected.data[at]);
    });
    const reader = await storage.openSnapshot();
    const content = await reader?.read(0, reader.totalBytes);
    const isWhole =
      reader === undefined ||
      (content?.length === 200_000 && content.every((byte) => byte === reader.meta.lastIncludedIndex % 251));
    await storage.close();
    const lastIndex = compactedIndex + entries.length;
    return { lastIndex, wrong: wrong.length, isWhole, covers: snapshot?.lastIncludedIndex ?? 0, compactedIndex };
  });
  expect(found).toMatchObject({ wrong: 0, isWhole: true });
  expect(found.covers).toBeGreaterThanOrEqual(found.compactedIndex);
  return found.lastIndex;
}

for (const durability of ['strict', 'relaxed'] as const) {
  it(`a tab that is killed in the middle of its writes loses nothing acknowledged, ${durability}`, async () => {
    for (let round = 0; round < 3; round += 1) {
      const writer = await stage.openTab('storage');
      const acknowledged = await startWriting(writer, durability);
      const before = acknowledged();
      await expect.poll(acknowledged).toBeGreaterThan(before + 300 + round * 100);
      await writer.kill();
      const survivor = await stage.openTab('storage');
      expect(await checkSurvivor(survivor)).toBeGreaterThanOrEqual(acknowledged());
      await survivor.close();
    }
  });

  it(`a browser that is killed with -9 loses nothing acknowledged, ${durability}`, async () => {
    const doomed = await openProfile();
    const writer = await doomed.openTab(stage.url('storage'));
    const acknowledged = await startWriting(writer, durability);
    await expect.poll(acknowledged).toBeGreaterThan(500);
    await killBrowser(doomed.context);
    const again = await openProfile();
    const survivor = await again.openTab(stage.url('storage'));
    expect(await checkSurvivor(survivor)).toBeGreaterThanOrEqual(acknowledged());
    await again.close();
  });
}

it('a frozen tab goes on where it was', async () => {
  const tab = await stage.openTab('storage');
  const acknowledged = await startWriting(tab, 'relaxed');
  await expect.poll(acknowledged).toBeGreaterThan(100);
  await tab.freeze();
  await tab.resume();
  const before = acknowledged();
  await expect.poll(acknowledged).toBeGreaterThan(before + 100);
});

it('quota that is used up is storage_full, told once, and what was acknowledged is there', async () => {
  // On disk: quota is not enforced on profiles in memory.
  const profile = await openProfile();
  const tab = await profile.openTab(stage.url('storage'));
  // Before the first write: the browser remembers for a while how much room there was.
  await tab.setQuota(1_000_000);
  await holdOne(tab);
  const codes = await tab.page.evaluate(async () => {
    const { storage, heard } = storageLab.held!;
    const found: string[] = [];
    let index = 2;
    while (heard.length === 0 && index < 200) {
      const first = index;
      const code = await storageLab.codeOf(() => storageLab.append(storage, first, 1, 50_000));
      if (code === 'resolved') index += 1;
      else found.push(code);
    }
    found.push(await storageLab.codeOf(() => storage.setNote('a', new Uint8Array(1))));
    await storage.close();
    return { found, heard, index };
  });
  expect(codes.found).toEqual(['storage_full', 'storage_full']);
  expect(codes.heard).toEqual(['storage_full']);
  await tab.setQuota(undefined);
  const after = await tab.page.evaluate(async () => {
    const storage = await storageLab.openIndexedDbStorage({ name: 'a', create: false });
    const { entries } = await storage.load();
    const code = await storageLab.codeOf(() => storageLab.append(storage, entries.length + 1, 1, 50_000));
    await storage.close();
    return { count: entries.length, code };
  });
  expect(after).toEqual({ count: codes.index - 1, code: 'resolved' });
  await profile.close();
});

/** Opens "a" in a tab, keeps it, appends one entry. */
async function holdOne(tab: Tab): Promise<void> {
  await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const heard: string[] = [];
    const onFailure = ({ code }: { code: string }): void => void heard.push(code);
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity, onFailure });
    await append(storage, 1, 1);
    storageLab.held = { storage, heard, state: await storage.load() };
  });
}

const heard = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => storageLab.held!.heard);
const appendTwo = (tab: Tab): Promise<string> =>
  tab.page.evaluate(() => storageLab.codeOf(() => storageLab.append(storageLab.held!.storage, 2, 1)));
const reopen = (tab: Tab): Promise<string> =>
  tab.page.evaluate(() =>
    storageLab.codeOf(async () => {
      await storageLab.held?.storage.close();
      await (await storageLab.openIndexedDbStorage({ name: 'a', create: false })).close();
    }),
  );

it('a storage that another tab forgets makes way at once, is storage_missing, and does not come back empty', async () => {
  const [tab, other] = [await stage.openTab('storage'), await stage.openTab('storage')];
  await holdOne(tab);
  expect(await other.page.evaluate(() => storageLab.codeOf(() => storageLab.deleteIndexedDbStorage('a')))).toBe(
    'resolved',
  );
  // Nobody has to write for it to be noticed.
  await expect.poll(() => heard(tab)).toEqual(['storage_missing']);
  expect(await appendTwo(tab)).toBe('storage_missing');
  expect(await reopen(tab)).toBe('storage_missing');
  expect(await tab.page.evaluate(() => indexedDB.databases())).toEqual([]);
});

it('site data that are cleared under an open storage are storage_missing, at once', async () => {
  const tab = await stage.openTab('storage');
  await holdOne(tab);
  await tab.wipeStorage();
  await expect.poll(() => heard(tab)).toEqual(['storage_missing']);
  expect(await appendTwo(tab)).toBe('storage_missing');
  expect(await reopen(tab)).toBe('storage_missing');
});

it('site data that are cleared in the middle of writes are storage_missing', async () => {
  // More than once: Chromium ends the transaction that was open in some rounds, and forgets it in others.
  for (let round = 0; round < 6; round += 1) {
    const tab = await stage.openTab('storage');
    await holdOne(tab);
    await tab.page.evaluate(() => {
      const { storage } = storageLab.held!;
      void (async () => {
        for (let first = 2; ; first += 1) await storageLab.append(storage, first, 1, 1000);
      })().catch(() => undefined);
    });
    await tab.wipeStorage();
    await expect.poll(() => heard(tab)).toEqual(['storage_missing']);
    await tab.close();
  }
});

it('a tab with a later version of the layout gets through, and the older one says unsupported_version', async () => {
  const [tab, other] = [await stage.openTab('storage'), await stage.openTab('storage')];
  await holdOne(tab);
  await other.page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        indexedDB.open('raftkv/a', 2).onsuccess = () => resolve();
      }),
  );
  await expect.poll(() => heard(tab)).toEqual(['unsupported_version']);
  expect(await appendTwo(tab)).toBe('unsupported_version');
});

it('a handle that died while the data are there is replaced, and no write is lost or done twice', async () => {
  const tab = await stage.openTab('storage');
  const found = await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const handles: IDBDatabase[] = [];
    const { transaction } = IDBDatabase.prototype;
    let sabotage: 'none' | 'close' | 'abort' = 'none';
    IDBDatabase.prototype.transaction = function (...words) {
      handles.push(this);
      const [how] = [sabotage];
      sabotage = 'none';
      if (how === 'close') this.close();
      const made = transaction.apply(this, words);
      if (how === 'abort') queueMicrotask(() => made.abort());
      return made;
    };
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity });
    for (let index = 1; index <= 30; index += 1) {
      sabotage = (['none', 'close', 'abort'] as const)[index % 3]!;
      await append(storage, index, 1);
    }
    sabotage = 'close';
    await storage.getNote('peers');
    await storage.close();
    IDBDatabase.prototype.transaction = transaction;
    const again = await openIndexedDbStorage({ name: 'a', create: false });
    const { entries } = await again.load();
    await again.close();
    return { indexes: entries.map(({ index }) => index), handles: new Set(handles).size };
  });
  expect(found.indexes).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  expect(found.handles).toBeGreaterThan(20);
});

it('a tab that does not let go of a database that is to be deleted is storage_locked', async () => {
  const [stubborn, tab] = [await stage.openTab('storage'), await stage.openTab('storage')];
  await holdOne(stubborn);
  await stubborn.page.evaluate(async () => {
    await storageLab.held!.storage.close();
    Object.assign(storageLab, { stubborn: await storageLab.openRaw('a') });
  });
  const deleted = await tab.page.evaluate(() => storageLab.failureOf(() => storageLab.deleteIndexedDbStorage('a')));
  expect(deleted?.code).toBe('storage_locked');
  expect(deleted?.message).toContain('held open by another tab');
  // The deletion still waits, and an opening waits behind it: bounded, and said.
  const opened = await tab.page.evaluate(() =>
    storageLab.failureOf(() =>
      storageLab.openIndexedDbStorage({ name: 'a', create: false, openTimeoutMilliseconds: 500 }),
    ),
  );
  expect(opened?.code).toBe('storage_failed');
  expect(opened?.message).toContain('did not open within 500 ms');
  await stubborn.close();
  await expect.poll(() => reopen(tab)).toBe('storage_missing');
});

it('a browser that lets a page keep nothing is unsupported', async () => {
  const profile = await stage.profile();
  const without = await profile.openTab(stage.url('storage'), () => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
  });
  const forbidden = await profile.openTab(stage.url('storage'), () => {
    Object.defineProperty(globalThis, 'indexedDB', {
      get: () => {
        throw new DOMException('no access', 'SecurityError');
      },
    });
  });
  for (const tab of [without, forbidden]) {
    const code = await tab.page.evaluate(() =>
      storageLab.codeOf(() =>
        storageLab.openIndexedDbStorage({ name: 'a', create: true, identity: storageLab.identity }),
      ),
    );
    expect(code).toBe('unsupported');
  }
});
