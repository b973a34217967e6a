// Members in tabs of a real Firefox, connected over WebRTC by id, and a Firefox tab with a Chromium tab by codes: two implementations that share nothing. What
// needs a tab killed stays with Chromium. Run where Firefox is present, and always in CI, which installs it.
import { expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { launchChromium, webRtcFlags } from './harness/chromium.ts';
import { webRtcPreferences } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';

const stage = setFirefoxStage(['webrtc'], webRtcPreferences);

const openTab = (): Promise<Page> => stage.openTab('webrtc');

async function connected(page: Page): Promise<string[]> {
  const status = await page.evaluate(() => webRtcLab.status());
  return status.filter((peer) => peer.isConnected && peer.path === 'direct').map(({ id }) => id);
}

const received = (page: Page): Promise<string[]> => page.evaluate(() => webRtcLab.received());

it('connects two tabs by id, carries a snapshot and a heartbeat, and comes back after a reload', async () => {
  if (!stage.isWanted) return;
  const [a, b] = [await openTab(), await openTab()];
  const open = (page: Page, id: string, other: string): Promise<void> =>
    page.evaluate((self, peer) => webRtcLab.open(self, [peer], 'tabs'), id, other);
  await Promise.all([open(a, 'a', 'b'), open(b, 'b', 'a')]);
  await expect.poll(() => connected(a), { timeout: 60_000 }).toEqual(['b']);
  await expect.poll(() => connected(b)).toEqual(['a']);
  await a.evaluate(() => webRtcLab.send('b', 1 << 20));
  await expect
    .poll(async () => (await received(b)).toSorted(), { timeout: 60_000 })
    .toEqual(['heartbeatRequest from a', 'installSnapshotRequest from a']);
  await b.reload({ waitUntil: 'load' });
  await open(b, 'b', 'a');
  await expect.poll(() => connected(b), { timeout: 60_000 }).toEqual(['a']);
  await Promise.all([a.close(), b.close()]);
});

it('connects a tab of Firefox and one of Chromium, by one code each way, whichever invites', async () => {
  if (!stage.isWanted) return;
  const chromium = await launchChromium(webRtcFlags);
  try {
    for (const inviter of ['Firefox', 'Chromium'] as const) {
      const inFirefox = await openTab();
      const inChromium = await chromium.newPage();
      await inChromium.goto(stage.url('webrtc'), { waitUntil: 'load' });
      if (inviter === 'Firefox') {
        const code = await inFirefox.evaluate(() => webRtcLab.invite());
        const answer = await inChromium.evaluate((text) => webRtcLab.answer(text), code);
        await Promise.all([
          inFirefox.evaluate((text) => webRtcLab.accept(text, 1), answer),
          inChromium.evaluate(() => webRtcLab.greet(2)),
        ]);
      } else {
        const code = await inChromium.evaluate(() => webRtcLab.invite());
        const answer = await inFirefox.evaluate((text) => webRtcLab.answer(text), code);
        await Promise.all([
          inChromium.evaluate((text) => webRtcLab.accept(text, 2), answer),
          inFirefox.evaluate(() => webRtcLab.greet(1)),
        ]);
      }
      await expect.poll(() => inFirefox.evaluate(() => webRtcLab.heardBytes())).toEqual([2]);
      await expect.poll(() => inChromium.evaluate(() => webRtcLab.heardBytes())).toEqual([1]);
      await Promise.all([inFirefox.close(), inChromium.close()]);
    }
  } finally {
    await chromium.close();
  }
});
