// What a browser profile keeps of a room, between its tabs: a storage is removed, or opened again, as the one that it was, and not by its number.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';

const stage = setStage(['room-slots']);

it('a storage that another tab has by now is not removed by the tab that had it, and is by that one', async () => {
  const [one, two] = [await stage.openTab('room-slots'), await stage.openTab('room-slots')];
  await one.page.evaluate(() => slotsLab.create('ada'));
  await one.page.evaluate(() => slotsLab.close());
  expect(await two.page.evaluate(() => slotsLab.openFree())).toBe('ada');
  expect(await one.page.evaluate(() => slotsLab.remove())).toBe('fine');
  expect(await two.page.evaluate(() => slotsLab.write())).toBe('fine');
  expect(await two.page.evaluate(() => slotsLab.remove())).toBe('fine');
  expect(await one.page.evaluate(() => slotsLab.openFree())).toBeUndefined();
});

it('what was made under the number of a storage that is gone is neither removed nor opened in its place', async () => {
  const [one, two] = [await stage.openTab('room-slots'), await stage.openTab('room-slots')];
  const label = await one.page.evaluate(() => slotsLab.create('ada'));
  await one.page.evaluate(() => slotsLab.close());
  await two.page.evaluate(() => slotsLab.openFree());
  await two.page.evaluate(() => slotsLab.remove());
  expect(await two.page.evaluate(() => slotsLab.create('eve'))).toBe(label);
  await two.page.evaluate(() => slotsLab.release());
  expect(await one.page.evaluate(() => slotsLab.reopen())).toBe('storage_identity');
  expect(await one.page.evaluate(() => slotsLab.remove())).toBe('fine');
  expect(await two.page.evaluate(() => slotsLab.openFree())).toBe('eve');
});
