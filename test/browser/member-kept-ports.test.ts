// Members in workers whose data channels stay in the page, as in browsers that hand none over: WebRTC is their only way, and they elect, write, catch up and go on as
// others do. In Chromium, and where Firefox is present in a real one, whose data channels are tried both ways.
import { expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { findFirefox, webRtcPreferences } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';
import { setStage } from './harness/stage.ts';
import type { LabOptions } from './pages/member.ts';

/** What pages of both drivers have, whose own types only differ in words. */
interface AnyPage {
  evaluate<Result, Given>(act: (given: Given) => Result | Promise<Result>, given: Given): Promise<Result>;
  bringToFront(): Promise<void>;
  close(): Promise<void>;
}

const timeout = 120_000;
const names = ['ada', 'bob', 'eve'] as const;
const stage = setStage(['member-off-thread'], { flags: webRtcFlags });
const firefox = setFirefoxStage(['member-off-thread'], webRtcPreferences);

/** Where they all agree who leads. */
async function led(pages: readonly AnyPage[]): Promise<string> {
  const leaders = (): Promise<(string | undefined)[]> =>
    Promise.all(pages.map((page) => page.evaluate(() => memberLab.status().leader, undefined)));
  await expect
    .poll(async () => new Set(await leaders()).size === 1 && (await leaders())[0] !== undefined, { timeout })
    .toBe(true);
  return (await leaders())[0]!;
}

const written = (page: AnyPage, key: string, value: unknown): Promise<number> =>
  page.evaluate(([k, v]) => memberLab.put(k, v), [key, value] as const);

async function expectToGoOn(openPage: () => Promise<AnyPage>, room: string, isKept: boolean): Promise<void> {
  const pages: AnyPage[] = [];
  for (const name of names) {
    const page = await openPage();
    if (isKept) await page.evaluate(() => memberThreadLab.keepDataChannels(), undefined);
    const options: LabOptions = {
      name,
      cluster: { founders: names.map((each) => ({ name: each })) },
      storage: 'strict',
      electionTimeoutMilliseconds: 2_000,
      room,
      relay: 'tabs',
    };
    await page.evaluate((given) => memberLab.open(given), options);
    pages.push(page);
  }
  await led(pages);
  await written(pages[0]!, 'small', 1);
  // In many pieces, more than a channel is given at once.
  const large = 'x'.repeat(700_000);
  for (let i = 0; i < 4; i += 1) await written(pages[i % 3]!, `large/${i}`, large);
  expect(await pages[2]!.evaluate(() => memberLab.get('large/1'), undefined)).toBe(large);
  for (const page of pages) {
    const kept = await page.evaluate(() => memberThreadLab.kept, undefined);
    expect(kept > 0).toBe(isKept);
  }
  // One closes: the others hear of it, and go on without.
  await pages[0]!.close();
  const rest = pages.slice(1);
  await rest[0]!.bringToFront();
  await expect.poll(async () => (await led(rest)) !== 'tab:ada', { timeout }).toBe(true);
  await written(rest[1]!, 'after', 2);
  expect(await rest[0]!.evaluate(() => memberLab.get('after'), undefined)).toBe(2);
  for (const page of rest) await page.close();
}

it('goes on over data channels that stay in the page', async () => {
  await stage.profile();
  await expectToGoOn(async () => (await stage.openTab('member-off-thread')).page as AnyPage, 'kept', true);
});

it.each([false, true])('does so in Firefox; data channels stay in the page: %s', async (isKept) => {
  if (!firefox.isWanted) return expect(findFirefox()).toBe(undefined);
  const openTab = async () => (await firefox.openTab('member-off-thread')) as unknown as AnyPage;
  await expectToGoOn(openTab, `firefox ${isKept}`, isKept);
});
