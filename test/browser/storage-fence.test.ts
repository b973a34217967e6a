// Two tabs and one storage: only one may write. The lock tells living tabs apart; the fence in the database stops those that come back from
// the dead, and must do so alone where there are no locks.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';
import type { Profile, Tab } from './harness/tabs.ts';

const stage = setStage(['storage'], { flags: ['--host-resolver-rules=MAP raftkv.test 127.0.0.1'] });

/** Opens the storage in a tab and keeps it in `held`; later failures are listed. */
async function hold(tab: Tab, options: { steal?: boolean; waitMilliseconds?: number } = {}): Promise<string> {
  return tab.page.evaluate(
    ({ steal, waitMilliseconds }) =>
      storageLab.codeOf(async () => {
        const { openIndexedDbStorage, identity } = storageLab;
        const heard: string[] = [];
        const storage = await openIndexedDbStorage({
          name: 'shared',
          create: true,
          identity,
          steal: steal ?? false,
          // The browser takes its time to let go of what a closed page had.
          lockWaitMilliseconds: waitMilliseconds ?? 20_000,
          onFailure: ({ code }) => void heard.push(code),
        });
        Object.assign(storageLab, { held: { storage, heard, state: await storage.load() } });
      }),
    options,
  );
}

const append = (tab: Tab, index: number): Promise<string> =>
  tab.page.evaluate((first) => storageLab.codeOf(() => storageLab.append(storageLab.held!.storage, first, 1)), index);
const prove = (tab: Tab): Promise<string> =>
  tab.page.evaluate(() => storageLab.codeOf(() => storageLab.held!.storage.proveOwner!()));
const heard = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => storageLab.held!.heard);
const heldIndexes = (tab: Tab): Promise<number[]> =>
  tab.page.evaluate(() => storageLab.held!.state.entries.map(({ index }) => index));

async function twoTabs(before?: () => void): Promise<[Profile, Tab, Tab]> {
  const profile = await stage.profile();
  const url = stage.url('storage');
  return [profile, await profile.openTab(url, before), await profile.openTab(url, before)];
}

it('a second tab is refused while the first one lives, and let in when it is closed or killed', async () => {
  const [profile, first, second] = await twoTabs();
  expect(await hold(first)).toBe('resolved');
  expect(await hold(second, { waitMilliseconds: 100 })).toBe('storage_locked');
  expect(await append(first, 1)).toBe('resolved');
  await first.close();
  expect(await hold(second)).toBe('resolved');
  expect(await heldIndexes(second)).toEqual([1]);
  await second.kill();
  const third = await profile.openTab(stage.url('storage'));
  expect(await hold(third)).toBe('resolved');
});

it('a reloaded tab gets its own storage back', async () => {
  const tab = await stage.openTab('storage');
  expect(await hold(tab)).toBe('resolved');
  expect(await append(tab, 1)).toBe('resolved');
  for (let i = 0; i < 5; i += 1) {
    await tab.page.reload();
    expect(await hold(tab)).toBe('resolved');
    expect(await heldIndexes(tab)).toEqual([1]);
  }
});

it('who is robbed hears of it at once, and writes nothing more', async () => {
  const [, first, second] = await twoTabs();
  expect(await hold(first)).toBe('resolved');
  await append(first, 1);
  expect(await hold(second, { steal: true })).toBe('resolved');
  await expect.poll(() => heard(first)).toEqual(['storage_locked']);
  expect(await append(first, 2)).toBe('storage_locked');
  expect(await heldIndexes(second)).toEqual([1]);
  expect(await append(second, 2)).toBe('resolved');
});

it('who is robbed while it is opening does not open, and robs nobody', async () => {
  const [profile, first, second] = await twoTabs();
  expect(await hold(first)).toBe('resolved');
  await first.page.reload();
  // Keeps everybody from writing, as a browser that takes its time.
  const slow = await profile.openTab(stage.url('storage'));
  await slow.page.evaluate(async () => {
    const [{ name }] = (await indexedDB.databases()) as [{ name: string }];
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name);
      request.addEventListener('success', () => resolve(request.result));
    });
    const store = database
      .transaction([...database.objectStoreNames], 'readwrite')
      .objectStore(database.objectStoreNames[0]!);
    const state = { isSlow: true };
    const goOn = (): void => {
      if (state.isSlow) store.count().addEventListener('success', goOn);
    };
    goOn();
    Object.assign(globalThis, { slow: state });
  });
  const owner = (): Promise<string | undefined> =>
    slow.page.evaluate(async () => (await navigator.locks.query()).held?.[0]?.clientId);
  const opening = hold(first);
  await expect.poll(owner).toBeDefined();
  const robbed = await owner();
  const stealing = hold(second, { steal: true });
  await expect.poll(owner).not.toBe(robbed);
  await slow.page.evaluate(() => void ((globalThis as unknown as { slow: { isSlow: boolean } }).slow.isSlow = false));
  expect(await opening).toBe('storage_locked');
  expect(await stealing).toBe('resolved');
  expect(await append(second, 1)).toBe('resolved');
});

it('a frozen tab that was robbed cannot write when it thaws', async () => {
  const [profile, zombie, heir] = await twoTabs();
  expect(await hold(zombie)).toBe('resolved');
  await append(zombie, 1);
  await zombie.freeze();
  expect(await hold(heir, { steal: true })).toBe('resolved');
  expect(await append(heir, 2)).toBe('resolved');
  await zombie.resume();
  expect(await append(zombie, 2)).toBe('storage_locked');
  await expect.poll(() => heard(zombie)).toEqual(['storage_locked']);
  expect(await append(heir, 3)).toBe('resolved');
  await heir.close();
  const reader = await profile.openTab(stage.url('storage'));
  expect(await hold(reader)).toBe('resolved');
  expect(await heldIndexes(reader)).toEqual([1, 2, 3]);
});

it('a frozen tab that was robbed cannot say that the storage is its own, though it writes nothing', async () => {
  const [, zombie, heir] = await twoTabs();
  expect(await hold(zombie)).toBe('resolved');
  expect(await prove(zombie)).toBe('resolved');
  await zombie.freeze();
  expect(await hold(heir, { steal: true })).toBe('resolved');
  await zombie.resume();
  expect(await prove(zombie)).toBe('storage_locked');
  expect(await prove(heir)).toBe('resolved');
});

it('without locks a look alone finds out that another has the storage, and it is dead then', async () => {
  const [, first, second] = await twoTabs(() => {
    Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
  });
  expect(await hold(first)).toBe('resolved');
  expect(await hold(second)).toBe('resolved');
  expect(await prove(first)).toBe('storage_locked');
  expect(await heard(first)).toEqual(['storage_locked']);
  expect(await append(first, 1)).toBe('storage_locked');
});

it('without locks the last opener wins: the fence alone stops the others, in each call', async () => {
  const [, first, second] = await twoTabs(() => {
    Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
  });
  expect(await hold(first)).toBe('resolved');
  await append(first, 1);
  expect(await hold(second)).toBe('resolved');
  expect(await append(second, 2)).toBe('resolved');
  const note = first.page.evaluate(() => storageLab.codeOf(() => storageLab.held!.storage.getNote('peers')));
  expect(await note).toBe('storage_locked');
  expect(await append(first, 2)).toBe('storage_locked');
  expect(await heard(first)).toEqual(['storage_locked']);
  expect(await append(second, 3)).toBe('resolved');
  expect(await hold(first)).toBe('resolved');
  expect(await heldIndexes(first)).toEqual([1, 2, 3]);
  const indexes = await first.page.evaluate(() => storageLab.held!.state.entries.map(({ data }) => data[3]));
  expect(indexes).toEqual([1, 2, 3]);
});

it('without locks a write of the older of two handles is refused within its own transaction, and nothing of it is there', async () => {
  const [, older, newer] = await twoTabs(() => {
    Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
  });
  expect(await hold(older)).toBe('resolved');
  expect(await hold(newer)).toBe('resolved');
  expect(await append(newer, 1)).toBe('resolved');
  // The older one has looked at nothing since: only what stands in the transaction itself can tell it.
  const three = older.page.evaluate(() => storageLab.codeOf(() => storageLab.append(storageLab.held!.storage, 1, 3)));
  expect(await three).toBe('storage_locked');
  // Whatever it wrote would have taken the storage back.
  expect(await prove(newer)).toBe('resolved');
  expect(await append(newer, 2)).toBe('resolved');
  expect(await hold(older)).toBe('resolved');
  expect(await heldIndexes(older)).toEqual([1, 2]);
});

it('a page from an insecure context, which has neither locks nor uuids, keeps data all the same', async () => {
  const profile = await stage.profile();
  const tab = await profile.openTab(stage.url('storage', 'raftkv.test'));
  expect(await tab.page.evaluate(() => [isSecureContext, 'locks' in navigator, 'randomUUID' in crypto])).toEqual([
    false,
    false,
    false,
  ]);
  expect(await hold(tab)).toBe('resolved');
  expect(await append(tab, 1)).toBe('resolved');
  await tab.page.reload();
  expect(await hold(tab)).toBe('resolved');
  expect(await heldIndexes(tab)).toEqual([1]);
});
