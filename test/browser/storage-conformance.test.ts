// The conformance suite of the Storage contract in a real Chromium, over IndexedDB, for each durability. The suite is declared here by its titles;
// its bodies run in the tab.
import { beforeAll, describe, expect, it } from 'vitest';
import { storageConformance } from '@raftkv/storage/conformance';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['storage'], { keepProfile: true });
let tab: Tab;
beforeAll(async () => {
  tab = await stage.openTab('storage');
});

for (const durability of ['strict', 'relaxed'] as const) {
  storageConformance({
    name: durability,
    test: {
      describe,
      it: (title) =>
        it(`${title}`, async () => {
          const whole = expect.getState().currentTestName!;
          await tab.page.evaluate(([way, name]) => storageLab.runConformance(way, name), [durability, whole] as const);
        }),
      expect,
    },
    createPlace: () => Promise.reject(new Error('places are in the tab')),
  });
}

it('the suite in the tab can fail', async () => {
  const run = tab.page.evaluate(() => storageLab.runConformance('strict', 'no such test'));
  await expect(run).rejects.toThrow('no test is called');
});
