// What happens to a tab's copy out there: killed in the middle of a write, no room, data cleared or deleted, handles that die, a browser that keeps nothing.
// It is found again as it was at some moment after what was acknowledged, or said to be gone.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { launchProfile } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['copy']);

const heard = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => copyLab.held!.heard);
const append = (tab: Tab): Promise<string> =>
  tab.page.evaluate(() => copyLab.codeOf(() => copyLab.held!.copy.append(copyLab.record(2))));
const reopen = (tab: Tab): Promise<string> =>
  tab.page.evaluate(() =>
    copyLab.codeOf(async () => {
      await copyLab.held?.copy.close();
      const options = { name: 'a', owner: undefined } as unknown as Parameters<typeof copyLab.open>[0];
      await (await copyLab.open(options)).close();
    }),
  );

async function holdOne(tab: Tab): Promise<void> {
  await tab.page.evaluate(async () => {
    await copyLab.hold();
    await copyLab.held!.copy.append(copyLab.record(1));
  });
}

it.each(['strict', 'relaxed'] as const)(
  'a tab that is killed in the middle of its writes loses nothing acknowledged, %s',
  async (durability) => {
    for (let round = 0; round < 3; round += 1) {
      const writer = await stage.openTab('copy');
      let acknowledged = 0;
      await writer.page.exposeFunction('acknowledge', (number: number) => {
        acknowledged = Math.max(acknowledged, number);
      });
      await writer.page.evaluate(async (way) => {
        const acknowledge = Reflect.get(globalThis, 'acknowledge') as (number: number) => void;
        const { open, numbersOf, record } = copyLab;
        const copy = await open({ durability: way });
        const before = (await numbersOf(copy)).at(-1) ?? 0;
        let number = before;
        let toldAt = 0;
        const write = async (): Promise<void> => {
          for (;;) {
            const mine = (number += 1);
            await copy.append(record(mine, 300));
            if (performance.now() < toldAt + 5) continue;
            toldAt = performance.now();
            acknowledge(mine);
          }
        };
        const replace = async (): Promise<void> => {
          for (;;) {
            await new Promise((resolve) => setTimeout(resolve, 20));
            // The whole up to now, as some records before the last one: that says where it stands.
            const end = number;
            await copy.replace(Array.from({ length: 10 }, (_, i) => record(end - 9 + i, 40_000)));
          }
        };
        for (let i = 0; i < 8; i += 1) void write();
        void replace();
      }, durability);
      const before = acknowledged;
      await expect.poll(() => acknowledged).toBeGreaterThan(before + 300 + round * 100);
      await writer.kill();
      const survivor = await stage.openTab('copy');
      const { numbers } = await survivor.page.evaluate(() => copyLab.reopened());
      // Without a gap: of a whole and what follows it, never parts of two.
      expect(numbers).toEqual(Array.from(numbers, (_, i) => numbers[0]! + i));
      expect(numbers.at(-1)).toBeGreaterThanOrEqual(acknowledged);
      await survivor.close();
    }
  },
);

it('quota that is used up is storage_full, told once, and what was acknowledged is there', async () => {
  // On disk: quota is not enforced on profiles in memory.
  const folder = mkdtempSync(join(tmpdir(), 'raftkv-profile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const profile = new Profile(await launchProfile(folder));
  const tab = await profile.openTab(stage.url('copy'));
  // Before the first write: the browser remembers for a while how much room there was.
  await tab.setQuota(1_000_000);
  await holdOne(tab);
  const found = await tab.page.evaluate(async () => {
    const { record, codeOf } = copyLab;
    const { copy, heard: codes } = copyLab.held!;
    let count = 1;
    while (codes.length === 0 && count < 200) {
      if ((await codeOf(() => copy.append(record(count + 1, 50_000)))) === 'resolved') count += 1;
    }
    const after = await codeOf(() => copy.append(record(0)));
    await copy.close();
    return { codes, after, count };
  });
  expect(found).toMatchObject({ codes: ['storage_full'], after: 'storage_full' });
  await tab.setQuota(undefined);
  const { numbers } = await tab.page.evaluate(() => copyLab.reopened());
  expect(numbers).toHaveLength(found.count);
  await profile.close();
});

it('a copy that another tab forgets makes way at once, is storage_missing, and does not come back empty', async () => {
  const [tab, other] = [await stage.openTab('copy'), await stage.openTab('copy')];
  await holdOne(tab);
  expect(await other.page.evaluate(() => copyLab.codeOf(() => copyLab.deleteIndexedDbCopy('a')))).toBe('resolved');
  // Nobody has to write for it to be noticed.
  await expect.poll(() => heard(tab)).toEqual(['storage_missing']);
  expect(await append(tab)).toBe('storage_missing');
  expect(await reopen(tab)).toBe('storage_missing');
  expect(await tab.page.evaluate(() => indexedDB.databases())).toEqual([]);
});

it('site data that are cleared in the middle of writes are storage_missing', async () => {
  // More than once: Chromium ends the transaction that was open in some rounds, and forgets it in others.
  for (let round = 0; round < 6; round += 1) {
    const tab = await stage.openTab('copy');
    await holdOne(tab);
    await tab.page.evaluate(() => {
      void (async () => {
        for (;;) await copyLab.held!.copy.append(copyLab.record(2, 1000));
      })().catch(() => undefined);
    });
    await tab.wipeStorage();
    await expect.poll(() => heard(tab)).toEqual(['storage_missing']);
    await tab.close();
  }
});

it('a tab with a later version of the layout gets through, and the older one says unsupported_version', async () => {
  const [tab, other] = [await stage.openTab('copy'), await stage.openTab('copy')];
  await holdOne(tab);
  await other.page.evaluate(async () => void (await copyLab.openRaw(3)));
  await expect.poll(() => heard(tab)).toEqual(['unsupported_version']);
  expect(await append(tab)).toBe('unsupported_version');
});

it('a tab that does not let go of what is to be deleted is storage_locked, and opening waits no longer than it may', async () => {
  const [stubborn, tab] = [await stage.openTab('copy'), await stage.openTab('copy')];
  await holdOne(stubborn);
  await stubborn.page.evaluate(async () => {
    await copyLab.held!.copy.close();
    Object.assign(copyLab, { stubborn: await copyLab.openRaw() });
  });
  const codes = await tab.page.evaluate(async () => [
    await copyLab.codeOf(() => copyLab.deleteIndexedDbCopy('a')),
    await copyLab.codeOf(() => copyLab.open({ openTimeoutMilliseconds: 500 })),
  ]);
  expect(codes).toEqual(['storage_locked', 'storage_failed']);
});

it('a handle that died while the data are there is replaced, and no write is lost or done twice', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const { open, record, reopened } = copyLab;
    const handles: IDBDatabase[] = [];
    const { transaction } = IDBDatabase.prototype;
    let sabotage: 'none' | 'close' | 'abort' = 'none';
    IDBDatabase.prototype.transaction = function (...words) {
      handles.push(this);
      const how = sabotage;
      sabotage = 'none';
      if (how === 'close') this.close();
      const made = transaction.apply(this, words);
      if (how === 'abort') queueMicrotask(() => made.abort());
      return made;
    };
    const copy = await open();
    for (let number = 1; number <= 30; number += 1) {
      sabotage = (['none', 'close', 'abort'] as const)[number % 3]!;
      await copy.append(record(number));
      sabotage = 'abort';
      if (number === 15) await copy.replace([1, 2, 3].map((n) => record(n)));
    }
    await copy.close();
    IDBDatabase.prototype.transaction = transaction;
    return { handles: new Set(handles).size, ...(await reopened()) };
  });
  expect(found.numbers).toEqual([1, 2, 3, ...Array.from({ length: 15 }, (_, i) => 16 + i)]);
  expect(found.handles).toBeGreaterThan(20);
});

it('a browser that lets a page keep nothing is unsupported', async () => {
  const profile = await stage.profile();
  const without = await profile.openTab(stage.url('copy'), () => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
  });
  const forbidden = await profile.openTab(stage.url('copy'), () => {
    Object.defineProperty(globalThis, 'indexedDB', {
      get: () => {
        throw new DOMException('no access', 'SecurityError');
      },
    });
  });
  for (const tab of [without, forbidden]) {
    expect(await tab.page.evaluate(() => copyLab.codeOf(() => copyLab.open()))).toBe('unsupported');
  }
});
